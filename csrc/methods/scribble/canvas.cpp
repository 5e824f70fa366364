#include "canvas.hpp"

#include "../../errors.hpp"
#include "../../propagation/affinity_map.hpp"
#include "../../text.hpp"

namespace colordeploy::methods {

namespace {

constexpr double LEAST_FOR_SINGLE = 1e-20;  // phi: below, the range of floats does not suffice

std::vector<float> rounded(const std::vector<double>& values) {
    return {values.begin(), values.end()};
}

std::string key_of(const std::variant<pictures::Image, Channels<const float>>& base) {
    if (const auto* image = std::get_if<pictures::Image>(&base)) {
        return pictures::fingerprint(*image);
    }
    const auto& ab = std::get<Channels<const float>>(base);
    constexpr auto size = static_cast<std::ptrdiff_t>(sizeof(float));
    // Two floats of a pixel are told apart as one of two words would be.
    pictures::Image planes{ab.data,
                           pictures::Sample::floats,
                           2,
                           false,
                           ab.rows,
                           ab.columns,
                           ab.row_stride * size,
                           ab.column_stride * size};
    return pictures::fingerprint(planes);
}

}  // namespace

ScribbleCanvas::ScribbleCanvas(std::shared_ptr<const Model> model,
                               std::unique_ptr<const pictures::Photo> photo,
                               std::shared_ptr<const FeatureSource> source,
                               const propagation::Parameters& parameters, const Steps& steps)
    : PhotoCanvas(std::move(model), std::move(photo)),
      source_(std::move(source)),
      parameters_(parameters) {
    steps(0.1, "features");
    const Features features = (*source_)(this->photo(), steps);
    steps(0.6, "affinities");
    parameters_.alpha = features.alpha;
    // To about 1e-6 in x, where colours need 1e-3.
    parameters_.single = parameters_.phi > LEAST_FOR_SINGLE;
    const int threads = this->model().threads();
    system_ = std::make_unique<propagation::PictureSystem>(
        std::make_shared<const propagation::Affinities>(features.view(), parameters_, threads,
                                                        steps.flag()),
        parameters_, threads);
}

void ScribbleCanvas::render(const Strokes& strokes, const std::optional<Mended>& mended,
                            const pictures::Rendering& rendering, const Steps& steps) {
    const Marks marks =
        constraints_of(strokes, size(), working_size(), !mended, model(), steps.flag());
    std::string key;
    if (!mended) {
        marks.append_key(key);
        colored(
            key,
            [&] {
                return rounded(
                    system_->solve(marks.mask.data(), marks.chroma.data(), 2, steps.flag()));
            },
            rendering, steps);
        return;
    }
    if (!(mended->reach >= 0.0 && mended->reach <= 1.0)) {
        throw InputError(text("reach must be a number between 0 and 1, not %g", mended->reach));
    }
    key = key_of(mended->base);
    const auto base = bases_.get(key, [&] {
        return std::visit(
            [&](const auto& given) {
                return std::make_shared<const pictures::Base>(given, photo(), steps.flag());
            },
            mended->base);
    });
    append_key(key, &mended->reach, 1);
    marks.append_key(key);
    rendered(
        key, [&] { return mended_layer(marks, *base, mended->reach, steps); }, steps,
        [&](const Layer& layer) {
            const auto planes = base->preview(rendering.shape, steps.flag());
            color::compose(layer, planes->light(), rendering.part,
                           {rendering.saturation, planes->pairs()}, rendering.target,
                           photo().threads(), steps.flag());
        });
}

PhotoCanvas::Layer ScribbleCanvas::mended_layer(const Marks& marks, const pictures::Base& base,
                                                double reach, const Steps& steps) {
    const pictures::Size working = working_size();
    const auto under = base.reduced(working, steps.flag());
    const Difference difference{marks.mask.data(), marks.chroma.data(), under->chroma.data(),
                                working.rows * working.columns};
    std::vector<double> added;
    if (marks.any() && reach > 0.0) {
        std::string key;
        append_key(key, &reach, 1);
        const auto mending = mendings_.get(key, [&] {
            return std::make_shared<const Mending>(*system_->affinities(), parameters_, reach,
                                                   model().threads(), steps.flag());
        });
        added = mending->differences(difference, steps.flag());
    } else {
        added = at_marks(difference);
    }
    const std::vector<float> pairs = rounded(added);
    const auto slopes = photo().lost_detail() ? std::optional(color::Slopes{}) : std::nullopt;
    const Channels<const float> chroma{
        pairs.data(), working.rows, working.columns, 2 * working.columns, 2, 1};
    return Layer(chroma, under->light(), color::Space::luma, slopes);
}

void ScribbleCanvas::affinity(std::ptrdiff_t y, std::ptrdiff_t x, const Plane<float>& result,
                              const Steps& steps) {
    const pictures::Size whole = size(), working = working_size();
    if (y < 0 || x < 0 || y >= whole.rows || x >= whole.columns) {
        throw InputError(text("(%td, %td) is outside the picture of %tdx%td pixels", y, x,
                              whole.rows, whole.columns));
    }
    const auto features = features_.get(
        "", [&] { return std::make_shared<const Features>((*source_)(photo(), steps)); });
    const std::vector<float> small = propagation::affinity_map(features->view(), parameters_.sigma,
                                                               y * working.rows / whole.rows,
                                                               x * working.columns / whole.columns);
    for (std::ptrdiff_t row = 0; row < whole.rows; ++row) {
        throw_if_set(steps.flag());
        const float* from = small.data() + row * working.rows / whole.rows * working.columns;
        for (std::ptrdiff_t column = 0; column < whole.columns; ++column) {
            result.at(row, column) = from[column * working.columns / whole.columns];
        }
    }
}

std::size_t ScribbleCanvas::bytes_besides() const {
    const auto bytes = [](const auto& held) { return held.bytes(); };
    return system_->bytes() + bases_.sum(bytes) + mendings_.sum(bytes) +
           features_.sum(
               [](const Features& features) { return features.values.size() * sizeof(float); });
}

}  // namespace colordeploy::methods
