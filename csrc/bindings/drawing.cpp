#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <optional>

#include "../drawing/compose.hpp"
#include "../drawing/layer.hpp"
#include "../drawing/lines.hpp"
#include "../drawing/means.hpp"
#include "../drawing/page.hpp"
#include "../drawing/pages.hpp"
#include "targets.hpp"
#include "views.hpp"

namespace py = pybind11;
namespace cd = colordeploy;
namespace dr = colordeploy::drawing;

namespace {

template <typename T>
using Strided = py::array_t<T>;
using Floats = py::array_t<float, py::array::c_style>;
using Bytes = py::array_t<std::uint8_t, py::array::c_style>;

void check_threads(int threads) {
    if (threads < 1) throw py::value_error("threads must be at least 1");
}

void check_size(const cd::Channels<const float>& colors, py::ssize_t rows, py::ssize_t columns) {
    if (colors.rows > rows || colors.columns > columns) {
        throw py::value_error("values must be no larger than labels");
    }
}

py::tuple region_means(const Strided<float>& values, const Strided<std::int32_t>& labels,
                       const Bytes& wanted, int threads) {
    const cd::Plane<const std::int32_t> marks = cd::plane_of(labels, "labels");
    const cd::Channels<const float> colors = cd::channels_of(values, "values", 3);
    check_size(colors, marks.rows, marks.columns);
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
        dr::region_means(colors, marks, chosen, count, threads, mean, found);
    }
    return py::make_tuple(means, pixels);
}

// Opacity, and ink or None.
py::tuple arrays_of(dr::LineLayer&& layer) {
    const py::ssize_t rows = layer.rows, columns = layer.columns;
    py::object ink = py::none();
    if (!layer.ink.empty()) ink = cd::owned(std::move(layer.ink), {rows, columns, 3});
    return py::make_tuple(cd::owned(std::move(layer.opacity), {rows, columns}), ink);
}

template <typename T>
py::tuple separate_lines(const py::array_t<T, py::array::c_style>& values, int threads) {
    const bool colored = values.ndim() == 3;
    if (values.ndim() != 2 && !(colored && values.shape(2) == 3)) {
        throw py::value_error("values must be (H, W) or (H, W, 3)");
    }
    if (!cd::aligned<T>(values)) throw py::value_error("values must be aligned");
    check_threads(threads);
    const py::ssize_t rows = values.shape(0), columns = values.shape(1);
    // NumPy's own memory: for large arrays the system gives it in large pages.
    Bytes opacity({rows, columns});
    Bytes ink({colored ? rows : 0, columns, py::ssize_t{3}});
    const T* source = values.data();
    std::uint8_t *cover = opacity.mutable_data(), *pure = ink.mutable_data();
    std::uint8_t lightest = 0;
    {
        py::gil_scoped_release release;
        lightest =
            dr::separate_lines(source, rows * columns, colored ? 3 : 1, threads, cover, pure);
    }
    if (lightest <= dr::BLACK) return py::make_tuple(opacity, py::none());
    return py::make_tuple(opacity, ink);
}

py::tuple resample_lines(const Strided<std::uint8_t>& opacity,
                         const std::optional<Strided<std::uint8_t>>& ink, py::ssize_t rows,
                         py::ssize_t columns, int threads, const cd::CancelFlag* cancel) {
    dr::Lines lines{cd::plane_of(opacity, "opacity"), {}};
    if (ink) lines.ink = cd::channels_of(*ink, "ink", 3);
    if (ink &&
        (lines.ink.rows != lines.opacity.rows || lines.ink.columns != lines.opacity.columns)) {
        throw py::value_error("ink must be of the opacity's size");
    }
    if (rows < 1 || columns < 1) throw py::value_error("the new size must be at least 1 x 1");
    dr::LineLayer layer;
    {
        py::gil_scoped_release release;
        layer = dr::resampled(lines, rows, columns, threads, cancel);
    }
    return arrays_of(std::move(layer));
}

