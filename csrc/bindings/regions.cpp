#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "../regions/aggregate.hpp"
#include "../regions/division.hpp"
#include "../regions/screens.hpp"
#include "../regions/tones.hpp"
#include "../regions/trapped_ball.hpp"

namespace py = pybind11;
namespace cr = colordeploy::regions;

namespace {

using Bytes = py::array_t<std::uint8_t, py::array::c_style>;

py::array_t<std::int32_t> trapped_ball(const Bytes& line, std::vector<int> radii,
                                       py::ssize_t smallest) {
    if (line.ndim() != 2 || line.size() == 0) {
        throw py::value_error("line must be (height, width), not empty");
    }
    for (int radius : radii) {
        if (radius < 0 || radius > 31) throw py::value_error("radii must be between 0 and 31");
    }
    const py::ssize_t height = line.shape(0), width = line.shape(1);
    py::array_t<std::int32_t> labels({height, width});
    const std::uint8_t* in = line.data();
    std::int32_t* out = labels.mutable_data();
    {
        py::gil_scoped_release release;
        cr::trapped_ball(in, height, width, {std::move(radii), smallest}, out);
    }
    return labels;
}

py::array_t<float> aggregate_max(const py::array_t<float, py::array::c_style>& features,
                                 const py::array_t<std::int32_t, py::array::c_style>& labels,
                                 py::ssize_t count) {
    if (features.ndim() != 3 || labels.ndim() != 2 || features.shape(1) != labels.shape(0) ||
        features.shape(2) != labels.shape(1)) {
        throw py::value_error("features must be (channels, height, width) of the labels' size");
    }
    const py::ssize_t pixels = labels.size(), channels = features.shape(0);
    const std::int32_t* marks = labels.data();
    if (count < 1) throw py::value_error("count must be at least 1");
    py::array_t<float> result({count, channels});
    const float* values = features.data();
    float* out = result.mutable_data();
    {
        py::gil_scoped_release release;
        cr::aggregate_max(values, channels, pixels, marks, count, out);
    }
    return result;
}

py::array_t<std::int32_t> cover_lines(const py::array_t<std::int32_t, py::array::c_style>& labels) {
    if (labels.ndim() != 2) throw py::value_error("labels must be (height, width)");
    const py::ssize_t height = labels.shape(0), width = labels.shape(1);
    py::array_t<std::int32_t> covered({height, width});
    std::copy_n(labels.data(), labels.size(), covered.mutable_data());
    std::int32_t* out = covered.mutable_data();
    {
        py::gil_scoped_release release;
        cr::cover_lines(height, width, out);
    }
    return covered;
}

py::array_t<std::int32_t> merge_tones(const py::array_t<std::int32_t, py::array::c_style>& labels,
                                      int thin, int bridge, int pieces) {
    if (labels.ndim() != 2) throw py::value_error("labels must be (height, width)");
    const py::ssize_t height = labels.shape(0), width = labels.shape(1);
    py::array_t<std::int32_t> merged({height, width});
    std::copy_n(labels.data(), labels.size(), merged.mutable_data());
    std::int32_t* out = merged.mutable_data();
    {
        py::gil_scoped_release release;
        cr::merge_tones(height, width, {thin, bridge, pieces}, out);
    }
    return merged;
}

Bytes open_screens(const Bytes& line, int dot) {
    if (line.ndim() != 2) throw py::value_error("line must be (height, width)");
    const py::ssize_t height = line.shape(0), width = line.shape(1);
    Bytes opened({height, width});
    std::copy_n(line.data(), line.size(), opened.mutable_data());
    std::uint8_t* out = opened.mutable_data();
    {
        py::gil_scoped_release release;
        cr::ScreenOptions options;
        options.dot = dot;
        cr::open_screens(height, width, options, out);
    }
    return opened;
}

using Labels = py::array_t<std::int32_t, py::array::c_style>;

Labels free_cells(const Labels& labels, py::ssize_t rows, py::ssize_t columns) {
    if (labels.ndim() != 2 || rows < 1 || columns < 1 || rows > labels.shape(0) ||
        columns > labels.shape(1)) {
        throw py::value_error("cells must be at most as many as the labels");
    }
    Labels cells({rows, columns});
    const std::int32_t* in = labels.data();
    std::int32_t* out = cells.mutable_data();
    {
        py::gil_scoped_release release;
        cr::free_cells(in, labels.shape(0), labels.shape(1), out, rows, columns);
    }
    return cells;
}

// Labels, and what the marks refer to, are checked by the caller.
Labels divide(const Labels& labels, const Labels& covered, const Labels& cells,
              const py::array_t<float, py::array::c_style>& shares, const Labels& counts,
              const Labels& first, const py::array_t<std::int64_t, py::array::c_style>& marks,
              const Labels& owners, int threads) {
    if (threads < 1) throw py::value_error("threads must be at least 1");
    if (labels.ndim() != 2 || covered.ndim() != 2 || cells.ndim() != 2 || shares.ndim() != 3 ||
        covered.size() != labels.size() || shares.shape(0) != cells.shape(0) ||
        shares.shape(1) != cells.shape(1) || marks.size() != owners.size() ||
        counts.size() != first.size()) {
        throw py::value_error("the arrays do not belong together");
    }
    Labels result({labels.shape(0), labels.shape(1)});
    const cr::Division division{labels.shape(0), labels.shape(1), labels.data(), covered.data(),
                                cells.shape(0),  cells.shape(1),  cells.data(),  shares.data(),
                                shares.shape(2), counts.data(),   first.data(),  marks.data(),
                                owners.data(),   marks.size()};
    std::int32_t* out = result.mutable_data();
    {
        py::gil_scoped_release release;
        cr::divide(division, threads, out);
    }
    return result;
}

}  // namespace

void register_regions(py::module_& module) {
    module.def("trapped_ball", &trapped_ball, py::arg("line").noconvert(), py::arg("radii"),
               py::arg("smallest"));
    module.def("cover_lines", &cover_lines, py::arg("labels").noconvert());
    module.def("merge_tones", &merge_tones, py::arg("labels").noconvert(), py::arg("thin"),
               py::arg("bridge"), py::arg("pieces"));
    module.def("open_screens", &open_screens, py::arg("line").noconvert(), py::arg("dot"));
    module.def("aggregate_max", &aggregate_max, py::arg("features").noconvert(),
               py::arg("labels").noconvert(), py::arg("count"));
    module.def("free_cells", &free_cells, py::arg("labels").noconvert(), py::arg("rows"),
               py::arg("columns"));
    module.def("divide", &divide, py::arg("labels").noconvert(), py::arg("covered").noconvert(),
               py::arg("cells").noconvert(), py::arg("shares").noconvert(),
               py::arg("counts").noconvert(), py::arg("first").noconvert(),
               py::arg("marks").noconvert(), py::arg("owners").noconvert(), py::arg("threads"));
}
