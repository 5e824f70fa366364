#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <tuple>
#include <vector>

#include "../strokes/constraints.hpp"
#include "../strokes/dabs.hpp"
#include "../strokes/marks.hpp"
#include "views.hpp"

namespace py = pybind11;
namespace cd = colordeploy;
namespace cs = colordeploy::strokes;

namespace {

using Layer = py::array_t<std::uint8_t>;
using Given = std::tuple<std::vector<double>, std::array<int, 3>, double>;

std::vector<cs::Line> lines_of(const std::vector<Given>& given) {
    std::vector<cs::Line> lines;
    lines.reserve(given.size());
    for (const auto& [points, rgb, width] : given) {
        cs::Line line{points, width, {}};
        for (int c = 0; c < 3; ++c) line.rgb[c] = static_cast<std::uint8_t>(rgb[c]);
        lines.push_back(std::move(line));
    }
    return lines;
}

// Mask, chroma and the number of marked pixels, by `constrain(result)`.
template <typename Constrain>
py::tuple constrained(py::ssize_t rows, py::ssize_t columns, const Constrain& constrain) {
    if (rows < 1 || columns < 1) throw py::value_error("the working size must be at least 1 x 1");
    py::array_t<bool> mask({rows, columns});
    py::array_t<double> chroma({rows, columns, py::ssize_t{2}});
    const cs::Constraints result{reinterpret_cast<std::uint8_t*>(mask.mutable_data()),
                                 chroma.mutable_data(), rows, columns};
    std::int64_t marked = 0;
    {
        py::gil_scoped_release release;
        marked = constrain(result);
    }
    return py::make_tuple(mask, chroma, marked);
}

py::tuple constrain_layer(const Layer& layer, py::ssize_t rows, py::ssize_t columns, int threads,
                          const cd::CancelFlag* cancel) {
    const cd::Channels<const std::uint8_t> rgba = cd::channels_of(layer, "layer", 4);
    return constrained(rows, columns, [&](const cs::Constraints& result) {
        return cs::constrain_layer(rgba, result, threads, cancel);
    });
}

py::tuple constrain_lines(const std::vector<Given>& given, py::ssize_t height, py::ssize_t width,
                          py::ssize_t rows, py::ssize_t columns, int threads,
                          const cd::CancelFlag* cancel) {
    const std::vector<cs::Line> lines = lines_of(given);
    return constrained(rows, columns, [&](const cs::Constraints& result) {
        return cs::constrain_lines(lines, height, width, result, threads, cancel);
    });
}

Layer draw_lines(const std::vector<Given>& given, py::ssize_t height, py::ssize_t width) {
    if (height < 1 || width < 1) throw py::value_error("the picture must not be empty");
    const std::vector<cs::Line> lines = lines_of(given);
    Layer layer({height, width, py::ssize_t{4}});
    const cd::Channels<std::uint8_t> rgba{layer.mutable_data(), height, width, 4 * width, 4, 1};
    {
        py::gil_scoped_release release;
        cs::draw_lines(lines, rgba);
    }
    return layer;
}

py::array_t<bool> marked_pixels(const Layer& layer, int threads, const cd::CancelFlag* cancel) {
    const cd::Channels<const std::uint8_t> rgba = cd::channels_of(layer, "layer", 4);
    py::array_t<bool> mask({rgba.rows, rgba.columns});
    bool* out = mask.mutable_data();
    {
        py::gil_scoped_release release;
        const cs::Runs all = cs::marks_of(rgba, threads, cancel);
        std::fill_n(out, rgba.rows * rgba.columns, false);
        for (py::ssize_t y = 0; y < rgba.rows; ++y) {
            for (py::ssize_t i = all.rows[y]; i < all.rows[y + 1]; ++i) {
                const cs::Run& run = all.runs[i];
                std::fill(out + y * rgba.columns + run.begin, out + y * rgba.columns + run.end,
                          run.marked);
            }
        }
    }
    return mask;
}

// Pixels (n,), colours (n, 3) and dabs (n,).
py::tuple arrays_of(const cs::Dabs& dabs) {
    const auto count = static_cast<py::ssize_t>(dabs.pixels.size());
    py::array_t<std::int64_t> pixels(count);
    py::array_t<std::uint8_t> rgb({count, py::ssize_t{3}});
    py::array_t<std::int32_t> numbers(count);
    std::copy(dabs.pixels.begin(), dabs.pixels.end(), pixels.mutable_data());
    std::copy(dabs.dabs.begin(), dabs.dabs.end(), numbers.mutable_data());
    std::uint8_t* out = rgb.mutable_data();
    for (const auto& color : dabs.rgb) out = std::copy(color.begin(), color.end(), out);
    return py::make_tuple(pixels, rgb, numbers);
}

py::tuple dabs_of_layer(const Layer& layer, int threads, const cd::CancelFlag* cancel) {
    const cd::Channels<const std::uint8_t> rgba = cd::channels_of(layer, "layer", 4);
    cs::Dabs dabs;
    {
        py::gil_scoped_release release;
        dabs = cs::dabs_of_layer(rgba, threads, cancel);
    }
    return arrays_of(dabs);
}

py::tuple dabs_of_lines(const std::vector<Given>& given, py::ssize_t height, py::ssize_t width,
                        const cd::CancelFlag* cancel) {
    if (height < 1 || width < 1) throw py::value_error("the picture must not be empty");
    const std::vector<cs::Line> lines = lines_of(given);
    cs::Dabs dabs;
    {
        py::gil_scoped_release release;
        dabs = cs::dabs_of_lines(lines, height, width, cancel);
    }
    return arrays_of(dabs);
}

}  // namespace

void register_strokes(py::module_& module) {
    module.def("constrain_layer", &constrain_layer, py::arg("layer").noconvert(), py::arg("rows"),
               py::arg("columns"), py::arg("threads"), py::arg("cancel"));
    module.def("constrain_lines", &constrain_lines, py::arg("lines"), py::arg("height"),
               py::arg("width"), py::arg("rows"), py::arg("columns"), py::arg("threads"),
               py::arg("cancel"));
    module.def("draw_lines", &draw_lines, py::arg("lines"), py::arg("height"), py::arg("width"));
    module.def("marked_pixels", &marked_pixels, py::arg("layer").noconvert(), py::arg("threads"),
               py::arg("cancel"));
    module.def("dabs_of_layer", &dabs_of_layer, py::arg("layer").noconvert(), py::arg("threads"),
               py::arg("cancel"));
    module.def("dabs_of_lines", &dabs_of_lines, py::arg("lines"), py::arg("height"),
               py::arg("width"), py::arg("cancel"));
}
