#include "painter.hpp"

#include <algorithm>

#include "../../color/resize.hpp"
#include "../../errors.hpp"
#include "../../regions/tokens.hpp"

namespace colordeploy::methods {

namespace {

using runtime::Type;

constexpr const char* FEATURES[] = {"features4", "features8", "features16", "features32"};

// The luma that the network sees, and its size.
struct Seen {
    std::vector<float> luma;
    pictures::Size size;
};

Seen seen_of(const Drawing& drawing, int most, int threads, const CancelFlag* cancel) {
    const Plane<const float> luma = drawing.working_luma();
    if (std::min(luma.rows, luma.columns) <= most) {
        return {{luma.data, luma.data + luma.rows * luma.columns}, drawing.working_size()};
    }
    Seen seen{{}, color::working_size(drawing.size(), most, {})};
    seen.luma.resize(static_cast<std::size_t>(seen.size.rows * seen.size.columns));
    color::resize(luma, {seen.luma.data(), seen.size.rows, seen.size.columns, seen.size.columns, 1},
                  threads, cancel);
    for (float& value : seen.luma) value = std::clamp(value, 0.0F, 1.0F);
    return seen;
}

// In [-1, 1], sides filled up to whole multiples by the edge.
Seen line_of(const Seen& seen, int multiple) {
    const auto whole = [&](std::ptrdiff_t side) {
        return (side + multiple - 1) / multiple * multiple;
    };
    Seen line{{}, {whole(seen.size.rows), whole(seen.size.columns)}};
    line.luma.reserve(static_cast<std::size_t>(line.size.rows * line.size.columns));
    for (std::ptrdiff_t y = 0; y < line.size.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < line.size.columns; ++x) {
            line.luma.push_back(2.0F *
                                    seen.luma[std::min(y, seen.size.rows - 1) * seen.size.columns +
                                              std::min(x, seen.size.columns - 1)] -
                                1.0F);
        }
    }
    return line;
}

void require_floats(const runtime::Tensor& tensor, std::int64_t rows, const char* name) {
    if (tensor.type == Type::float32 && !tensor.shape.empty() && tensor.side(0) == 1 &&
        tensor.count() > 0 && (rows == 0 || (tensor.shape.size() == 3 && tensor.side(1) == rows))) {
        return;
    }
    throw BackendError(std::string("a graph gave ") + name + " of another shape than its inputs'");
}

}  // namespace

Palette with_hints(const Palette& base, const regions::Hints& hints) {
    Palette palette = base;
    for (std::size_t i = 0; i < hints.regions.size(); ++i) {
        float color[3];
        for (int c = 0; c < 3; ++c) color[c] = static_cast<float>(hints.colors[i][c]) / 255.0F;
        if (i == 0 || hints.regions[i] != hints.regions[i - 1]) {
            std::copy_n(color, 3, palette.begin() + 3 * std::ptrdiff_t{hints.regions[i]});
        } else {
            palette.insert(palette.end(), color, color + 3);
        }
    }
    return palette;
}

RegionPainter::RegionPainter(const Drawing& drawing, const RegionNetwork& network,
                             const Model& model, const Steps& steps)
    : model_(model),
      count_(std::max<std::ptrdiff_t>(drawing.count() - 1, 1)),
      labels_(drawing.count()) {
    steps(0.2, "encoding");
    describe(drawing, network, steps);
}

void RegionPainter::describe(const Drawing& drawing, const RegionNetwork& network,
                             const Steps& steps) {
    const Seen seen = seen_of(drawing, network.most, model_.threads(), steps.flag());
    const Seen line = line_of(seen, network.multiple);
    const runtime::Outputs features = model_.graph("encode").run(
        {{"line", {line.luma.data(), Type::float32, {1, 1, line.size.rows, line.size.columns}}}},
        steps.token());
    steps(0.6, "regions");
    const std::vector<std::int32_t> labels = drawing.reduced(drawing.labels(), seen.size);
    const std::vector<std::int32_t> covered = drawing.reduced(drawing.covered(), seen.size);
    const auto plane = [&](const std::vector<std::int32_t>& small) {
        return Plane<const std::int32_t>{small.data(), seen.size.rows, seen.size.columns,
                                         seen.size.columns, 1};
    };
    const std::vector<std::int64_t> places =
        regions::places_of(drawing.plane(drawing.labels()), plane(labels), count_);
    regions::Tokens tokens = regions::tokens_of(
        plane(labels), plane(covered), pictures::Photo::plane(seen.luma, seen.size), places.data(),
        count_, line.size.rows / regions::STRIDE, line.size.columns / regions::STRIDE);
    geometry_ = std::move(tokens.geometry);
    borders_ = std::move(tokens.borders);
    steps(0.8, "correlation");
    runtime::Inputs told{
        {"shares", {tokens.shares.data(), Type::float32, {1, count_, tokens.rows, tokens.columns}}},
        {"geometry", {geometry_.data(), Type::float32, {1, count_, regions::GEOMETRY}}},
        {"borders", {borders_.data(), Type::float32, {1, count_, count_}}}};
    for (const char* name : FEATURES) told.emplace(name, features.at(name));
    const runtime::Outputs described = model_.graph("describe").run(told, steps.token());
    tokens_ = described.at("tokens");
    whole_ = described.at("whole");
    const runtime::Tensor& style = described.at("style");
    require_floats(style, 0, "style");
    style_.assign(style.floats(), style.floats() + style.count());
}

Palette RegionPainter::paint(const std::vector<float>& code, const regions::Hints* hints,
                             const Steps& steps) const {
    Palette colors(static_cast<std::size_t>(3 * (count_ + 1)), 0.0F);
    std::vector<float> known(static_cast<std::size_t>(count_ + 1), 0.0F);
    if (hints != nullptr) {
        colors = with_hints(colors, *hints);
        for (const std::int32_t region : hints->regions) known[region] = 1.0F;
    }
    const auto codes = static_cast<std::int64_t>(code.size());
    const runtime::Outputs found = model_.graph("paint").run(
        {{"tokens", tokens_},
         {"whole", whole_},
         {"predicted", {style_.data(), Type::float32, {1, codes}}},
         {"geometry", {geometry_.data(), Type::float32, {1, count_, regions::GEOMETRY}}},
         {"borders", {borders_.data(), Type::float32, {1, count_, count_}}},
         {"style", {code.data(), Type::float32, {1, codes}}},
         {"hints", {colors.data() + 3, Type::float32, {1, count_, 3}}},
         {"known", {known.data() + 1, Type::float32, {1, count_}}}},
        steps.token());
    const runtime::Tensor& painted = found.at("colors");
    require_floats(painted, count_, "colors");
    Palette palette(static_cast<std::size_t>(3 * labels_), 0.0F);
    std::copy_n(painted.floats(), 3 * (labels_ - 1), palette.begin() + 3);
    return palette;
}

std::size_t RegionPainter::bytes() const {
    return (style_.size() + geometry_.size() + borders_.size()) * sizeof(float) + tokens_.bytes() +
           whole_.bytes();
}

}  // namespace colordeploy::methods
