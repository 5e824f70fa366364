#include "../bundle/bundle.hpp"

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>

#include "../bundle/onnx_file.hpp"

namespace py = pybind11;
namespace cb = colordeploy::bundle;

namespace {

// A result without the interpreter, as bytes.
template <typename Read>
py::bytes bytes_of(const Read& read) {
    std::string content;
    {
        py::gil_scoped_release release;
        content = read();
    }
    return py::bytes(content);
}

bool has_external_data(const py::buffer& content) {
    const py::buffer_info info = content.request();
    if (info.itemsize != 1 || info.ndim != 1) throw py::value_error("content must be bytes");
    return cb::has_external_data(
        {static_cast<const char*>(info.ptr), static_cast<std::size_t>(info.size)});
}

}  // namespace

void register_bundle(py::module_& module) {
    py::register_exception<cb::MalformedGraph>(module, "MalformedGraph", PyExc_ValueError);
    module.def("has_external_data", &has_external_data, py::arg("content"));
    py::class_<cb::Bundle>(module, "Bundle")
        .def(py::init<const std::string&>(), py::arg("path"))
        .def_property_readonly("manifest", &cb::Bundle::manifest_text)
        .def(
            "graph",
            [](const cb::Bundle& bundle, const std::string& name) {
                return bytes_of([&] { return bundle.graph(name); });
            },
            py::arg("name"))
        .def(
            "file",
            [](const cb::Bundle& bundle, const std::string& name, const std::string& hash) {
                return bytes_of([&] { return bundle.file(name, hash); });
            },
            py::arg("name"), py::arg("sha256"));
}
