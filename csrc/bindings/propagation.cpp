#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>

#include "../propagation/affinity_map.hpp"
#include "../propagation/estimate.hpp"
#include "../propagation/plans.hpp"
#include "../propagation/solver.hpp"

namespace py = pybind11;
namespace cp = colordeploy::propagation;

namespace {

using Array = py::array_t<double, py::array::c_style>;
using Cancel = std::shared_ptr<colordeploy::CancelFlag>;  // or None
using Bytes = py::array_t<std::uint8_t, py::array::c_style>;

template <typename T>
cp::View3<T> view3(py::array_t<double, py::array::c_style>& array) {
    constexpr py::ssize_t size = sizeof(double);
    return {array.mutable_data(), array.shape(0),          array.shape(1),
            array.shape(2),       array.strides(0) / size, array.strides(1) / size};
}

cp::View3<const double> view3(const Array& array) {
    constexpr py::ssize_t size = sizeof(double);
    return {array.data(),   array.shape(0),          array.shape(1),
            array.shape(2), array.strides(0) / size, array.strides(1) / size};
}

void require(bool condition, const char* message) {
    if (!condition) throw py::value_error(message);
}

void require_features(const cp::Grid& grid, const py::array& features) {
    require(
        features.ndim() == 3 && features.shape(0) == grid.height && features.shape(1) == grid.width,
        "features must be (height, width, channels) of the plan's size");
}

std::size_t pair_count(const cp::Grid& grid) {
    const auto n = static_cast<std::size_t>(grid.global_points());
    return n < 2 ? 0 : cp::pair_index(n, 0);
}

void require_affinities(const cp::Grid& grid, const Array& local, const Array& global) {
    require(local.size() == 4 * grid.pixels(), "local must hold 4 planes of the plan's size");
    require(static_cast<std::size_t>(global.size()) == pair_count(grid),
            "global must hold one weight for each pair of global points");
}

template <typename T>
using Features = py::array_t<T, py::array::c_style>;

template <typename T>
cp::View3<const T> features_view(const Features<T>& array) {
    constexpr py::ssize_t size = sizeof(T);
    return {array.data(),   array.shape(0),          array.shape(1),
            array.shape(2), array.strides(0) / size, array.strides(1) / size};
}

template <typename T>
Array local_affinities(const cp::Plan& plan, const Features<T>& features, double sigma, int threads,
                       const Cancel& cancel) {
    require_features(plan.grid, features);
    Array local({py::ssize_t{4}, py::ssize_t{plan.grid.height}, py::ssize_t{plan.grid.width}});
    const auto view = features_view(features);
    double* out = local.mutable_data();
    py::gil_scoped_release release;
    cp::local_affinities(plan.grid, view, sigma, threads, cancel.get(), out);
    return local;
}

template <typename T>
Array global_affinities(const cp::Plan& plan, const Features<T>& features, double sigma,
                        int threads, const Cancel& cancel) {
    require_features(plan.grid, features);
    Array global(static_cast<py::ssize_t>(pair_count(plan.grid)));
    const auto view = features_view(features);
    double* out = global.mutable_data();
    py::gil_scoped_release release;
    cp::global_affinities(plan.grid, view, sigma, threads, cancel.get(), out);
    return global;
}

// The solver and the arrays it looks at.
class PySolver {
 public:
    PySolver(std::shared_ptr<const cp::Plan> plan, Array local, Array global, double alpha,
             double phi, double screening, bool single)
        : local_(std::move(local)), global_(std::move(global)) {
        require_affinities(plan->grid, local_, global_);
        solver_ = cp::Solver::make(
            std::move(plan),
            {local_.data(), global_.size() ? global_.data() : nullptr, alpha, phi, screening},
            single);
    }

    Array solve(const Bytes& mask, const Array& b, bool masked, int threads, const Cancel& cancel) {
        const cp::Grid& grid = solver_->plan().grid;
        require(mask.size() == grid.pixels(), "mask must have the plan's size");
        require(b.ndim() == 3 && b.shape(0) == grid.height && b.shape(1) == grid.width,
                "the right-hand side must be (height, width, channels) of the plan's size");
        Array x({b.shape(0), b.shape(1), b.shape(2)});
        const cp::Values values{b.data(), x.mutable_data(), b.shape(2), masked};
        const std::uint8_t* marks = mask.data();
        {
            py::gil_scoped_release release;
            solver_->solve(marks, values, threads, cancel.get());
        }
        return x;
    }

    std::size_t bytes() const { return solver_->bytes(); }

