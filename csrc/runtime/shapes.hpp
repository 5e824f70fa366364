// Whether a graph's outputs are what they must be, before anybody looks into them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "../errors.hpp"
#include "../text.hpp"
#include "graph.hpp"

namespace colordeploy::runtime {

// An output of floats with these sides; -1 is any side of at least 1. Throws BackendError.
inline const Tensor& floats_of(const Outputs& outputs, const std::string& graph,
                               const std::string& name, std::initializer_list<std::int64_t> sides) {
    const Tensor& tensor = outputs.at(name);
    bool right = tensor.type == Type::float32 && tensor.shape.size() == sides.size();
    std::size_t axis = 0;
    for (const std::int64_t side : sides) {
        right = right && tensor.shape[axis] >= 1 && (side < 0 || tensor.shape[axis] == side);
        ++axis;
    }
    if (right) return tensor;
    std::string shape;
    for (const std::int64_t side : tensor.shape)
        shape += text(" %lld", static_cast<long long>(side));
    throw BackendError("graph '" + graph + "' gave '" + name + "' of the shape (" + shape +
                       " ), which is none that this method knows; export the bundle again");
}

}  // namespace colordeploy::runtime
