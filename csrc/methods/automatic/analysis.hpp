// What DISCO's first graph says of a picture: its places, their probable colours, anchors.
#pragma once

#include <cstdint>
#include <vector>

#include "../../anchors/hints.hpp"
#include "../../anchors/places.hpp"
#include "../../pictures/photo.hpp"
#include "../../runtime/graph.hpp"
#include "../steps.hpp"
#include "interface.hpp"

namespace colordeploy::methods {

class Analysis {
 public:
    // cell: side of a place's grid cell in working pixels. Throws BackendError, Cancelled.
    Analysis(const runtime::Graph& graph, pictures::NetworkInput gray, pictures::Size working,
             std::ptrdiff_t cell, const Interface& interface, const Steps& steps);

    const anchors::Grid& grid() const { return grid_; }
    std::ptrdiff_t places() const { return grid_.rows() * grid_.columns(); }
    // Of places, those of the padding included.
    std::ptrdiff_t rows() const { return rows_; }
    std::ptrdiff_t columns() const { return columns_; }
    std::size_t bytes() const;

    // A place's probability of the first colour bin; the others lie stride() apart.
    const float* probabilities(std::int64_t place) const;
    std::ptrdiff_t stride() const { return rows_ * columns_; }

    // Places of anchors, by the network's features or by means of values in each place.
    std::vector<std::int64_t> located(std::ptrdiff_t count, std::uint64_t seed) const;
    std::vector<std::int64_t> located(const std::vector<float>& means, std::ptrdiff_t channels,
                                      std::ptrdiff_t count, std::uint64_t seed) const;
    // Means of values of the working size in each place, channel after channel.
    std::vector<float> pooled(const Channels<const float>& values, std::ptrdiff_t channels) const;

    // The second graph's answer to anchors at the working size: pairs of a and b.
    std::vector<float> answer(const runtime::Graph& generator, const anchors::Hints& hints,
                              int threads, const Steps& steps) const;

 private:
    const runtime::Tensor& output(const std::string& name) const { return outputs_.at(name); }
    Plane<const float> sizes() const;

    pictures::NetworkInput gray_;
    Interface interface_;
    runtime::Outputs outputs_;
    anchors::Grid grid_;
    std::ptrdiff_t rows_, columns_;
};

}  // namespace colordeploy::methods