void compose_drawing(const Floats& palette, const Strided<std::int32_t>& labels,
                     const std::optional<Strided<float>>& values,
                     const std::optional<Strided<std::int32_t>>& ground,
                     const std::optional<Floats>& reference, const std::optional<Floats>& limits,
                     const std::optional<Strided<std::uint8_t>>& opacity,
                     const std::optional<Strided<std::uint8_t>>& ink,
                     const std::array<py::ssize_t, 4>& part, float saturation, py::array& out,
                     int threads, const cd::CancelFlag* cancel) {
    const cd::Plane<const std::int32_t> marks = cd::plane_of(labels, "labels");
    if (palette.ndim() != 2 || palette.shape(1) != 3 || !cd::aligned<float>(palette)) {
        throw py::value_error("palette must be (count, 3) and aligned");
    }
    if (values.has_value() != ground.has_value()) {
        throw py::value_error("values and ground must be given together");
    }
    dr::Shading shading{};
    if (values) {
        shading.colors = cd::channels_of(*values, "values", 3);
        shading.ground = cd::plane_of(*ground, "ground");
        if (reference) {
            if (reference->ndim() != 2 || reference->shape(1) != 3) {
                throw py::value_error("reference must be (count, 3)");
            }
            shading.reference = reference->data();
            shading.count = reference->shape(0);
        }
        if (limits) {
            if (limits->ndim() != 1 || (reference && limits->size() != shading.count)) {
                throw py::value_error("limits must be (count,)");
            }
            shading.limits = limits->data();
            shading.count = limits->size();
        }
        check_size(shading.colors, marks.rows, marks.columns);
        if (shading.ground.rows != shading.colors.rows ||
            shading.ground.columns != shading.colors.columns) {
            throw py::value_error("ground must be of the values' size");
        }
    }
    dr::Lines lines{};
    if (opacity) lines.opacity = cd::plane_of(*opacity, "opacity");
    if (ink) lines.ink = cd::channels_of(*ink, "ink", 3);
    const auto fits = [&](const auto& view) {
        return view.rows == marks.rows && view.columns == marks.columns;
    };
    if ((opacity && !fits(lines.opacity)) || (ink && (!opacity || !fits(lines.ink)))) {
        throw py::value_error("opacity, and ink beside it, must be of the labels' size");
    }
    const cd::Rectangle rectangle{part[0], part[1], part[2], part[3]};
    const cd::color::Target target = cd::target_of(out, rectangle);
    const float* colors = palette.data();
    const py::ssize_t count = palette.shape(0);
    py::gil_scoped_release release;
    dr::compose_drawing(colors, count, marks, values ? &shading : nullptr,
                        opacity ? &lines : nullptr, rectangle, saturation, target, threads, cancel);
}

// Values, lines; inverted, blank, threshold, noise.
py::tuple separate_page(const Strided<float>& luma, int threads, const cd::CancelFlag* cancel) {
    const cd::Plane<const float> plane = cd::plane_of(luma, "luma");
    Floats values({plane.rows, plane.columns});
    py::array_t<bool> lines({plane.rows, plane.columns});
    float* value = values.mutable_data();
    auto* line = reinterpret_cast<std::uint8_t*>(lines.mutable_data());
    dr::Page page;
    bool blank = false;
    {
        py::gil_scoped_release release;
        page = dr::examined(plane, threads, cancel);
        const std::int64_t joined = dr::separated(plane, page, threads, cancel, value, line);
        blank = dr::is_blank(page, line, plane.rows * plane.columns, joined);
    }
    return py::make_tuple(values, lines, page.inverted, blank, page.threshold, page.noise);
}

std::vector<std::array<py::ssize_t, 2>> pages_of(const py::array_t<bool, py::array::c_style>& inked,
                                                 py::ssize_t width) {
    if (inked.ndim() != 1) throw py::value_error("inked must have one axis");
    std::vector<std::array<py::ssize_t, 2>> found;
    for (const dr::Rows& page : dr::pages_of({inked.data(), inked.data() + inked.size()}, width)) {
        found.push_back({page.begin, page.end});
    }
    return found;
}

}  // namespace

void register_drawing(py::module_& module) {
    module.def("region_means", &region_means, py::arg("values").noconvert(),
               py::arg("labels").noconvert(), py::arg("wanted").noconvert(), py::arg("threads"));
    module.def("separate_lines", &separate_lines<float>, py::arg("values").noconvert(),
               py::arg("threads"));
    module.def("separate_lines", &separate_lines<std::uint8_t>, py::arg("values").noconvert(),
               py::arg("threads"));
    module.def("resample_lines", &resample_lines, py::arg("opacity").noconvert(),
               py::arg("ink").noconvert(), py::arg("rows"), py::arg("columns"), py::arg("threads"),
               py::arg("cancel"));
    module.def("separate_page", &separate_page, py::arg("luma").noconvert(), py::arg("threads"),
               py::arg("cancel"));
    module.def("is_long", &dr::is_long, py::arg("height"), py::arg("width"));
    module.def("pages_of", &pages_of, py::arg("inked").noconvert(), py::arg("width"));
    module.def("compose_drawing", &compose_drawing, py::arg("palette").noconvert(),
               py::arg("labels").noconvert(), py::arg("values").noconvert(),
               py::arg("ground").noconvert(), py::arg("reference").noconvert(),
               py::arg("limits").noconvert(), py::arg("opacity").noconvert(),
               py::arg("ink").noconvert(), py::arg("part"), py::arg("saturation"),
               py::arg("out").noconvert(), py::arg("threads"), py::arg("cancel"));
}
