#include "analysis.hpp"

#include <algorithm>

#include "../../anchors/bins.hpp"
#include "../../anchors/residues.hpp"
#include "../../color/working.hpp"
#include "../../runtime/shapes.hpp"

namespace colordeploy::methods {

namespace {

constexpr std::int64_t ANY = -1;
constexpr std::int64_t AROUND = 9;  // cells around a pixel, its own included

runtime::TensorView view_of(const float* values, std::vector<std::int64_t> shape) {
    return {values, runtime::Type::float32, std::move(shape)};
}

}  // namespace

Analysis::Analysis(const runtime::Graph& graph, pictures::NetworkInput gray, pictures::Size working,
                   std::ptrdiff_t cell, const Interface& interface, const Steps& steps)
    : gray_(std::move(gray)), interface_(interface), grid_{working.rows, working.columns, cell} {
    const auto shaped = [&](const std::string& name,
                            std::initializer_list<std::int64_t> sides) -> const runtime::Tensor& {
        return runtime::floats_of(outputs_, graph.name(), name, sides);
    };
    outputs_ = graph.run(
        {{"gray", view_of(gray_.values.data(), {1, 1, gray_.size.rows, gray_.size.columns})}},
        steps.token());
    const runtime::Tensor& tokens = shaped("tokens", {1, ANY, ANY, ANY});
    rows_ = tokens.side(2);
    columns_ = tokens.side(3);
    if (rows_ < grid_.rows() || columns_ < grid_.columns()) {
        throw BackendError("graph '" + graph.name() +
                           "' gave fewer places than the picture has; export the bundle again");
    }
    shaped(interface_.features, {1, ANY, rows_, columns_});
    shaped("probabilities", {1, static_cast<std::int64_t>(anchors::BINS), rows_, columns_});
    if (!interface_.sizes.empty()) shaped(interface_.sizes, {1, 1, rows_, columns_});
    if (!interface_.association.empty()) {
        shaped(interface_.association, {1, AROUND, gray_.size.rows, gray_.size.columns});
    }
}

std::size_t Analysis::bytes() const {
    std::size_t held = gray_.values.size() * sizeof(float);
    for (const auto& [name, tensor] : outputs_) held += tensor.bytes();
    return held;
}

const float* Analysis::probabilities(std::int64_t place) const {
    const std::int64_t row = place / grid_.columns(), column = place % grid_.columns();
    return output("probabilities").floats() + row * columns_ + column;
}

Plane<const float> Analysis::sizes() const {
    if (interface_.sizes.empty()) return {};
    return {output(interface_.sizes).floats(), grid_.rows(), grid_.columns(), columns_, 1};
}

std::vector<std::int64_t> Analysis::located(std::ptrdiff_t count, std::uint64_t seed) const {
    const runtime::Tensor& features = output(interface_.features);
    const Channels<const float> planes{
        features.floats(), grid_.rows(), grid_.columns(), columns_, 1, rows_ * columns_};
    return anchors::located(planes, features.side(1), sizes(), count, seed);
}

std::vector<std::int64_t> Analysis::located(const std::vector<float>& means,
                                            std::ptrdiff_t channels, std::ptrdiff_t count,
                                            std::uint64_t seed) const {
    const Channels<const float> planes{
        means.data(), grid_.rows(), grid_.columns(), grid_.columns(), 1, places()};
    return anchors::located(planes, channels, sizes(), count, seed);
}

std::vector<float> Analysis::pooled(const Channels<const float>& values,
                                    std::ptrdiff_t channels) const {
    anchors::Association association{};
    if (!interface_.association.empty()) {
        const auto [rows, columns] = gray_.size;
        association = {
            output(interface_.association).floats(), rows, columns, columns, 1, rows * columns};
    }
    return anchors::pooled(values, channels, association, grid_);
}

std::vector<float> Analysis::answer(const runtime::Graph& generator, const anchors::Hints& hints,
                                    int threads, const Steps& steps) const {
    runtime::Inputs inputs;
    for (const std::string& name : interface_.handed) inputs.emplace(name, output(name));
    if (interface_.gray) {
        inputs.emplace("gray",
                       view_of(gray_.values.data(), {1, 1, gray_.size.rows, gray_.size.columns}));
    }
    inputs.emplace("mask", view_of(hints.mask.data(), {1, 1, rows_, columns_}));
    inputs.emplace("colors", view_of(hints.colors.data(), {1, 2, rows_, columns_}));
    const runtime::Outputs outputs = generator.run(inputs, steps.token());
    const runtime::Tensor& ab =
        runtime::floats_of(outputs, generator.name(), "ab", {1, 2, ANY, ANY});
    const std::ptrdiff_t rows = ab.side(2), columns = ab.side(3);
    if (rows % rows_ != 0 || columns % columns_ != 0 || gray_.size.rows % rows != 0 ||
        gray_.size.columns % columns != 0) {
        throw BackendError("graph '" + generator.name() +
                           "' gave an answer of an odd size; export the bundle again");
    }
    std::vector<float> planes(ab.floats(), ab.floats() + 2 * rows * columns);
    const Plane<const float> seen{gray_.values.data(), gray_.size.rows, gray_.size.columns,
                                  gray_.size.columns, 1};
    const bool told =
        std::any_of(hints.mask.begin(), hints.mask.end(), [](float one) { return one != 0.0F; });
    // Of DISCO's own network it is the answer as it is: RefineNet ends at full size.
    if (told && !interface_.needs_anchors) {
        const runtime::Tensor& tokens = output("tokens");
        anchors::add_residues({{planes.data(), rows, columns, columns, 1, rows * columns},
                               {tokens.floats(), rows_, columns_, columns_, 1, rows_ * columns_},
                               tokens.side(1),
                               {},
                               hints.mask.data(),
                               hints.colors.data()},
                              seen);
    }
    return color::chroma_at_working_size({planes.data(), rows, columns, columns, 1, rows * columns},
                                         seen, grid_.height, grid_.width, threads, steps.flag());
}

}  // namespace colordeploy::methods
