#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <optional>
#include <vector>

#include "../anchors/bins.hpp"
#include "../anchors/candidates.hpp"
#include "../anchors/hints.hpp"
#include "../anchors/places.hpp"
#include "../anchors/residues.hpp"
#include "views.hpp"

namespace py = pybind11;
namespace cd = colordeploy;
namespace ca = colordeploy::anchors;

namespace {

using Strided = py::array_t<float>;
using Floats = py::array_t<float, py::array::c_style>;

py::array_t<std::int64_t> bins() {
    py::array_t<std::int64_t> result({static_cast<py::ssize_t>(ca::BINS), py::ssize_t{2}});
    std::int64_t* out = result.mutable_data();
    for (const ca::Bin& bin : ca::bins()) {
        *out++ = bin.a;
        *out++ = bin.b;
    }
    result.attr("flags").attr("writeable") = false;
    return result;
}

py::array_t<std::int64_t> nearest_bins(const py::array_t<double, py::array::c_style>& ab) {
    if (ab.ndim() != 2 || ab.shape(1) != 2 || !cd::aligned<double>(ab)) {
        throw py::value_error("ab must be (n, 2) and aligned");
    }
    py::array_t<std::int64_t> nearest(ab.shape(0));
    const double* pairs = ab.data();
    std::int64_t* out = nearest.mutable_data();
    const py::ssize_t n = ab.shape(0);
    {
        py::gil_scoped_release release;
        for (py::ssize_t i = 0; i < n; ++i) {
            out[i] = static_cast<std::int64_t>(ca::nearest_bin(pairs[2 * i], pairs[2 * i + 1]));
        }
    }
    return nearest;
}

// (C, rows, columns) as channels.
cd::Channels<const float> planes_of(const Strided& array, const char* name) {
    cd::require<float>(array, name, 3);
    constexpr auto size = static_cast<py::ssize_t>(sizeof(float));
    return {array.data(),
            array.shape(1),
            array.shape(2),
            array.strides(1) / size,
            array.strides(2) / size,
            array.strides(0) / size};
}

py::ssize_t stride_of_bins(const Strided& probabilities) {
    cd::require<float>(probabilities, "probabilities", 1);
    if (probabilities.size() != static_cast<py::ssize_t>(ca::BINS)) {
        throw py::value_error("probabilities must be one for each bin");
    }
    return probabilities.strides(0) / static_cast<py::ssize_t>(sizeof(float));
}

std::vector<std::size_t> most_probable(const Strided& probabilities) {
    return ca::most_probable(probabilities.data(), stride_of_bins(probabilities));
}

py::tuple expected(const Strided& probabilities) {
    const ca::Chroma mean = ca::expected(probabilities.data(), stride_of_bins(probabilities));
    return py::make_tuple(mean.a, mean.b);
}

std::vector<std::size_t> diverse_order(const std::vector<std::array<int, 2>>& candidates) {
    std::vector<ca::Bin> given;
    for (const auto& [a, b] : candidates) given.push_back({a, b});
    return ca::diverse_order(given);
}

Floats pooled(const Strided& values, const std::optional<Strided>& association, py::ssize_t cell) {
    cd::require<float>(values, "values", 3);
    if (cell < 1) throw py::value_error("cell must be at least 1");
    const py::ssize_t channels = values.shape(2);
    const cd::Channels<const float> given = cd::channels_of(values, "values", channels);
    const ca::Grid grid{given.rows, given.columns, cell};
    ca::Association shares{};
    if (association) {
        shares = planes_of(*association, "association");
        if (association->shape(0) != 9 || shares.rows < given.rows ||
            shares.columns < given.columns) {
            throw py::value_error("association must be nine planes of the values' size");
        }
    }
    std::vector<float> means;
    {
        py::gil_scoped_release release;
        means = ca::pooled(given, channels, shares, grid);
    }
    return cd::owned(std::move(means), {channels, grid.rows(), grid.columns()});
}

std::vector<std::int64_t> located(const Strided& features, const std::optional<Strided>& sizes,
                                  py::ssize_t count, std::uint64_t seed) {
    const cd::Channels<const float> given = planes_of(features, "features");
    cd::Plane<const float> scores{};
    if (sizes) scores = cd::plane_of(*sizes, "sizes");
    const py::ssize_t channels = features.shape(0);
    py::gil_scoped_release release;
    return ca::located(given, channels, scores, count, seed);
}

py::tuple middle_of(const std::array<py::ssize_t, 2>& size,
                    const std::array<py::ssize_t, 2>& working, py::ssize_t cell, py::ssize_t row,
                    py::ssize_t column) {
    const ca::Middle middle =
        ca::middle_of({size[0], size[1]}, {working[0], working[1], cell}, row, column);
    return py::make_tuple(middle.y, middle.x);
}

py::tuple hints_of(const std::vector<std::array<double, 4>>& anchors,
                   const std::array<py::ssize_t, 2>& size,
                   const std::array<py::ssize_t, 2>& working, py::ssize_t cell,
                   const std::array<py::ssize_t, 2>& grid) {
    if (cell < 1) throw py::value_error("cell must be at least 1");
    std::vector<ca::Anchor> given;
    for (const auto& [y, x, a, b] : anchors) given.push_back({y, x, a, b});
    const ca::Hints hints =
        ca::hints_of(given, {size[0], size[1]}, {working[0], working[1], cell}, grid[0], grid[1]);
    Floats mask({py::ssize_t{1}, grid[0], grid[1]}), colors({py::ssize_t{2}, grid[0], grid[1]});
    std::copy(hints.mask.begin(), hints.mask.end(), mask.mutable_data());
    std::copy(hints.colors.begin(), hints.colors.end(), colors.mutable_data());
    return py::make_tuple(mask, colors);
}

Floats with_residues(const Floats& ab, const Strided& tokens, const Strided& gray,
                     const Floats& mask, const Floats& colors) {
    const cd::Channels<const float> features = planes_of(tokens, "tokens");
    const cd::Plane<const float> seen = cd::plane_of(gray, "gray");
    const py::ssize_t places = features.rows * features.columns;
    if (ab.ndim() != 3 || ab.shape(0) != 2 || ab.size() == 0 || !cd::aligned<float>(ab) ||
        mask.size() != places || colors.size() != 2 * places || !cd::aligned<float>(mask) ||
        !cd::aligned<float>(colors)) {
        throw py::value_error("ab must be two planes, mask and colors of the tokens' size");
    }
    const py::ssize_t rows = ab.shape(1), columns = ab.shape(2);
    Floats result({py::ssize_t{2}, rows, columns});
    std::copy_n(ab.data(), ab.size(), result.mutable_data());
    const ca::Answered answered{{result.mutable_data(), rows, columns, columns, 1, rows * columns},
                                features,
                                tokens.shape(0),
                                {},
                                mask.data(),
                                colors.data()};
    {
        py::gil_scoped_release release;
        ca::add_residues(answered, seen);
    }
    return result;
}

}  // namespace

