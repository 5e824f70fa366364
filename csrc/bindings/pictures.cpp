#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <vector>

#include "../color/chroma.hpp"
#include "../pictures/image.hpp"
#include "views.hpp"

namespace py = pybind11;
namespace cd = colordeploy;
namespace cp = colordeploy::pictures;

namespace {

// An array (H, W) or (H, W, 3) as it lies in memory.
template <typename T>
cp::Image image_of(const py::array_t<T>& array, cp::Sample sample) {
    const bool gray = array.ndim() == 2;
    cd::require<T>(array, "samples", gray ? 2 : 3);
    if (!gray && (array.shape(2) != 3 || array.strides(2) != sizeof(T))) {
        throw py::value_error("samples must be (H, W) or (H, W, 3), channels side by side");
    }
    return {array.data(),   sample,         gray ? 1 : 3,     false,
            array.shape(0), array.shape(1), array.strides(0), array.strides(1)};
}

template <typename Formula>
py::array_t<float> plane_of(const cp::Image& image, int threads, const Formula& formula) {
    if (threads < 1) throw py::value_error("threads must be at least 1");
    py::array_t<float> plane({image.rows, image.columns});
    float* out = plane.mutable_data();
    {
        py::gil_scoped_release release;
        const std::vector<float> values = formula(image, threads, nullptr);
        std::copy(values.begin(), values.end(), out);
    }
    return plane;
}

template <typename T>
void define_planes(py::module_& module, cp::Sample sample) {
    module.def(
        "luma_plane",
        [sample](const py::array_t<T>& samples, int threads) {
            return plane_of(image_of(samples, sample), threads, cp::luma_of);
        },
        py::arg("samples").noconvert(), py::arg("threads"));
    module.def(
        "lightness_plane",
        [sample](const py::array_t<T>& samples, int threads) {
            return plane_of(image_of(samples, sample), threads, cp::lightness_of);
        },
        py::arg("samples").noconvert(), py::arg("threads"));
}

using Triples = py::array_t<float, py::array::c_style>;

py::array_t<float> chroma_of(const Triples& rgb, int threads) {
    if (rgb.ndim() != 2 || rgb.shape(1) != 3 || threads < 1) {
        throw py::value_error("rgb must be (n, 3), threads at least 1");
    }
    py::array_t<float> chroma({rgb.shape(0), py::ssize_t{2}});
    const float* source = rgb.data();
    float* out = chroma.mutable_data();
    const py::ssize_t n = rgb.shape(0);
    py::gil_scoped_release release;
    cd::color::chroma_of(source, n, threads, out);
    return chroma;
}

}  // namespace

void register_pictures(py::module_& module) {
    define_planes<std::uint8_t>(module, cp::Sample::bytes);
    define_planes<float>(module, cp::Sample::floats);
    module.def("chroma_of", &chroma_of, py::arg("rgb").noconvert(), py::arg("threads"));
}
