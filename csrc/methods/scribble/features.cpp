#include "features.hpp"

#include <cmath>

#include "../../runtime/shapes.hpp"

namespace colordeploy::methods {

namespace {

constexpr double LEVIN_ALPHA = 1e-3;  // scribbles are all but hard constraints, as in the paper

class LumaFeatures : public FeatureSource {
 public:
    Features operator()(const pictures::Photo& photo, const Steps&) const override {
        const Plane<const float> luma = photo.working();
        return {std::vector<float>(luma.data, luma.data + luma.rows * luma.columns), luma.rows,
                luma.columns, 1, LEVIN_ALPHA};
    }
};

class GraphFeatures : public FeatureSource {
 public:
    GraphFeatures(std::shared_ptr<const runtime::Graph> graph, int multiple)
        : graph_(std::move(graph)), multiple_(multiple) {}

    Features operator()(const pictures::Photo& photo, const Steps& steps) const override {
        const pictures::NetworkInput luma = photo.network_input(multiple_);
        const runtime::Outputs found = graph_->run({{"luma",
                                                     {luma.values.data(),
                                                      runtime::Type::float32,
                                                      {1, 1, luma.size.rows, luma.size.columns}}}},
                                                   steps.token());
        const runtime::Tensor& planes = runtime::floats_of(
            found, graph_->name(), "features", {1, -1, luma.size.rows, luma.size.columns});
        const runtime::Tensor& logarithm =
            runtime::floats_of(found, graph_->name(), "log_alpha", {-1});
        const pictures::Size size = photo.working_size();
        Features features{{},
                          size.rows,
                          size.columns,
                          planes.side(1),
                          std::exp(static_cast<double>(logarithm.floats()[0]))};
        features.values.resize(
            static_cast<std::size_t>(size.rows * size.columns * features.channels));
        float* to = features.values.data();
        for (std::ptrdiff_t y = 0; y < size.rows; ++y) {
            for (std::ptrdiff_t x = 0; x < size.columns; ++x) {
                const float* from = planes.floats() + y * luma.size.columns + x;
                for (std::ptrdiff_t c = 0; c < features.channels; ++c) {
                    *to++ = from[c * luma.size.rows * luma.size.columns];
                }
            }
        }
        return features;
    }

 private:
    std::shared_ptr<const runtime::Graph> graph_;
    int multiple_;
};

}  // namespace

std::unique_ptr<const FeatureSource> luma_features() { return std::make_unique<LumaFeatures>(); }

std::unique_ptr<const FeatureSource> graph_features(std::shared_ptr<const runtime::Graph> graph,
                                                    int multiple) {
    return std::make_unique<GraphFeatures>(std::move(graph), multiple);
}

}  // namespace colordeploy::methods
