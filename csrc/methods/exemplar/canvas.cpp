#include "canvas.hpp"

#include <algorithm>

#include "../../color/working.hpp"
#include "../../errors.hpp"
#include "../../references/selection.hpp"

namespace colordeploy::methods {

ExemplarCanvas::ExemplarCanvas(std::shared_ptr<const ExemplarModel> model,
                               std::unique_ptr<const pictures::Photo> photo)
    : PhotoCanvas(std::move(model), std::move(photo)),
      gray_(this->photo().network_input(own_model().numbers().multiple)) {}

void ExemplarCanvas::render(const Reference& reference, const Patches& patches, bool coarse,
                            const pictures::Rendering& rendering, const Steps& steps) {
    own_model().require_own(reference);
    const ExemplarModel::Numbers& numbers = own_model().numbers();
    const std::vector<std::int64_t> selected = references::selected(
        reference.activation.data(), static_cast<std::ptrdiff_t>(reference.activation.size()),
        {patches.k, patches.r, patches.seed, numbers.k, numbers.r});
    std::string key(coarse ? "c" : "f");
    append_key(key, &reference.number, 1);
    append_key(key, selected.data(), selected.size());
    colored(key, [&] { return chroma(reference, selected, coarse, steps); }, rendering, steps);
}

std::vector<float> ExemplarCanvas::chroma(const Reference& reference,
                                          const std::vector<std::int64_t>& selected, bool coarse,
                                          const Steps& steps) const {
    const std::int64_t width = reference.features.side(2);
    std::vector<float> features;
    features.reserve(selected.size() * static_cast<std::size_t>(width));
    for (const std::int64_t patch : selected) {
        const float* own = reference.features.floats() + patch * width;
        features.insert(features.end(), own, own + width);
    }
    const auto count = static_cast<std::int64_t>(selected.size());
    using runtime::Type;
    const runtime::Outputs found =
        own_model()
            .graph("colorize")
            .run({{"gray",
                   {gray_.values.data(),
                    Type::float32,
                    {1, 1, gray_.size.rows, gray_.size.columns}}},
                  {"style", reference.style},
                  {"selected", {features.data(), Type::float32, {1, count, width}}}},
                 steps.token());
    const runtime::Tensor& ab = found.at(coarse ? "coarse" : "ab");
    if (ab.type != Type::float32 || ab.shape.size() != 4 || ab.side(0) != 1 || ab.side(1) != 2) {
        throw BackendError("graph 'colorize' gave chroma of another shape than its input's");
    }
    const std::ptrdiff_t rows = ab.side(2), columns = ab.side(3);
    const pictures::Size size = working_size();
    return color::chroma_at_working_size({ab.floats(), rows, columns, columns, 1, rows * columns},
                                         pictures::Photo::plane(gray_.values, gray_.size),
                                         size.rows, size.columns, model().threads(), steps.flag());
}

}  // namespace colordeploy::methods
