#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <optional>

#include "../cancel.hpp"
#include "../color/chroma.hpp"
#include "../color/compose.hpp"
#include "../color/guided.hpp"
#include "../color/lightness.hpp"
#include "../color/resample.hpp"
#include "../color/resize.hpp"
#include "../color/spaces.hpp"
#include "../color/working.hpp"
#include "targets.hpp"
#include "views.hpp"

namespace py = pybind11;
namespace cd = colordeploy;
namespace cc = colordeploy::color;

namespace {

template <typename T>
using Strided = py::array_t<T>;
template <typename T>
using Contiguous = py::array_t<T, py::array::c_style>;

Contiguous<std::uint8_t> compose_lab(const Contiguous<float>& lightness,
                                     const Contiguous<float>& ab) {
    const py::ssize_t n = lightness.size();
    if (ab.ndim() != 2 || ab.shape(0) != n || ab.shape(1) != 2 || !cd::aligned<float>(ab) ||
        !cd::aligned<float>(lightness)) {
        throw py::value_error("ab must be (n, 2) for n lightnesses, both aligned");
    }
    Contiguous<std::uint8_t> rgb({n, py::ssize_t{3}});
    const float *light = lightness.data(), *chroma = ab.data();
    std::uint8_t* out = rgb.mutable_data();
    {
        py::gil_scoped_release release;
        cc::compose_lab(light, chroma, n, out);
    }
    return rgb;
}

// One value a pixel, by `function(source, n, threads, out)`.
template <typename T, typename Function>
py::array_t<float> values_of(const Contiguous<T>& rgb, int threads, const Function& function) {
    if (rgb.ndim() != 2 || rgb.shape(1) != 3 || !cd::aligned<T>(rgb)) {
        throw py::value_error("rgb must be (n, 3) and aligned");
    }
    if (threads < 1) throw py::value_error("threads must be at least 1");
    py::array_t<float> values(rgb.shape(0));
    const T* source = rgb.data();
    float* out = values.mutable_data();
    const py::ssize_t n = rgb.shape(0);
    {
        py::gil_scoped_release release;
        function(source, n, threads, out);
    }
    return values;
}

template <typename T>
py::array_t<float> lightness_of(const Contiguous<T>& rgb, int threads) {
    return values_of(rgb, threads, [](auto&&... given) { cc::lightness_of(given...); });
}

template <typename T>
py::array_t<float> lightness_of_gray(const Contiguous<T>& gray, int threads) {
    if (!cd::aligned<T>(gray)) throw py::value_error("gray must be aligned");
    if (threads < 1) throw py::value_error("threads must be at least 1");
    const py::ssize_t n = gray.size();
    py::array_t<float> values(n);
    const T* source = gray.data();
    float* out = values.mutable_data();
    {
        py::gil_scoped_release release;
        cc::lightness_of_gray(source, n, threads, out);
    }
    return values;
}

Contiguous<float> lab_of(const Contiguous<float>& rgb, int threads) {
    if (rgb.ndim() != 2 || rgb.shape(1) != 3 || !cd::aligned<float>(rgb)) {
        throw py::value_error("rgb must be (n, 3) and aligned");
    }
    if (threads < 1) throw py::value_error("threads must be at least 1");
    const py::ssize_t n = rgb.shape(0);
    Contiguous<float> lab({n, py::ssize_t{3}});
    const float* source = rgb.data();
    float* out = lab.mutable_data();
    {
        py::gil_scoped_release release;
        cc::lab_of(source, n, threads, out);
    }
    return lab;
}

template <typename T>
py::array_t<float> luma_of(const Contiguous<T>& rgb, int threads) {
    return values_of(rgb, threads, [](auto&&... given) { cc::luma_of(given...); });
}

template <typename T>
Contiguous<T> resample(const Strided<T>& plane, py::ssize_t rows, py::ssize_t columns, int threads,
                       const cd::CancelFlag* cancel) {
    const cd::Plane<const T> source = cd::plane_of(plane, "plane");
    if (rows < 1 || columns < 1) throw py::value_error("the new size must be at least 1 x 1");
    Contiguous<T> result({rows, columns});
    const cd::Plane<T> out{result.mutable_data(), rows, columns, columns, 1};
    {
        py::gil_scoped_release release;
        cc::resample(source, out, threads, cancel);
    }
    return result;
}

template <typename T>
Contiguous<float> resize(const Strided<T>& plane, py::ssize_t rows, py::ssize_t columns,
                         int threads, const cd::CancelFlag* cancel) {
    const cd::Plane<const T> source = cd::plane_of(plane, "plane");
    if (rows < 1 || columns < 1) throw py::value_error("the new size must be at least 1 x 1");
    Contiguous<float> result({rows, columns});
    const cd::Plane<float> out{result.mutable_data(), rows, columns, columns, 1};
    {
        py::gil_scoped_release release;
        cc::resize(source, out, threads, cancel);
    }
    return result;
}

Contiguous<float> chroma_at_working_size(const Strided<float>& ab, const Strided<float>& gray,
                                         py::ssize_t rows, py::ssize_t columns, int threads,
                                         const cd::CancelFlag* cancel) {
    const cd::Channels<const float> chroma = cd::channels_of(ab, "ab", 2);
    const cd::Plane<const float> seen = cd::plane_of(gray, "gray");
    std::vector<float> pairs;
    {
        py::gil_scoped_release release;
        pairs = cc::chroma_at_working_size(chroma, seen, rows, columns, threads, cancel);
    }
    return cd::owned(std::move(pairs), {rows, columns, 2});
}

py::tuple working_size(py::ssize_t rows, py::ssize_t columns, py::ssize_t short_side, bool bounded,
                       bool enlarged) {
    if (rows < 1 || columns < 1 || short_side < 1) throw py::value_error("sides must be positive");
    const cc::Size size = cc::working_size({rows, columns}, short_side, {bounded, enlarged});
    return py::make_tuple(size.rows, size.columns);
}

cc::GuidedChroma guided(const Strided<float>& chroma, const Strided<float>& lightness, bool lab,
                        const std::optional<std::array<double, 3>>& slopes) {
    const cd::Channels<const float> given = cd::channels_of(chroma, "chroma", 2);
    const cd::Plane<const float> light = cd::plane_of(lightness, "lightness");
    std::optional<cc::Slopes> fitted;
    if (slopes) {
        fitted = cc::Slopes{};
        fitted->radius = static_cast<int>((*slopes)[0]);
        fitted->epsilon = (*slopes)[1];
        fitted->power = (*slopes)[2];
    }
    py::gil_scoped_release release;
    return {given, light, lab ? cc::Space::lab : cc::Space::luma, fitted};
}

void compose(const cc::GuidedChroma& chroma, const Strided<float>& lightness,
             const std::array<py::ssize_t, 4>& part, float saturation, py::array& out, int threads,
             const std::optional<Strided<float>>& base, const cd::CancelFlag* cancel) {
    const cd::Plane<const float> light = cd::plane_of(lightness, "lightness");
    cc::Look look{saturation};
    if (base) look.base = cd::channels_of(*base, "base", 2);
    const cd::Rectangle rectangle{part[0], part[1], part[2], part[3]};
    const cc::Target target = cd::target_of(out, rectangle);
    py::gil_scoped_release release;
    cc::compose(chroma, light, rectangle, look, target, threads, cancel);
}

template <std::size_t N>
py::array_t<double> constant(const std::array<double, N>& values, std::vector<py::ssize_t> shape) {
    py::array_t<double> array(shape);
    std::copy(values.begin(), values.end(), array.mutable_data());
    array.attr("flags").attr("writeable") = false;
    return array;
}

py::array_t<float> slopes_of(const cc::GuidedChroma& chroma) {
    py::array_t<float> slopes({py::ssize_t{2}, chroma.rows(), chroma.columns()});
    std::copy_n(chroma.plane(2), slopes.size(), slopes.mutable_data());
    return slopes;
}

}  // namespace

