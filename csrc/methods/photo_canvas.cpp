#include "photo_canvas.hpp"

namespace colordeploy::methods {

std::size_t PhotoCanvas::bytes() const {
    return photo_->bytes() + layers_.sum([](const Layer& layer) { return layer.bytes(); }) +
           bytes_besides();
}

void PhotoCanvas::rendered(const std::string& key, const std::function<Layer()>& layer,
                           const Steps& steps, const Compose& compose) {
    const Turns::Turn turn(model().turns(), steps);
    steps(0.0, "colours");
    const auto made = layers_.get(key, [&] { return std::make_shared<const Layer>(layer()); });
    steps(0.5, "pixels");
    compose(*made);
    steps(1.0, "done");
}

void PhotoCanvas::colored(const std::string& key, const std::function<std::vector<float>()>& chroma,
                          const pictures::Rendering& rendering, const Steps& steps) {
    rendered(
        key, [&] { return photo_->layer(chroma()); }, steps,
        [&](const Layer& layer) { photo_->compose(layer, rendering, steps.flag()); });
}

}  // namespace colordeploy::methods
