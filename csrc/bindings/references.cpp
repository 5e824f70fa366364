#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <vector>

#include "../random/normal.hpp"
#include "../references/selection.hpp"
#include "../references/working.hpp"
#include "views.hpp"

namespace py = pybind11;
namespace cd = colordeploy;
namespace cr = colordeploy::references;

namespace {

using Floats = py::array_t<float, py::array::c_style>;

template <typename T>
py::tuple working_reference(const py::array_t<T>& samples, py::ssize_t rows, py::ssize_t columns,
                            py::ssize_t multiple, int threads, const cd::CancelFlag* cancel) {
    const cd::Channels<const T> given = cd::channels_of(samples, "samples", 3);
    if (rows < 1 || columns < 1) throw py::value_error("the working size must be at least 1 x 1");
    cr::Working found;
    {
        py::gil_scoped_release release;
        found = cr::working(given, rows, columns, multiple, threads, cancel);
    }
    const auto whole = [&](py::ssize_t side) {
        return (side + multiple - 1) / multiple * multiple;
    };
    const float chroma = found.chroma;
    return py::make_tuple(cd::owned(std::move(found.rgb), {rows, columns, 3}),
                          cd::owned(std::move(found.planes), {3, whole(rows), whole(columns)}),
                          chroma);
}

py::array_t<std::int64_t> selected(const Floats& activation, std::optional<std::int64_t> k,
                                   std::optional<std::int64_t> r, std::uint64_t seed,
                                   std::int64_t default_k, std::int64_t default_r) {
    if (activation.ndim() != 1 || !cd::aligned<float>(activation)) {
        throw py::value_error("activation must be (n,) and aligned");
    }
    const std::vector<std::int64_t> chosen =
        cr::selected(activation.data(), activation.size(), {k, r, seed, default_k, default_r});
    return py::array_t<std::int64_t>(static_cast<py::ssize_t>(chosen.size()), chosen.data());
}

Floats normal_numbers(const std::vector<std::uint32_t>& seed, std::size_t n) {
    const std::vector<float> numbers = cd::random::normal(seed, n);
    return Floats(static_cast<py::ssize_t>(n), numbers.data());
}

}  // namespace

void register_references(py::module_& module) {
    module.attr("LEAST_CHROMA") = static_cast<double>(cr::LEAST_CHROMA);
    module.def("working_reference", &working_reference<float>, py::arg("samples").noconvert(),
               py::arg("rows"), py::arg("columns"), py::arg("multiple"), py::arg("threads"),
               py::arg("cancel"));
    module.def("working_reference", &working_reference<std::uint8_t>,
               py::arg("samples").noconvert(), py::arg("rows"), py::arg("columns"),
               py::arg("multiple"), py::arg("threads"), py::arg("cancel"));
    module.def("selected", &selected, py::arg("activation").noconvert(), py::arg("k"), py::arg("r"),
               py::arg("seed"), py::arg("default_k"), py::arg("default_r"));
    module.def("normal_numbers", &normal_numbers, py::arg("seed"), py::arg("n"));
}
