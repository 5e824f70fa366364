#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <vector>

#include "../regions/divider.hpp"
#include "../regions/hints.hpp"
#include "../regions/labels.hpp"
#include "../regions/search.hpp"
#include "../regions/tokens.hpp"
#include "views.hpp"

namespace py = pybind11;
namespace cd = colordeploy;
namespace cr = colordeploy::regions;

namespace {

using Labels = py::array_t<std::int32_t, py::array::c_style>;
using Bytes = py::array_t<std::uint8_t, py::array::c_style>;
using Floats = py::array_t<float, py::array::c_style>;
using Places = py::array_t<std::int64_t, py::array::c_style>;

template <typename T>
cd::Plane<T> plane_of(py::array_t<T, py::array::c_style>& array) {
    return {array.mutable_data(), array.shape(0), array.shape(1), array.shape(1), 1};
}

// Labels, how many, and how many there were before small ones were merged; 0: none were.
py::tuple find_regions(const Bytes& line, double scale, const std::vector<int>& radii) {
    if (line.ndim() != 2 || line.size() == 0) throw py::value_error("line must be (height, width)");
    if (!(scale > 0.0)) throw py::value_error("scale must be above 0");
    const py::ssize_t height = line.shape(0), width = line.shape(1);
    Labels labels({height, width});
    std::int32_t* out = labels.mutable_data();
    cr::Found found{};
    {
        py::gil_scoped_release release;
        found = cr::find_regions(line.data(), height, width, {scale, radii}, out);
    }
    return py::make_tuple(labels, found.count, found.before);
}

Labels nearest_labels(const py::array_t<std::int32_t>& labels, py::ssize_t rows,
                      py::ssize_t columns) {
    const cd::Plane<const std::int32_t> given = cd::plane_of(labels, "labels");
    if (rows < 1 || columns < 1) throw py::value_error("the new size must be at least 1 x 1");
    Labels result({rows, columns});
    const cd::Plane<std::int32_t> out = plane_of(result);
    {
        py::gil_scoped_release release;
        cr::nearest_labels(given, out);
    }
    return result;
}

Labels inside_labels(const py::array_t<std::int32_t>& labels) {
    const cd::Plane<const std::int32_t> given = cd::plane_of(labels, "labels");
    Labels result({given.rows, given.columns});
    const cd::Plane<std::int32_t> out = plane_of(result);
    {
        py::gil_scoped_release release;
        cr::inside_labels(given, out);
    }
    return result;
}

Places region_places(const py::array_t<std::int32_t>& full, const py::array_t<std::int32_t>& labels,
                     py::ssize_t count) {
    const auto whole = cd::plane_of(full, "full"), marks = cd::plane_of(labels, "labels");
    if (count < 0) throw py::value_error("count must not be negative");
    return cd::owned(cr::places_of(whole, marks, count), {count + 1, py::ssize_t{2}});
}

py::tuple region_tokens(const py::array_t<std::int32_t>& labels,
                        const py::array_t<std::int32_t>& covered, const py::array_t<float>& luma,
                        const Places& places, py::ssize_t count, py::ssize_t rows,
                        py::ssize_t columns) {
    const auto marks = cd::plane_of(labels, "labels"), under = cd::plane_of(covered, "covered");
    const auto light = cd::plane_of(luma, "luma");
    if (count < 1 || places.size() != 2 * (count + 1)) {
        throw py::value_error("places must be pairs of each label");
    }
    const std::int64_t* absent = places.data();
    cr::Tokens tokens;
    {
        py::gil_scoped_release release;
        tokens = cr::tokens_of(marks, under, light, absent, count, rows, columns);
    }
    return py::make_tuple(cd::owned(std::move(tokens.shares), {count, rows, columns}),
                          cd::owned(std::move(tokens.geometry), {count, py::ssize_t{cr::GEOMETRY}}),
                          cd::owned(std::move(tokens.borders), {count, count}));
}

py::tuple region_hints(const Places& pixels, const Bytes& rgb, const Labels& numbers,
                       const Labels& labels, const Labels& covered, const Places& areas) {
    const py::ssize_t n = pixels.size();
    if (rgb.size() != 3 * n || numbers.size() != n || labels.size() != covered.size() ||
        areas.size() < 1) {
        throw py::value_error("the arrays do not belong together");
    }
    cd::strokes::Dabs dabs;
    dabs.pixels.assign(pixels.data(), pixels.data() + n);
    dabs.dabs.assign(numbers.data(), numbers.data() + n);
    dabs.rgb.resize(n);
    for (py::ssize_t i = 0; i < n; ++i) {
        if (dabs.pixels[i] < 0 || dabs.pixels[i] >= labels.size() || dabs.dabs[i] < 0 ||
            dabs.dabs[i] >= n) {
            throw py::value_error("dabs must lie within the labels, numbered from 0 on");
        }
        std::copy_n(rgb.data() + 3 * i, 3, dabs.rgb[i].begin());
    }
    cr::Hints hints;
    {
        py::gil_scoped_release release;
        hints = cr::hints_of(dabs, labels.data(), covered.data(), areas.data(), areas.size());
    }
    const auto marks = static_cast<py::ssize_t>(hints.pixels.size());
    const auto colors = static_cast<py::ssize_t>(hints.colors.size());
    Bytes shown({colors, py::ssize_t{3}});
    std::uint8_t* out = shown.mutable_data();
    for (const auto& color : hints.colors) out = std::copy(color.begin(), color.end(), out);
    return py::make_tuple(
        cd::owned(std::move(hints.counts), {areas.size()}),
        cd::owned(std::move(hints.pixels), {marks}), cd::owned(std::move(hints.owners), {marks}),
        cd::owned(std::move(hints.regions), {colors}), shown, hints.crowded.size());
}

// The divider and the arrays it looks at.
class PyDivider {
 public:
    PyDivider(Labels labels, Labels covered, py::ssize_t count)
        : labels_(std::move(labels)), covered_(std::move(covered)), count_(count) {
        if (labels_.ndim() != 2 || covered_.ndim() != 2 || labels_.shape(0) != covered_.shape(0) ||
            labels_.shape(1) != covered_.shape(1)) {
            throw py::value_error("labels and covered must be of one size");
        }
        divider_ = std::make_unique<cr::RegionDivider>(labels_.data(), covered_.data(),
                                                       labels_.shape(0), labels_.shape(1), count);
    }

