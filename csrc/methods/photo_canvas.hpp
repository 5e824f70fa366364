// What the canvases of photo methods share: a photo, and layers of chroma on it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layered_canvas.hpp"

namespace colordeploy::methods {

class PhotoCanvas : public LayeredCanvas<pictures::ChromaLayer> {
 public:
    PhotoCanvas(std::shared_ptr<const Model> model, std::unique_ptr<const pictures::Photo> photo)
        : LayeredCanvas(std::move(model)), photo_(std::move(photo)) {}

    pictures::Size size() const override { return photo_->size(); }
    pictures::Size working_size() const override { return photo_->working_size(); }
    std::size_t bytes() const override;

 protected:
    const pictures::Photo& photo() const { return *photo_; }
    virtual std::size_t bytes_besides() const = 0;

    // What `rendered` does with pairs of chroma at the working size, on the photo's own lightness.
    void colored(const std::string& key, const std::function<std::vector<float>()>& chroma,
                 const pictures::Rendering& rendering, const Steps& steps);

 private:
    std::unique_ptr<const pictures::Photo> photo_;
};

}  // namespace colordeploy::methods
