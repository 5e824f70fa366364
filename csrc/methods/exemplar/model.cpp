#include "model.hpp"

#include <algorithm>
#include <atomic>
#include <limits>

#include "../../errors.hpp"
#include "../../references/working.hpp"
#include "../../text.hpp"
#include "../methods.hpp"
#include "canvas.hpp"

namespace colordeploy::methods {

namespace {

constexpr std::ptrdiff_t LEAST_SIDE = 8;  // pixels
constexpr int PATCH = 4;                  // in bundles that do not say
constexpr std::size_t DIGITS = 12;        // of a hash, in an identity

std::uint64_t next_number() {
    static std::atomic<std::uint64_t> number{0};
    return ++number;
}

references::Working working_of(const pictures::Image& image, pictures::Size size, int multiple,
                               int threads, const CancelFlag* cancel) {
    const auto view = [&](const auto& values) {
        return Channels<const typename std::decay_t<decltype(values)>::value_type>{
            values.data(), image.rows, image.columns, 3 * image.columns, 3, 1};
    };
    if (image.sample == pictures::Sample::bytes) {
        const std::vector<std::uint8_t> bytes = pictures::bytes_of(image, threads, cancel);
        return references::working(view(bytes), size.rows, size.columns, multiple, threads, cancel);
    }
    const std::vector<float> floats = pictures::rgb_of(image, threads, cancel);
    return references::working(view(floats), size.rows, size.columns, multiple, threads, cancel);
}

void check(const runtime::Tensor& features, const runtime::Tensor& style,
           const runtime::Tensor& activation, std::int64_t patches) {
    const auto is = [](const runtime::Tensor& tensor, std::size_t rank) {
        return tensor.type == runtime::Type::float32 && tensor.shape.size() == rank &&
               tensor.side(0) == 1;
    };
    if (is(features, 3) && is(style, 2) && is(activation, 2) && features.side(1) == patches &&
        activation.side(1) == patches) {
        return;
    }
    throw BackendError(
        "graph 'encode_reference' gave features, style or activation of another shape than its "
        "input's");
}

}  // namespace

std::shared_ptr<const Reference> ExemplarModel::encode(const pictures::Image& image,
                                                       const pictures::WorkingSize& size,
                                                       const Steps& steps) const {
    const Turns::Turn turn(turns(), steps);
    steps(0.0, "reading");
    if (std::min(image.rows, image.columns) < LEAST_SIDE) {
        throw InputError(text("a reference must have at least %tdx%td pixels, not %tdx%td",
                              LEAST_SIDE, LEAST_SIDE, image.rows, image.columns));
    }
    const pictures::Size shape =
        pictures::working_shape({image.rows, image.columns}, size, description().working_size);
    references::Working working{};
    if (image.channels > 1) {
        working = working_of(image, shape, numbers_.multiple, threads(), steps.flag());
    }
    if (working.chroma < references::LEAST_CHROMA) {
        throw InputError("the reference is gray: there is no colour in it to take");
    }
    steps(0.2, "encoding");
    const std::int64_t multiple = numbers_.multiple, patch = numbers_.patch;
    const std::int64_t height = (shape.rows + multiple - 1) / multiple * multiple;
    const std::int64_t width = (shape.columns + multiple - 1) / multiple * multiple;
    const runtime::Outputs found =
        graph("encode_reference")
            .run({{"lab", {working.planes.data(), runtime::Type::float32, {1, 3, height, width}}}},
                 steps.token());
    const std::int64_t rows = height / patch, columns = width / patch;
    const runtime::Tensor& activation = found.at("activation");
    check(found.at("features"), found.at("style"), activation, rows * columns);
    auto reference = std::make_shared<Reference>(
        Reference{identity_, next_number(), found.at("features"), found.at("style"), {}});
    reference->activation.assign(activation.floats(), activation.floats() + rows * columns);
    for (std::int64_t i = 0; i < rows * columns; ++i) {
        if (i / columns * patch >= shape.rows || i % columns * patch >= shape.columns) {
            reference->activation[i] = -std::numeric_limits<float>::infinity();
        }
    }
    steps(1.0, "done");
    return reference;
}

void ExemplarModel::require_own(const Reference& reference) const {
    if (reference.model == identity_) return;
    throw InputError("this reference was encoded by " + reference.model + ", not by " + identity_ +
                     "; encode the picture with cd_encode_reference of this model");
}

std::shared_ptr<Canvas> ExemplarModel::prepared(const pictures::Image& image,
                                                const PrepareOptions& options,
                                                const Steps& steps) const {
    const pictures::Size working = pictures::working_shape(
        {image.rows, image.columns}, options.size, description().working_size, true);
    auto photo = std::make_unique<const pictures::Photo>(image, working, pictures::Space::lab,
                                                         threads(), steps.flag());
    return std::make_shared<ExemplarCanvas>(
        std::static_pointer_cast<const ExemplarModel>(shared_from_this()), std::move(photo));
}

std::shared_ptr<const Model> create_sscn(const bundle::Bundle& bundle,
                                         const runtime::GraphLoader& load,
                                         const ModelOptions& options) {
    Description description = described(bundle);
    const ExemplarModel::Numbers numbers{bundle.integer("multiple", 1), bundle.integer("k", 0),
                                         bundle.integer("r", 0),
                                         bundle.has("patch") ? bundle.integer("patch", 1) : PATCH};
    runtime::Graphs graphs = open_graphs(
        bundle, load,
        {{"encode_reference", {{"lab"}, {"features", "style", "activation"}}},
         {"colorize", {{"gray", "style", "selected"}, {"ab", "coarse", "queries", "keys"}}}});
    const std::string& hash = bundle.manifest().graphs.at("encode_reference").sha256;
    const std::string identity =
        description.name + " " + description.version + " (" + hash.substr(0, DIGITS) + ")";
    return std::make_shared<const ExemplarModel>(std::move(description), std::move(graphs), options,
                                                 numbers, identity);
}

}  // namespace colordeploy::methods