 private:
    Array local_, global_;
    std::unique_ptr<cp::Solver> solver_;
};

py::tuple affinity_gradient(const cp::Plan& plan, const Array& features, double sigma, double alpha,
                            const Array& local, const Array& global, const Array& x,
                            const Array& adjoint) {
    require_features(plan.grid, features);
    require_features(plan.grid, x);
    require_features(plan.grid, adjoint);
    require(x.shape(2) == adjoint.shape(2), "x and its adjoint must have equal channels");
    require_affinities(plan.grid, local, global);
    Array grad({features.shape(0), features.shape(1), features.shape(2)});
    std::fill_n(grad.mutable_data(), grad.size(), 0.0);
    const auto f = view3(features), xs = view3(x), as = view3(adjoint);
    const auto g = view3<double>(grad);
    const double* l = local.data();
    const double* w = global.size() ? global.data() : nullptr;
    cp::AffinityGradient result;
    {
        py::gil_scoped_release release;
        result = cp::affinity_gradient(plan.grid, f, sigma, alpha, l, w, xs, as, g);
    }
    return py::make_tuple(grad, result.sigma, result.alpha);
}

py::array_t<std::int32_t> global_pixels(const cp::Plan& plan) {
    const std::vector<std::int32_t> points = plan.grid.global_pixels();
    return py::array_t<std::int32_t>(static_cast<py::ssize_t>(points.size()), points.data());
}

template <typename T>
void define_affinities(py::module_& module) {
    module.def("local_affinities", &local_affinities<T>, py::arg("plan"),
               py::arg("features").noconvert(), py::arg("sigma"), py::arg("threads"),
               py::arg("cancel"));
    module.def("global_affinities", &global_affinities<T>, py::arg("plan"),
               py::arg("features").noconvert(), py::arg("sigma"), py::arg("threads"),
               py::arg("cancel"));
}

}  // namespace

void register_propagation(py::module_& module) {
    cp::kernel_table();  // looks at the environment: now, before other threads may change it
    py::register_exception<cp::SingularSystem>(module, "SingularSystem", PyExc_ArithmeticError);

    py::class_<cp::Plan, std::shared_ptr<cp::Plan>>(module, "Plan")
        .def(py::init([](int height, int width, int global_step, const Cancel& cancel) {
                 py::gil_scoped_release release;
                 return std::make_shared<cp::Plan>(cp::Grid{height, width, global_step},
                                                   cancel.get());
             }),
             py::arg("height"), py::arg("width"), py::arg("global_step"),
             py::arg("cancel") = py::none())
        .def_property_readonly("nbytes", &cp::Plan::bytes)
        .def_property_readonly("factor_size", [](const cp::Plan& plan) { return plan.factor_size; })
        .def_property_readonly("counts",
                               [](const cp::Plan& plan) {
                                   const cp::Counts counts = plan.counts();
                                   py::dict result;
                                   result["operations"] = counts.operations;
                                   result["factor"] = counts.factor;
                                   result["updates"] = counts.updates;
                                   result["pivots"] = py::cast(counts.pivots);
                                   return result;
                               })
        .def_property_readonly("global_pixels", &global_pixels);

    py::class_<PySolver>(module, "Solver")
        .def(py::init<std::shared_ptr<cp::Plan>, Array, Array, double, double, double, bool>(),
             py::arg("plan"), py::arg("local").noconvert(), py::arg("global_").noconvert(),
             py::arg("alpha"), py::arg("phi"), py::arg("screening"), py::arg("single"))
        .def("solve", &PySolver::solve, py::arg("mask").noconvert(), py::arg("b").noconvert(),
             py::arg("masked"), py::arg("threads"), py::arg("cancel"))
        .def_property_readonly("nbytes", &PySolver::bytes);

    define_affinities<float>(module);
    define_affinities<double>(module);
    module.def(
        "plan_of",
        [](int height, int width, int global_step, const Cancel& cancel) {
            py::gil_scoped_release release;
            return std::const_pointer_cast<cp::Plan>(
                cp::plan_of(cp::Grid{height, width, global_step}, cancel.get()));
        },
        py::arg("height"), py::arg("width"), py::arg("global_step"), py::arg("cancel"));
    module.def("drop_plans", &cp::drop_plans);
    module.def(
        "estimated_bytes",
        [](int height, int width, int global_step, bool single) {
            return cp::estimated_bytes(cp::Grid{height, width, global_step}, single);
        },
        py::arg("height"), py::arg("width"), py::arg("global_step"), py::arg("single"));
    module.def(
        "require_memory",
        [](int height, int width, int global_step, bool single) {
            cp::require_memory(cp::Grid{height, width, global_step}, single);
        },
        py::arg("height"), py::arg("width"), py::arg("global_step"), py::arg("single"));
    module.def(
        "out_of_memory", [](const std::string& what) { throw cp::out_of_memory(what); },
        py::arg("what"));
    module.def(
        "affinity_map",
        [](const Features<float>& features, double sigma, py::ssize_t y, py::ssize_t x) {
            require(features.ndim() == 3 && y >= 0 && x >= 0 && y < features.shape(0) &&
                        x < features.shape(1),
                    "features must be (height, width, channels), with the pixel inside");
            const std::vector<float> map = cp::affinity_map(features_view(features), sigma, y, x);
            py::array_t<float> result({features.shape(0), features.shape(1)});
            std::copy(map.begin(), map.end(), result.mutable_data());
            return result;
        },
        py::arg("features").noconvert(), py::arg("sigma"), py::arg("y"), py::arg("x"));
    module.def("instruction_set", [] { return cp::kernel_table().name; });
    module.def("affinity_gradient", &affinity_gradient, py::arg("plan"),
               py::arg("features").noconvert(), py::arg("sigma"), py::arg("alpha"),
               py::arg("local").noconvert(), py::arg("global_").noconvert(),
               py::arg("x").noconvert(), py::arg("adjoint").noconvert());
}
