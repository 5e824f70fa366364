// A look into an ONNX file: whether its weights lie in other files.
#pragma once

#include <stdexcept>
#include <string_view>

namespace colordeploy::bundle {

// The file is no ONNX model.
struct MalformedGraph : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Whether a tensor of a model is read from another file. Weights inside are passed over, not read.
// Throws MalformedGraph.
bool has_external_data(std::string_view content);

}  // namespace colordeploy::bundle
