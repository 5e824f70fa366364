// The core's errors become those of colordeploy.errors.
#include "../errors.hpp"

#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace {

// The classes, for as long as the process lives.
PyObject *input_error, *bundle_error, *backend_error, *solver_error;

}  // namespace

void register_errors(py::module_&) {
    const py::module_ errors = py::module_::import("colordeploy.errors");
    const auto held = [&](const char* name) {
        return py::object(errors.attr(name)).release().ptr();
    };
    input_error = held("InputError");
    bundle_error = held("BundleError");
    backend_error = held("BackendError");
    solver_error = held("SolverError");
    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const colordeploy::InputError& error) {
            PyErr_SetString(input_error, error.what());
        } catch (const colordeploy::BundleError& error) {
            PyErr_SetString(bundle_error, error.what());
        } catch (const colordeploy::BackendError& error) {
            PyErr_SetString(backend_error, error.what());
        } catch (const colordeploy::SolverError& error) {
            PyErr_SetString(solver_error, error.what());
        }
    });
}