void register_color(py::module_& module) {
    module.attr("LUMA") = constant(cc::LUMA, {3});
    module.attr("CHROMA_SCALES") = py::make_tuple(cc::U_SCALE, cc::V_SCALE);
    module.attr("CHROMA_TO_RGB") = constant(cc::CHROMA_TO_RGB, {2, 3});
    module.attr("LINEAR_RGB_TO_XYZ") = constant(cc::RGB_TO_XYZ, {3, 3});
    module.attr("XYZ_TO_LINEAR_RGB") = constant(cc::XYZ_TO_RGB, {3, 3});
    module.attr("AB_SCALE") = static_cast<double>(cc::AB_SCALE);
    module.def("compose_lab", &compose_lab, py::arg("lightness").noconvert(),
               py::arg("ab").noconvert());
    module.def("lightness_of", &lightness_of<float>, py::arg("rgb").noconvert(),
               py::arg("threads"));
    module.def("lightness_of", &lightness_of<std::uint8_t>, py::arg("rgb").noconvert(),
               py::arg("threads"));
    module.def("lightness_of_gray", &lightness_of_gray<float>, py::arg("gray").noconvert(),
               py::arg("threads"));
    module.def("lightness_of_gray", &lightness_of_gray<std::uint8_t>, py::arg("gray").noconvert(),
               py::arg("threads"));
    module.def("lab_of", &lab_of, py::arg("rgb").noconvert(), py::arg("threads"));
    module.def("luma_of", &luma_of<float>, py::arg("rgb").noconvert(), py::arg("threads"));
    module.def("luma_of", &luma_of<std::uint8_t>, py::arg("rgb").noconvert(), py::arg("threads"));
    module.def("resample", &resample<float>, py::arg("plane").noconvert(), py::arg("rows"),
               py::arg("columns"), py::arg("threads"), py::arg("cancel"));
    module.def("resample", &resample<std::uint8_t>, py::arg("plane").noconvert(), py::arg("rows"),
               py::arg("columns"), py::arg("threads"), py::arg("cancel"));
    module.def("resize", &resize<float>, py::arg("plane").noconvert(), py::arg("rows"),
               py::arg("columns"), py::arg("threads"), py::arg("cancel"));
    module.def("resize", &resize<std::uint8_t>, py::arg("plane").noconvert(), py::arg("rows"),
               py::arg("columns"), py::arg("threads"), py::arg("cancel"));
    module.def("chroma_at_working_size", &chroma_at_working_size, py::arg("ab").noconvert(),
               py::arg("gray").noconvert(), py::arg("rows"), py::arg("columns"), py::arg("threads"),
               py::arg("cancel"));
    module.def("working_size", &working_size, py::arg("rows"), py::arg("columns"),
               py::arg("short_side"), py::arg("bounded"), py::arg("enlarged"));
    py::class_<cc::GuidedChroma>(module, "GuidedChroma")
        .def(py::init(&guided), py::arg("chroma").noconvert(), py::arg("lightness").noconvert(),
             py::arg("lab"), py::arg("slopes"))
        .def("compose", &compose, py::arg("lightness").noconvert(), py::arg("part"),
             py::arg("saturation"), py::arg("out").noconvert(), py::arg("threads"), py::arg("base"),
             py::arg("cancel"))
        .def_property_readonly("slopes", &slopes_of)
        .def_property_readonly("nbytes", &cc::GuidedChroma::bytes);
}
