#include "canvas.hpp"

#include "../../random/normal.hpp"

namespace colordeploy::methods {

StyleCode LineArtCanvas::random_style(std::uint64_t seed) const {
    return random::normal(seed, style().size());
}

}  // namespace colordeploy::methods
