// Where the pixel features of the propagation system come from.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "../../pictures/photo.hpp"
#include "../../propagation/graph.hpp"
#include "../../runtime/graph.hpp"
#include "../steps.hpp"

namespace colordeploy::methods {

struct Features {
    std::vector<float> values;  // of a pixel side by side
    std::ptrdiff_t rows, columns, channels;
    double alpha;

    propagation::View3<const float> view() const {
        return {values.data(), rows, columns, channels, columns * channels, channels};
    }
};

class FeatureSource {
 public:
    virtual ~FeatureSource() = default;
    virtual Features operator()(const pictures::Photo& photo, const Steps& steps) const = 0;
};

// Levin et al. 2004: neighbours of like luma get like colours; the luma is the feature.
std::unique_ptr<const FeatureSource> luma_features();
// LGA-Net: features and alpha from the graph "affinity"; its input's sides are padded to multiples.
std::unique_ptr<const FeatureSource> graph_features(std::shared_ptr<const runtime::Graph> graph,
                                                    int multiple);

}  // namespace colordeploy::methods
