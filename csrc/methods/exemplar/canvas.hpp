// A picture prepared to be coloured by any reference (sscn).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "../photo_canvas.hpp"
#include "model.hpp"

namespace colordeploy::methods {

// Which patches of a reference a picture may look at; nothing: the model's numbers.
struct Patches {
    std::optional<std::int64_t> k, r;  // the most active ones, and random others
    std::uint64_t seed;
};

class ExemplarCanvas : public PhotoCanvas {
 public:
    ExemplarCanvas(std::shared_ptr<const ExemplarModel> model,
                   std::unique_ptr<const pictures::Photo> photo);

    // coarse: the first stage alone. Throws InputError, BackendError, Cancelled.
    void render(const Reference& reference, const Patches& patches, bool coarse,
                const pictures::Rendering& rendering, const Steps& steps);

    const char* device() const override { return own_model().graph("colorize").device(); }

 protected:
    std::size_t bytes_besides() const override { return gray_.values.size() * sizeof(float); }

 private:
    const ExemplarModel& own_model() const { return static_cast<const ExemplarModel&>(model()); }
    std::vector<float> chroma(const Reference& reference, const std::vector<std::int64_t>& selected,
                              bool coarse, const Steps& steps) const;

    pictures::NetworkInput gray_;
};

}  // namespace colordeploy::methods
