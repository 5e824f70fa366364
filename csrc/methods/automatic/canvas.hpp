// A picture analyzed by DISCO: its anchors, and results for anchors.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "../../anchors/candidates.hpp"
#include "../photo_canvas.hpp"
#include "analysis.hpp"

namespace colordeploy::methods {

// A place of the picture whose colour decides that of all that is like it.
struct Anchor {
    struct Candidate {
        double a, b, probability;
    };
    double y, x, a, b;  // in pixels of the picture; CIE Lab chroma
    double lightness;
    std::vector<Candidate> candidates;  // the most probable first
};

class AutomaticCanvas : public PhotoCanvas {
 public:
    AutomaticCanvas(std::shared_ptr<const Model> model,
                    std::unique_ptr<const pictures::Photo> photo, const Interface& interface,
                    std::ptrdiff_t multiple, std::ptrdiff_t cell, const PrepareOptions& options,
                    const Steps& steps);

    // Those that were found, with the colours of a diverse result. Throws InputError for samples
    // that there are not.
    std::vector<Anchor> anchors(int sample) const;
    // With the colours that a picture of this size, in colour, has there; relocate: also placed by
    // the clusters of its colours. Throws InputError, Cancelled.
    std::vector<Anchor> anchors_from(const pictures::Image& picture, bool relocate,
                                     const Steps& steps) const;

    // wanted: nothing is automatic, by the sample.
    void render(const std::optional<std::vector<anchors::Anchor>>& wanted, int sample,
                const pictures::Rendering& rendering, const Steps& steps);

    const char* device() const override { return model().graph("generate").device(); }

 protected:
    std::size_t bytes_besides() const override { return analysis_->bytes(); }

 private:
    Anchor anchor_at(std::int64_t place, int sample) const;

    bool needs_anchors_;
    std::unique_ptr<const Analysis> analysis_;
    std::ptrdiff_t count_;
    std::uint64_t seed_;
    std::vector<std::int64_t> places_;
};

}  // namespace colordeploy::methods