void register_anchors(py::module_& module) {
    module.attr("AB_BINS") = bins();
    module.attr("CANDIDATES") = ca::CANDIDATES;
    module.def("nearest_bins", &nearest_bins, py::arg("ab").noconvert());
    module.def("most_probable", &most_probable, py::arg("probabilities").noconvert());
    module.def("expected_chroma", &expected, py::arg("probabilities").noconvert());
    module.def("diverse_order", &diverse_order, py::arg("candidates"));
    module.def("pooled", &pooled, py::arg("values").noconvert(), py::arg("association").noconvert(),
               py::arg("cell"));
    module.def("located", &located, py::arg("features").noconvert(), py::arg("sizes").noconvert(),
               py::arg("count"), py::arg("seed"));
    module.def("middle_of", &middle_of, py::arg("size"), py::arg("working"), py::arg("cell"),
               py::arg("row"), py::arg("column"));
    module.def("anchor_hints", &hints_of, py::arg("anchors"), py::arg("size"), py::arg("working"),
               py::arg("cell"), py::arg("grid"));
    module.def("with_residues", &with_residues, py::arg("ab").noconvert(),
               py::arg("tokens").noconvert(), py::arg("gray").noconvert(),
               py::arg("mask").noconvert(), py::arg("colors").noconvert());
}
