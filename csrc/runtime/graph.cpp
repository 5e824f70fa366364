#include "graph.hpp"

#include <cmath>
#include <new>

#include "../errors.hpp"

namespace colordeploy::runtime {

namespace {

void require_finite(const Tensor& tensor, const std::string& graph, const std::string& output) {
    if (tensor.type != Type::float32) return;
    const float* values = tensor.floats();
    const std::size_t count = tensor.count();
    bool finite = true;
    for (std::size_t i = 0; i < count; ++i) finite &= std::isfinite(values[i]);
    if (finite) return;
    throw BackendError("graph '" + graph + "' computed NaN or infinite values in its output '" +
                       output + "'; give finite inputs, or use another runtime");
}

}  // namespace

std::size_t size_of(Type type) {
    switch (type) {
        case Type::float32:
            return 4;
        case Type::int64:
            return 8;
        default:
            return 1;
    }
}

std::size_t TensorView::count() const {
    std::size_t product = 1;
    for (const std::int64_t side : shape) product *= static_cast<std::size_t>(side);
    return product;
}

Outputs Graph::run(const Inputs& inputs, const CancelToken* cancel) const {
    throw_if_set(flag_of(cancel));
    Outputs found;
    try {
        found = compute(inputs, cancel);
    } catch (...) {
        throw_if_set(flag_of(cancel));  // whatever a runtime says of being stopped
        throw;
    }
    throw_if_set(flag_of(cancel));
    for (const std::string& output : outputs_) {
        const auto tensor = found.find(output);
        if (tensor == found.end()) {
            throw BackendError("graph '" + name_ + "' gave no output '" + output + "'");
        }
        require_finite(tensor->second, name_, output);
    }
    return found;
}

}  // namespace colordeploy::runtime