    Labels divide(const Labels& counts, const Places& pixels, const Labels& owners, int threads,
                  const cd::CancelFlag* cancel) {
        if (counts.size() != count_ || pixels.size() != owners.size() || threads < 1) {
            throw py::value_error("counts must be of all labels, pixels and owners as many");
        }
        Labels result({labels_.shape(0), labels_.shape(1)});
        std::int32_t* out = result.mutable_data();
        {
            py::gil_scoped_release release;
            divider_->divide({counts.data(), pixels.data(), owners.data(), pixels.size()}, threads,
                             cancel, out);
        }
        return result;
    }

    std::size_t bytes() const { return divider_->bytes(); }

 private:
    Labels labels_, covered_;
    py::ssize_t count_;
    std::unique_ptr<cr::RegionDivider> divider_;
};

}  // namespace

void register_region_maps(py::module_& module) {
    module.attr("MAXIMUM_REGIONS") = cr::MAXIMUM_REGIONS;
    module.attr("MOST_HINTS") = cr::MOST_HINTS;
    module.attr("TOKEN_STRIDE") = cr::STRIDE;
    module.attr("TOKEN_GEOMETRY") = cr::GEOMETRY;
    module.def("find_regions", &find_regions, py::arg("line").noconvert(), py::arg("scale"),
               py::arg("radii"));
    module.def("nearest_labels", &nearest_labels, py::arg("labels").noconvert(), py::arg("rows"),
               py::arg("columns"));
    module.def("inside_labels", &inside_labels, py::arg("labels").noconvert());
    module.def("region_tokens", &region_tokens, py::arg("labels").noconvert(),
               py::arg("covered").noconvert(), py::arg("luma").noconvert(),
               py::arg("places").noconvert(), py::arg("count"), py::arg("rows"),
               py::arg("columns"));
    module.def("region_places", &region_places, py::arg("full").noconvert(),
               py::arg("labels").noconvert(), py::arg("count"));
    module.def("region_hints", &region_hints, py::arg("pixels").noconvert(),
               py::arg("rgb").noconvert(), py::arg("dabs").noconvert(),
               py::arg("labels").noconvert(), py::arg("covered").noconvert(),
               py::arg("areas").noconvert());
    py::class_<PyDivider>(module, "RegionDivider")
        .def(py::init<Labels, Labels, py::ssize_t>(), py::arg("labels").noconvert(),
             py::arg("covered").noconvert(), py::arg("count"))
        .def("divide", &PyDivider::divide, py::arg("counts").noconvert(),
             py::arg("pixels").noconvert(), py::arg("owners").noconvert(), py::arg("threads"),
             py::arg("cancel"))
        .def_property_readonly("nbytes", &PyDivider::bytes);
}
