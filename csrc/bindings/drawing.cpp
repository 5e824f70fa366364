#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "../drawing/lines.hpp"
#include "../drawing/means.hpp"

namespace py = pybind11;
namespace cd = colordeploy::drawing;

namespace {

using Values = py::array_t<float>;  // of any strides
using Floats = py::array_t<float, py::array::c_style>;
using Marks = py::array_t<std::int32_t, py::array::c_style>;
using Bytes = py::array_t<std::uint8_t, py::array::c_style>;

cd::Colors colors_of(const Values& values, py::ssize_t rows, py::ssize_t columns) {
    if (values.ndim() != 3 || values.shape(2) != 3 || values.size() == 0 ||
        values.shape(0) > rows || values.shape(1) > columns) {
        throw py::value_error("values must be (h, w, 3), not empty, and no larger than labels");
    }
    constexpr auto size = static_cast<py::ssize_t>(sizeof(float));
    for (int axis = 0; axis < 3; ++axis) {
        if (values.strides(axis) % size != 0) throw py::value_error("values must be aligned");
    }
    return {values.data(),
            values.shape(0),
            values.shape(1),
            values.strides(0) / size,
            values.strides(1) / size,
            values.strides(2) / size};
}

cd::Labels labels_of(const Marks& labels) {
    if (labels.ndim() != 2 || labels.size() == 0) {
        throw py::value_error("labels must be (H, W), not empty");
    }
    return {labels.data(), labels.shape(0), labels.shape(1)};
}

void check_threads(int threads) {
    if (threads < 1) throw py::value_error("threads must be at least 1");
}

py::tuple region_means(const Values& values, const Marks& labels, const Bytes& wanted,
                       int threads) {
    const cd::Labels marks = labels_of(labels);
    const cd::Colors colors = colors_of(values, marks.rows, marks.columns);
    if (wanted.ndim() != 1) throw py::value_error("wanted must have one axis");
    check_threads(threads);
    const py::ssize_t count = wanted.size();
    Floats means({count, py::ssize_t{3}});
    py::array_t<std::int64_t> pixels(count);
    const std::uint8_t* chosen = wanted.data();
    float* mean = means.mutable_data();
    std::int64_t* found = pixels.mutable_data();
    {
        py::gil_scoped_release release;
        cd::region_means(colors, marks, chosen, count, threads, mean, found);
    }
    return py::make_tuple(means, pixels);
}

template <typename T>
py::tuple separate_lines(const py::array_t<T, py::array::c_style>& values, int threads) {
    const bool colored = values.ndim() == 3;
    if (values.ndim() != 2 && !(colored && values.shape(2) == 3)) {
        throw py::value_error("values must be (H, W) or (H, W, 3)");
    }
    check_threads(threads);
    const py::ssize_t rows = values.shape(0), columns = values.shape(1);
    Bytes opacity({rows, columns});
    Bytes ink({colored ? rows : 0, columns, py::ssize_t{3}});
    const T* source = values.data();
    std::uint8_t *cover = opacity.mutable_data(), *pure = ink.mutable_data();
    std::uint8_t lightest = 0;
    {
        py::gil_scoped_release release;
        lightest =
            cd::separate_lines(source, rows * columns, colored ? 3 : 1, threads, cover, pure);
    }
    return py::make_tuple(opacity, ink, lightest);
}

Bytes compose_drawing(const Floats& palette, const Marks& labels,
                      const std::optional<Values>& values, const std::optional<Marks>& ground,
                      const std::optional<Bytes>& opacity, const std::optional<Bytes>& ink,
                      int threads) {
    const cd::Labels marks = labels_of(labels);
    const py::ssize_t rows = marks.rows, columns = marks.columns;
    if (palette.ndim() != 2 || palette.shape(1) != 3) {
        throw py::value_error("palette must be (count, 3)");
    }
    if (values.has_value() != ground.has_value()) {
        throw py::value_error("values and ground must be given together");
    }
    cd::Shading shading{};
    if (values) {
        shading = {colors_of(*values, rows, columns), ground->data()};
        if (ground->ndim() != 2 || ground->shape(0) != shading.colors.rows ||
            ground->shape(1) != shading.colors.columns) {
            throw py::value_error("ground must be of the values' size");
        }
    }
    const auto fits = [&](const Bytes& plane) {
        return plane.shape(0) == rows && plane.shape(1) == columns;
    };
    if (opacity && (opacity->ndim() != 2 || !fits(*opacity))) {
        throw py::value_error("opacity must be of the labels' size");
    }
    if (ink && (!opacity || ink->ndim() != 3 || !fits(*ink) || ink->shape(2) != 3)) {
        throw py::value_error("ink must be (H, W, 3) of the labels' size, beside opacity");
    }
    check_threads(threads);
    const cd::Lines lines{opacity ? opacity->data() : nullptr, ink ? ink->data() : nullptr};
    Bytes rgb({rows, columns, py::ssize_t{3}});
    const float* colors = palette.data();
    const py::ssize_t count = palette.shape(0);
    std::uint8_t* out = rgb.mutable_data();
    {
        py::gil_scoped_release release;
        cd::compose_drawing(colors, count, marks, values ? &shading : nullptr,
                            opacity ? &lines : nullptr, threads, out);
    }
    return rgb;
}

}  // namespace

void register_drawing(py::module_& module) {
    module.def("region_means", &region_means, py::arg("values").noconvert(),
               py::arg("labels").noconvert(), py::arg("wanted").noconvert(), py::arg("threads"));
    module.def("separate_lines", &separate_lines<float>, py::arg("values").noconvert(),
               py::arg("threads"));
    module.def("separate_lines", &separate_lines<std::uint8_t>, py::arg("values").noconvert(),
               py::arg("threads"));
    module.def("compose_drawing", &compose_drawing, py::arg("palette").noconvert(),
               py::arg("labels").noconvert(), py::arg("values").noconvert(),
               py::arg("ground").noconvert(), py::arg("opacity").noconvert(),
               py::arg("ink").noconvert(), py::arg("threads"));
}
