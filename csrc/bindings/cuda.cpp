// The module _cuda: the solver on a GPU. Built apart from _core, so that that loads without CUDA.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "../propagation/cuda/cudss.hpp"
#include "../propagation/cuda/solver.hpp"
#include "../propagation/singular_system.hpp"

namespace py = pybind11;
namespace cp = colordeploy::propagation;
namespace cuda = colordeploy::propagation::cuda;

namespace {

using Array = py::array_t<double, py::array::c_style>;

// (height, width, channels) float64 in device memory.
class DeviceArray {
 public:
    DeviceArray(std::shared_ptr<cuda::DeviceSolver> solver, cuda::Solution solution,
                std::int64_t channels)
        : solver_(std::move(solver)),
          values_(std::move(solution.x)),
          channels_(channels),
          nanoseconds_(solution.nanoseconds) {}

    py::tuple shape() const {
        const cp::Grid& grid = solver_->plan().plan->grid;
        return py::make_tuple(grid.height, grid.width, channels_);
    }

    // Whoever asked for the address may have work on it that is not done: on the default stream it
    // is waited for before the memory goes to the next result.
    ~DeviceArray() {
        if (!exported_) return;
        try {
            const cuda::Using guard(solver_->plan().device);
            cuda::wait_for(solver_->stream()->get(), 1);
        } catch (const cuda::DeviceError&) {  // the memory is freed all the same
        }
    }

    std::uintptr_t address() {
        exported_ = true;
        return reinterpret_cast<std::uintptr_t>(values_.get());
    }

    std::int64_t nanoseconds() const { return nanoseconds_; }

    Array numpy() const {
        const cp::Grid& grid = solver_->plan().plan->grid;
        Array result({py::ssize_t{grid.height}, py::ssize_t{grid.width},
                      static_cast<py::ssize_t>(channels_)});
        double* target = result.mutable_data();
        py::gil_scoped_release release;
        solver_->fetch(target, values_);
        return result;
    }

 private:
    std::shared_ptr<cuda::DeviceSolver> solver_;  // before the values: they live on its stream
    cuda::Buffer<double> values_;
    std::int64_t channels_, nanoseconds_;
    bool exported_ = false;
};

cuda::Source source(std::uintptr_t address, bool on_device, bool single, std::uintptr_t stream) {
    return {reinterpret_cast<const void*>(address), on_device, single, stream};
}

// What the facade knows of an array: address, on_device, float32, stream.
using Given = std::tuple<std::uintptr_t, bool, bool, std::uintptr_t>;

cuda::Source source(const Given& given) {
    return std::apply([](auto... parts) { return source(parts...); }, given);
}

std::shared_ptr<cuda::DeviceSolver> from_features(
    std::shared_ptr<cuda::DevicePlan> plan, const Given& features, std::int64_t channels,
    const std::tuple<std::int64_t, std::int64_t, std::int64_t>& strides, double sigma, double alpha,
    double phi, double screening, const std::string& cudss) {
    py::gil_scoped_release release;
    const auto [down, right, across] = strides;
    return std::make_shared<cuda::DeviceSolver>(
        std::move(plan), source(features), cuda::FeatureLayout{channels, down, right, across},
        sigma, cuda::Settings{alpha, phi, screening, cudss});
}

std::shared_ptr<cuda::DeviceSolver> from_affinities(std::shared_ptr<cuda::DevicePlan> plan,
                                                    const Array& local, const Array& global,
                                                    double alpha, double phi, double screening,
                                                    const std::string& cudss) {
    const cp::Grid& grid = plan->plan->grid;
    const std::int64_t points = grid.global_points();
    if (local.size() != 4 * grid.pixels() || global.size() != points * (points - 1) / 2) {
        throw py::value_error("affinities must have the plan's size");
    }
    const double *l = local.data(), *g = global.data();
    py::gil_scoped_release release;
    return std::make_shared<cuda::DeviceSolver>(std::move(plan), l, g,
                                                cuda::Settings{alpha, phi, screening, cudss});
}

std::unique_ptr<DeviceArray> solve(const std::shared_ptr<cuda::DeviceSolver>& solver,
                                   const Given& mask, const Given& b, std::int64_t channels,
                                   bool masked) {
    py::gil_scoped_release release;
    return std::make_unique<DeviceArray>(
        solver, solver->solve(source(mask), source(b), channels, masked), channels);
}

py::tuple affinities(cuda::DeviceSolver& solver) {
    const cp::Grid& grid = solver.plan().plan->grid;
    const auto points = static_cast<py::ssize_t>(grid.global_points());
    Array local({py::ssize_t{4}, py::ssize_t{grid.height}, py::ssize_t{grid.width}});
    Array global(points * (points - 1) / 2);
    double *l = local.mutable_data(), *g = global.mutable_data();
    {
        py::gil_scoped_release release;
        solver.affinities(l, g);
    }
    return py::make_tuple(local, global);
}

}  // namespace

