// What canvases share that render in two steps: a layer of colours for each guidance, and pixels.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "kept.hpp"
#include "model.hpp"

namespace colordeploy::methods {

template <typename LayerType, typename Base = Canvas>
class LayeredCanvas : public Base {
 protected:
    using Layer = LayerType;
    using Compose = std::function<void(const Layer&)>;

    using Base::Base;

    // The layer of this guidance, kept or new, and the wanted pixels of it. key: all that the layer
    // depends on.
    void rendered(const std::string& key, const std::function<Layer()>& layer, const Steps& steps,
                  const Compose& compose) {
        const Turns::Turn turn(this->model().turns(), steps);
        steps(0.0, "colours");
        const auto made = layers_.get(key, [&] { return std::make_shared<const Layer>(layer()); });
        steps(0.5, "pixels");
        compose(*made);
        steps(1.0, "done");
    }

    std::size_t layer_bytes() const {
        return layers_.sum([](const Layer& layer) { return layer.bytes(); });
    }

 private:
    Kept<Layer> layers_;
};

}  // namespace colordeploy::methods
