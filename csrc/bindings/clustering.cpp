#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "../clustering/kmeans.hpp"

namespace py = pybind11;
namespace cc = colordeploy::clustering;

namespace {

using Array = py::array_t<double, py::array::c_style>;

py::array_t<std::int64_t> choose(std::int64_t n, std::int64_t k, std::uint64_t seed) {
    if (k < 0 || k > n) throw py::value_error("k must be between 0 and n");
    const std::vector<std::int64_t> chosen = cc::choose(n, k, seed);
    return py::array_t<std::int64_t>(static_cast<py::ssize_t>(chosen.size()), chosen.data());
}

py::tuple kmeans(const Array& points, const Array& start, int rounds, double tolerance) {
    if (points.ndim() != 2 || start.ndim() != 2 || points.shape(1) != start.shape(1) ||
        start.shape(0) < 1 || points.shape(0) < start.shape(0)) {
        throw py::value_error("points must be (n, d) and centres (k, d) with k <= n");
    }
    const py::ssize_t n = points.shape(0), dimensions = points.shape(1), k = start.shape(0);
    Array centres({k, dimensions});
    std::copy_n(start.data(), start.size(), centres.mutable_data());
    py::array_t<std::int32_t> labels(n);
    const double* data = points.data();
    double* means = centres.mutable_data();
    std::int32_t* marks = labels.mutable_data();
    {
        py::gil_scoped_release release;
        cc::kmeans(data, n, dimensions, k, {rounds, tolerance}, means, marks);
    }
    return py::make_tuple(labels, centres);
}

}  // namespace

void register_clustering(py::module_& module) {
    module.def("choose", &choose, py::arg("n"), py::arg("k"), py::arg("seed"));
    module.def("kmeans", &kmeans, py::arg("points").noconvert(), py::arg("centres").noconvert(),
               py::arg("rounds"), py::arg("tolerance"));
}
