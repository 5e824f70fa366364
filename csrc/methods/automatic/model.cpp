#include "model.hpp"

#include "../methods.hpp"
#include "canvas.hpp"

namespace colordeploy::methods {

namespace {

class DiscoModel : public Model {
 public:
    DiscoModel(Description description, runtime::Graphs graphs, const ModelOptions& options,
               Interface interface, int multiple, int cell)
        : Model(std::move(description), std::move(graphs), options),
          interface_(std::move(interface)),
          multiple_(multiple),
          cell_(cell) {}

 protected:
    std::shared_ptr<Canvas> prepared(const pictures::Image& image, const PrepareOptions& options,
                                     const Steps& steps) const override {
        const pictures::Size working = pictures::working_shape(
            {image.rows, image.columns}, options.size, description().working_size, true);
        auto photo = std::make_unique<const pictures::Photo>(image, working, color::Space::lab,
                                                             threads(), steps.flag());
        return std::make_shared<AutomaticCanvas>(shared_from_this(), std::move(photo), interface_,
                                                 multiple_, cell_, options, steps);
    }

 private:
    Interface interface_;
    int multiple_, cell_;
};

}  // namespace

std::shared_ptr<const Model> create_disco(const bundle::Bundle& bundle,
                                          const runtime::GraphLoader& load,
                                          const ModelOptions& options) {
    const int cell = bundle.integer("cell", 1);
    const int multiple = bundle.has("multiple") ? bundle.integer("multiple", 1) : cell;
    Description description = described(bundle);
    const Interface interface = interface_of(bundle);
    runtime::Graphs graphs = open_graphs(bundle, load, interface.graphs());
    return std::make_shared<const DiscoModel>(std::move(description), std::move(graphs), options,
                                              interface, multiple, cell);
}

}  // namespace colordeploy::methods
