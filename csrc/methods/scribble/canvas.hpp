// A picture prepared for strokes whose colours are propagated (levin, lga).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "../../pictures/base.hpp"
#include "../../propagation/picture_system.hpp"
#include "../guidance.hpp"
#include "../photo_canvas.hpp"
#include "features.hpp"
#include "mending.hpp"

namespace colordeploy::methods {

// A coloured picture that strokes mend, and how far they reach, 0 to 1.
struct Mended {
    std::variant<pictures::Image, Channels<const float>> base;  // a picture, or CIE a and b
    double reach;
};

class ScribbleCanvas : public PhotoCanvas {
 public:
    // parameters: sigma, phi, the step, and which edges there are.
    ScribbleCanvas(std::shared_ptr<const Model> model, std::unique_ptr<const pictures::Photo> photo,
                   std::shared_ptr<const FeatureSource> source,
                   const propagation::Parameters& parameters, const Steps& steps);

    // Throws InputError for strokes of another size or without a mark where there must be one,
    // SolverError, Cancelled.
    void render(const Strokes& strokes, const std::optional<Mended>& mended,
                const pictures::Rendering& rendering, const Steps& steps);

    // Affinity of a pixel of the picture with every other (Eq. 1), at the picture's size. Throws
    // InputError for a pixel outside.
    void affinity(std::ptrdiff_t y, std::ptrdiff_t x, const Plane<float>& result,
                  const Steps& steps);

    const char* device() const override { return "cpu"; }

 protected:
    std::size_t bytes_besides() const override;

 private:
    Layer mended_layer(const Marks& marks, const pictures::Base& base, double reach,
                       const Steps& steps);

    std::shared_ptr<const FeatureSource> source_;
    propagation::Parameters parameters_;  // of this picture: alpha is its own
    std::unique_ptr<propagation::PictureSystem> system_;
    Kept<Features> features_{1};  // computed again when affinities are first looked at
    Kept<pictures::Base> bases_{1};
    Kept<Mending> mendings_{1};
};

}  // namespace colordeploy::methods
