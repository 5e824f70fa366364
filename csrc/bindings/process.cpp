// What all parts share: asking for work to stop, and idle memory.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>

#include "../cancel.hpp"
#include "../memory.hpp"
#include "../process/resources.hpp"
#include "../propagation/plans.hpp"

namespace py = pybind11;

void register_process(py::module_& module) {
    using colordeploy::CancelFlag;
    namespace store = colordeploy::store;

    py::register_exception<colordeploy::Cancelled>(module, "Cancelled");
    py::class_<CancelFlag, std::shared_ptr<CancelFlag>>(module, "CancelFlag")
        .def(py::init<>())
        .def("set", &CancelFlag::set)
        .def("is_set", &CancelFlag::is_set);

    module.def("idle_bytes", &store::idle_bytes);
    module.def("idle_limit", &store::idle_limit);
    module.def("set_idle_limit", &store::set_idle_limit, py::arg("bytes"));
    module.def(
        "processors",
        [](const std::string& root) { return colordeploy::process::processors(root); },
        py::arg("root"));
    module.def(
        "cores",
        [](const std::vector<int>& numbers, const std::string& topology) {
            return colordeploy::process::cores(numbers, topology);
        },
        py::arg("numbers"), py::arg("topology"));
    module.def(
        "free_memory",
        [](const std::string& root) { return colordeploy::process::free_memory(root); },
        py::arg("root"));
    module.def("trim", &store::trim, py::call_guard<py::gil_scoped_release>());
}
