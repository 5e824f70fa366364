// A picture that colours are taken from, encoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../../runtime/graph.hpp"

namespace colordeploy::methods {

struct Reference {
    std::string model;         // identity of the bundle that encoded it
    std::uint64_t number;      // tells it from all others of this process
    runtime::Tensor features;  // (1, N, d): of each patch in reading order
    runtime::Tensor style;     // (1, n)
    // How much a patch stands for what the picture shows; -infinity for the padding's.
    std::vector<float> activation;
};

}  // namespace colordeploy::methods
