#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "../propagation/factor.hpp"

namespace py = pybind11;
namespace cp = colordeploy::propagation;

namespace {

using Array = py::array_t<double, py::array::c_style>;
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

// SciPy exports its BLAS to compiled code as capsules named by their C signatures.
template <typename Function>
Function* blas_function(const char* name) {
    const py::dict table = py::module_::import("scipy.linalg.cython_blas").attr("__pyx_capi__");
    const auto capsule = py::reinterpret_borrow<py::capsule>(table[name]);
    return reinterpret_cast<Function*>(capsule.get_pointer<void>());
}

// Filled when the module is imported, constant from then on.
cp::Blas scipy_blas;

void require(bool condition, const char* message) {
    if (!condition) throw py::value_error(message);
}

void require_features(const cp::Grid& grid, const Array& features) {
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

Array local_affinities(const cp::Plan& plan, const Array& features, double sigma) {
    require_features(plan.grid, features);
    Array local({py::ssize_t{4}, py::ssize_t{plan.grid.height}, py::ssize_t{plan.grid.width}});
    const auto view = view3(features);
    double* out = local.mutable_data();
    py::gil_scoped_release release;
    cp::local_affinities(plan.grid, view, sigma, out);
    return local;
}

Array global_affinities(const cp::Plan& plan, const Array& features, double sigma) {
    require_features(plan.grid, features);
    Array global(static_cast<py::ssize_t>(pair_count(plan.grid)));
    const auto view = view3(features);
    double* out = global.mutable_data();
    py::gil_scoped_release release;
    cp::global_affinities(plan.grid, view, sigma, out);
    return global;
}

std::unique_ptr<cp::Factor> factorize(std::shared_ptr<const cp::Plan> plan, const Array& local,
                                      const Array& global, double alpha, double phi,
                                      const Bytes& mask) {
    require_affinities(plan->grid, local, global);
    require(mask.size() == plan->grid.pixels(), "mask must have the plan's size");
    const cp::System system{local.data(), global.size() ? global.data() : nullptr, alpha, phi};
    const std::uint8_t* marks = mask.data();
    py::gil_scoped_release release;
    return std::make_unique<cp::Factor>(std::move(plan), scipy_blas, system, marks);
}

Array solve(const cp::Factor& factor, const Array& b) {
    const cp::Grid& grid = factor.plan().grid;
    require(b.ndim() == 3 && b.shape(0) == grid.height && b.shape(1) == grid.width,
            "the right-hand side must be (height, width, channels) of the plan's size");
    Array x({b.shape(0), b.shape(1), b.shape(2)});
    const double* in = b.data();
    double* out = x.mutable_data();
    const py::ssize_t channels = b.shape(2);
    py::gil_scoped_release release;
    factor.solve(in, out, channels);
    return x;
}

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

}  // namespace

void register_propagation(py::module_& module) {
    scipy_blas = {blas_function<cp::Blas::Dsyrk>("dsyrk"), blas_function<cp::Blas::Dgemm>("dgemm")};
    py::register_exception<cp::SingularSystem>(module, "SingularSystem", PyExc_ArithmeticError);

    py::class_<cp::Plan, std::shared_ptr<cp::Plan>>(module, "Plan")
        .def(py::init([](int height, int width, int global_step) {
                 py::gil_scoped_release release;
                 return std::make_shared<cp::Plan>(cp::Grid{height, width, global_step});
             }),
             py::arg("height"), py::arg("width"), py::arg("global_step"))
        .def_property_readonly("factor_size", [](const cp::Plan& plan) { return plan.factor_size; })
        .def_property_readonly("global_pixels", &global_pixels);

    py::class_<cp::Factor>(module, "Factor").def("solve", &solve, py::arg("b").noconvert());

    module.def("local_affinities", &local_affinities, py::arg("plan"),
               py::arg("features").noconvert(), py::arg("sigma"));
    module.def("global_affinities", &global_affinities, py::arg("plan"),
               py::arg("features").noconvert(), py::arg("sigma"));
    module.def("factorize", &factorize, py::arg("plan"), py::arg("local").noconvert(),
               py::arg("global_").noconvert(), py::arg("alpha"), py::arg("phi"),
               py::arg("mask").noconvert());
    module.def("affinity_gradient", &affinity_gradient, py::arg("plan"),
               py::arg("features").noconvert(), py::arg("sigma"), py::arg("alpha"),
               py::arg("local").noconvert(), py::arg("global_").noconvert(),
               py::arg("x").noconvert(), py::arg("adjoint").noconvert());
}
