#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "../color/compose.hpp"

namespace py = pybind11;
namespace cc = colordeploy::color;

namespace {

using Array = py::array_t<float, py::array::c_style>;

py::array_t<std::uint8_t> compose_lab(const Array& lightness, const Array& ab,
                                      const Array& to_rgb) {
    const py::ssize_t n = lightness.size();
    if (ab.ndim() != 2 || ab.shape(0) != n || ab.shape(1) != 2 || to_rgb.size() != 9) {
        throw py::value_error("ab must be (n, 2) for n lightnesses, and the matrix 3x3");
    }
    py::array_t<std::uint8_t> rgb({n, py::ssize_t{3}});
    cc::Matrix matrix;
    std::copy_n(to_rgb.data(), 9, matrix.begin());
    const float *light = lightness.data(), *chroma = ab.data();
    std::uint8_t* out = rgb.mutable_data();
    {
        py::gil_scoped_release release;
        cc::compose_lab(light, chroma, n, matrix, out);
    }
    return rgb;
}

}  // namespace

void register_color(py::module_& module) {
    module.def("compose_lab", &compose_lab, py::arg("lightness").noconvert(),
               py::arg("ab").noconvert(), py::arg("to_rgb").noconvert());
}
