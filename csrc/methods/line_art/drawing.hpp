// Line art: its ink and its regions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../../drawing/layer.hpp"
#include "../model.hpp"

namespace colordeploy::methods {

// Lines on paper of any tone, however the light falls on it; and the regions between them.
class Drawing {
 public:
    // Throws InputError where no line stands out from the ground, and for radii out of range;
    // Cancelled.
    Drawing(const pictures::Image& image, const PrepareOptions& options, const Model& model,
            const CancelFlag* cancel);

    pictures::Size size() const { return size_; }
    pictures::Size working_size() const { return working_size_; }
    const drawing::LineLayer& lines() const { return lines_; }  // what over white is the drawing
    Plane<const float> working_luma() const {
        return pictures::Photo::plane(working_luma_, working_size_);
    }

    // Labels 0 to count - 1: 0 on lines; and with the lines given to near ones.
    std::ptrdiff_t count() const { return count_; }
    const std::vector<std::int32_t>& labels() const { return labels_; }
    const std::vector<std::int32_t>& covered() const { return covered_; }
    const std::vector<std::int64_t>& areas() const { return areas_; }  // pixels of each label
    Plane<const std::int32_t> plane(const std::vector<std::int32_t>& labels) const {
        return {labels.data(), size_.rows, size_.columns, size_.columns, 1};
    }
    // Such labels at another size.
    std::vector<std::int32_t> reduced(const std::vector<std::int32_t>& labels,
                                      pictures::Size size) const;

    std::size_t bytes() const;

 private:
    std::vector<std::uint8_t> separate(const pictures::Image& image, const Model& model,
                                       const CancelFlag* cancel);
    void find_regions(const std::vector<std::uint8_t>& line, const std::vector<int>& radii,
                      const Model& model);

    pictures::Size size_, working_size_;
    drawing::LineLayer lines_{};
    std::vector<float> luma_, working_luma_;
    std::ptrdiff_t count_ = 0;
    std::vector<std::int32_t> labels_, covered_;
    std::vector<std::int64_t> areas_;
};

}  // namespace colordeploy::methods
