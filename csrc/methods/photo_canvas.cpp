#include "photo_canvas.hpp"

namespace colordeploy::methods {

std::size_t PhotoCanvas::bytes() const { return photo_->bytes() + layer_bytes() + bytes_besides(); }

void PhotoCanvas::colored(const std::string& key, const std::function<std::vector<float>()>& chroma,
                          const pictures::Rendering& rendering, const Steps& steps) {
    rendered(
        key, [&] { return photo_->layer(chroma()); }, steps,
        [&](const Layer& layer) { photo_->compose(layer, rendering, steps.flag()); });
}

}  // namespace colordeploy::methods
