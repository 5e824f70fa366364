#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "../regions/trapped_ball.hpp"

namespace py = pybind11;
namespace cr = colordeploy::regions;

namespace {

using Bytes = py::array_t<std::uint8_t, py::array::c_style>;

py::array_t<std::int32_t> trapped_ball(const Bytes& line, std::vector<int> radii,
                                       py::ssize_t smallest) {
    if (line.ndim() != 2) throw py::value_error("line must be (height, width)");
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

}  // namespace

void register_regions(py::module_& module) {
    module.def("trapped_ball", &trapped_ball, py::arg("line").noconvert(), py::arg("radii"),
               py::arg("smallest"));
}
