#include "model.hpp"

#include "../methods.hpp"
#include "canvas.hpp"
#include "features.hpp"

namespace colordeploy::methods {

namespace {

class ScribbleModel : public Model {
 public:
    ScribbleModel(Description description, const runtime::Graphs& graphs,
                  const ModelOptions& options, std::shared_ptr<const FeatureSource> source,
                  const propagation::Parameters& parameters)
        : Model(std::move(description), graphs, options),
          network_(!graphs.empty()),
          source_(std::move(source)),
          parameters_(parameters) {}

 protected:
    std::shared_ptr<Canvas> prepared(const pictures::Image& image, const PrepareOptions& options,
                                     const Steps& steps) const override {
        const pictures::Size working = pictures::working_shape(
            {image.rows, image.columns}, options.size, description().working_size, network_);
        auto photo = std::make_unique<const pictures::Photo>(image, working, color::Space::luma,
                                                             threads(), steps.flag());
        return std::make_shared<ScribbleCanvas>(shared_from_this(), std::move(photo), source_,
                                                parameters_, steps);
    }

 private:
    bool network_;
    std::shared_ptr<const FeatureSource> source_;
    propagation::Parameters parameters_;
};

}  // namespace

std::shared_ptr<const Model> create_levin(const ModelOptions& options) {
    propagation::Parameters parameters;
    parameters.sigma = 0.02;
    parameters.global_step = 0;
    return std::make_shared<const ScribbleModel>(
        Description{"levin", "levin", "", "Apache-2.0", "nothing: it has no network", 256},
        runtime::Graphs{}, options, luma_features(), parameters);
}

std::shared_ptr<const Model> create_lga(const bundle::Bundle& bundle,
                                        const runtime::GraphLoader& load,
                                        const ModelOptions& options) {
    propagation::Parameters parameters;
    parameters.sigma = bundle.number("sigma", 0.0);
    parameters.phi = bundle.number("phi", -1.0);
    parameters.global_step = bundle.integer("global_step", 0);
    parameters.local_edges = bundle.boolean("local_edges");
    Description description = described(bundle);
    const int multiple = bundle.integer("multiple", 1);
    const runtime::Graphs graphs =
        open_graphs(bundle, load, {{"affinity", {{"luma"}, {"features", "log_alpha"}}}});
    return std::make_shared<const ScribbleModel>(std::move(description), graphs, options,
                                                 graph_features(graphs.at("affinity"), multiple),
                                                 parameters);
}

}  // namespace colordeploy::methods
