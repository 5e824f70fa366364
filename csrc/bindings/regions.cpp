#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "../regions/aggregate.hpp"
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
}