PYBIND11_MODULE(COLORDEPLOY_MODULE, module) {
    // Plan is a type of _core.
    py::module_::import("colordeploy.native._core");
    py::register_local_exception<cp::SingularSystem>(module, "SingularSystem",
                                                     PyExc_ArithmeticError);
    py::register_local_exception<cuda::NotDefinite>(module, "NotDefinite", PyExc_ArithmeticError);
    py::register_local_exception<cuda::NotFinite>(module, "NotFinite", PyExc_ValueError);
    py::register_local_exception<cuda::WrongPlace>(module, "WrongPlace", PyExc_ValueError);
    py::register_local_exception<cuda::NoMark>(module, "NoMark", PyExc_ValueError);
    auto error =
        py::register_local_exception<cuda::DeviceError>(module, "DeviceError", PyExc_RuntimeError);
    py::register_local_exception<cuda::DeviceMemoryError>(module, "DeviceMemoryError", error);

    py::class_<cuda::DevicePlan, std::shared_ptr<cuda::DevicePlan>>(module, "DevicePlan",
                                                                    py::module_local())
        .def(py::init([](std::shared_ptr<cp::Plan> plan, int device) {
                 py::gil_scoped_release release;
                 return std::make_shared<cuda::DevicePlan>(std::move(plan), device);
             }),
             py::arg("plan"), py::arg("device"));

    py::class_<DeviceArray>(module, "DeviceArray", py::module_local())
        .def_property_readonly("shape", &DeviceArray::shape)
        .def_property_readonly("address", &DeviceArray::address)
        .def_property_readonly("nanoseconds", &DeviceArray::nanoseconds)
        .def("numpy", &DeviceArray::numpy);

    py::class_<cuda::DeviceSolver, std::shared_ptr<cuda::DeviceSolver>>(module, "Solver",
                                                                        py::module_local())
        .def_static("from_features", &from_features, py::arg("plan"), py::arg("features"),
                    py::arg("channels"), py::arg("strides"), py::arg("sigma"), py::arg("alpha"),
                    py::arg("phi"), py::arg("screening"), py::arg("cudss"))
        .def_static("from_affinities", &from_affinities, py::arg("plan"),
                    py::arg("local").noconvert(), py::arg("global_").noconvert(), py::arg("alpha"),
                    py::arg("phi"), py::arg("screening"), py::arg("cudss"))
        .def_property_readonly("nanoseconds", &cuda::DeviceSolver::nanoseconds)
        .def_property_readonly(
            "nbytes",
            [](const cuda::DeviceSolver& solver) {
                const py::gil_scoped_release release;  // another thread may be solving
                return solver.bytes();
            })
        .def("solve", &solve, py::arg("mask"), py::arg("b"), py::arg("channels"), py::arg("masked"))
        .def("affinities", &affinities);

    module.def("cudss_version", &cuda::cudss_version, py::arg("library"));
    module.def("device_count", &cuda::device_count);
    module.def("has_code", &cuda::has_code, py::arg("device"));
    module.def("architecture", &cuda::architecture, py::arg("device"));
}
