#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "../color/compose.hpp"
#include "../color/guided.hpp"

namespace py = pybind11;
namespace cc = colordeploy::color;

namespace {

using Array = py::array_t<float, py::array::c_style>;
using Picture = py::array_t<std::uint8_t>;

cc::Matrix matrix_of(const Array& to_rgb) {
    if (to_rgb.size() != 9) throw py::value_error("the matrix must be 3x3");
    cc::Matrix matrix;
    std::copy_n(to_rgb.data(), 9, matrix.begin());
    return matrix;
}

Picture compose_lab(const Array& lightness, const Array& ab, const Array& to_rgb) {
    const py::ssize_t n = lightness.size();
    if (ab.ndim() != 2 || ab.shape(0) != n || ab.shape(1) != 2) {
        throw py::value_error("ab must be (n, 2) for n lightnesses");
    }
    const cc::Matrix matrix = matrix_of(to_rgb);
    Picture rgb({n, py::ssize_t{3}});
    const float *light = lightness.data(), *chroma = ab.data();
    std::uint8_t* out = rgb.mutable_data();
    {
        py::gil_scoped_release release;
        cc::compose_lab(light, chroma, n, matrix, out);
    }
    return rgb;
}

// One value a pixel, by `function(source, n, weights, threads, out)`.
template <typename T, typename Function>
py::array_t<float> plane_of(const py::array_t<T, py::array::c_style>& rgb, const Array& weights,
                            int threads, const Function& function) {
    if (rgb.ndim() != 2 || rgb.shape(1) != 3 || weights.size() != 3) {
        throw py::value_error("rgb must be (n, 3), and the weights three");
    }
    if (threads < 1) throw py::value_error("threads must be at least 1");
    py::array_t<float> plane(rgb.shape(0));
    std::array<float, 3> three;
    std::copy_n(weights.data(), 3, three.begin());
    const T* source = rgb.data();
    float* out = plane.mutable_data();
    const py::ssize_t n = rgb.shape(0);
    {
        py::gil_scoped_release release;
        function(source, n, three, threads, out);
    }
    return plane;
}

template <typename T>
py::array_t<float> lightness_of(const py::array_t<T, py::array::c_style>& rgb, const Array& to_y,
                                int threads) {
    return plane_of(rgb, to_y, threads, [](auto&&... given) { return cc::lightness_of(given...); });
}

py::array_t<float> luma_of(const py::array_t<std::uint8_t, py::array::c_style>& rgb,
                           const Array& weights, int threads) {
    return plane_of(rgb, weights, threads, &cc::luma_of);
}

cc::Small small_of(const Array& light, const Array& planes, int threads) {
    if (light.ndim() != 2 || light.size() == 0 || planes.ndim() != 3 || planes.size() == 0 ||
        planes.shape(2) != cc::PLANES) {
        throw py::value_error("light must be (H, W) and planes (h, w, 5), none of them empty");
    }
    if (threads < 1) throw py::value_error("threads must be at least 1");
    return {planes.data(), planes.shape(0), planes.shape(1)};
}

void fit_slopes(const Array& planes, int radius, double epsilon, double power, double flat_light,
                double flat_chroma) {
    if (planes.ndim() != 3 || planes.shape(2) != cc::PLANES || radius < 0 || epsilon <= 0.0 ||
        flat_light <= 0.0 || flat_chroma <= 0.0) {
        throw py::value_error("planes must be (h, w, 5), and parameters above zero");
    }
    if (!planes.writeable()) throw py::value_error("planes must be writeable");
    auto* values = const_cast<float*>(planes.data());
    const py::ssize_t rows = planes.shape(0), columns = planes.shape(1);
    const cc::Slopes slopes{radius, epsilon, power, flat_light, flat_chroma};
    py::gil_scoped_release release;
    cc::fit_slopes(values, rows, columns, slopes);
}

Picture compose_guided_luma(const Array& light, const Array& planes, const Array& to_rgb,
                            int threads) {
    const cc::Small small = small_of(light, planes, threads);
    if (to_rgb.size() != 6) throw py::value_error("the matrix must be 2x3");
    Picture rgb({light.shape(0), light.shape(1), py::ssize_t{3}});
    const py::ssize_t rows = light.shape(0), columns = light.shape(1);
    const float *source = light.data(), *matrix = to_rgb.data();
    std::uint8_t* out = rgb.mutable_data();
    {
        py::gil_scoped_release release;
        cc::compose_guided_luma(source, rows, columns, small, matrix, threads, out);
    }
    return rgb;
}

Picture compose_guided_lab(const Array& light, const Array& planes, float ab_scale,
                           const Array& to_rgb, int threads) {
    const cc::Small small = small_of(light, planes, threads);
    const cc::Matrix matrix = matrix_of(to_rgb);
    Picture rgb({light.shape(0), light.shape(1), py::ssize_t{3}});
    const py::ssize_t rows = light.shape(0), columns = light.shape(1);
    const float* source = light.data();
    std::uint8_t* out = rgb.mutable_data();
    {
        py::gil_scoped_release release;
        cc::compose_guided_lab(source, rows, columns, small, ab_scale, matrix, threads, out);
    }
    return rgb;
}

}  // namespace

void register_color(py::module_& module) {
    module.def("compose_lab", &compose_lab, py::arg("lightness").noconvert(),
               py::arg("ab").noconvert(), py::arg("to_rgb").noconvert());
    module.def("lightness_of", &lightness_of<float>, py::arg("rgb").noconvert(),
               py::arg("to_y").noconvert(), py::arg("threads"));
    module.def("lightness_of", &lightness_of<std::uint8_t>, py::arg("rgb").noconvert(),
               py::arg("to_y").noconvert(), py::arg("threads"));
    module.def("luma_of", &luma_of, py::arg("rgb").noconvert(), py::arg("weights").noconvert(),
               py::arg("threads"));
    module.def("fit_slopes", &fit_slopes, py::arg("planes").noconvert(), py::arg("radius"),
               py::arg("epsilon"), py::arg("power"), py::arg("flat_light"), py::arg("flat_chroma"));
    module.def("compose_guided_luma", &compose_guided_luma, py::arg("light").noconvert(),
               py::arg("planes").noconvert(), py::arg("to_rgb").noconvert(), py::arg("threads"));
    module.def("compose_guided_lab", &compose_guided_lab, py::arg("light").noconvert(),
               py::arg("planes").noconvert(), py::arg("ab_scale"), py::arg("to_rgb").noconvert(),
               py::arg("threads"));
}
