#include "model.hpp"

#include "../../errors.hpp"
#include "../methods.hpp"
#include "strip_canvas.hpp"

namespace colordeploy::methods {

namespace {

class LineArtModel : public Model {
 public:
    LineArtModel(Description description, runtime::Graphs graphs, const ModelOptions& options,
                 const RegionNetwork& network)
        : Model(std::move(description), std::move(graphs), options), network_(network) {}

 protected:
    std::shared_ptr<Canvas> prepared(const pictures::Image& image, const PrepareOptions& options,
                                     const Steps& steps) const override {
        Pages pages = pages_in(image, threads(), steps.flag());
        if (pages.size() == 1) return drawn(image, options, steps);
        // The canvas holds the model.
        const auto prepare = [this, options](const pictures::Image& page, const Steps& own) {
            return drawn(page, options, own);
        };
        return std::make_shared<StripCanvas>(shared_from_this(), image, std::move(pages), prepare,
                                             steps);
    }

 private:
    std::shared_ptr<DrawingCanvas> drawn(const pictures::Image& image,
                                         const PrepareOptions& options, const Steps& steps) const {
        auto drawing = std::make_unique<const Drawing>(image, options, *this, steps.flag());
        return std::make_shared<DrawingCanvas>(shared_from_this(), std::move(drawing), network_,
                                               steps);
    }

    RegionNetwork network_;
};

}  // namespace

std::shared_ptr<const Model> create_rasc(const bundle::Bundle& bundle,
                                         const runtime::GraphLoader& load,
                                         const ModelOptions& options) {
    if (bundle.manifest().graphs.count("decode") > 0) {
        throw BundleError(bundle.path() +
                          " holds the paper's own network, which paints a picture first: the "
                          "Python package computes it; this library needs a bundle with the graphs "
                          "'encode', 'describe' and 'paint', such as the one it comes with");
    }
    Description description = described(bundle);
    const RegionNetwork network{bundle.integer("multiple", 1), bundle.integer("maximum_side", 1)};
    const std::set<std::string> features{"features4", "features8", "features16", "features32"};
    std::set<std::string> told = features;
    told.insert({"shares", "geometry", "borders"});
    runtime::Graphs graphs = open_graphs(
        bundle, load,
        {{"encode", {{"line"}, features}},
         {"describe", {told, {"tokens", "whole", "style"}}},
         {"paint",
          {{"tokens", "whole", "predicted", "geometry", "borders", "style", "hints", "known"},
           {"colors"}}}});
    return std::make_shared<const LineArtModel>(std::move(description), std::move(graphs), options,
                                                network);
}

}  // namespace colordeploy::methods
