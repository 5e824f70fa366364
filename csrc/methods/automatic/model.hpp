// DISCO's model.
#pragma once

#include <memory>

#include "../../bundle/bundle.hpp"
#include "../model.hpp"

namespace colordeploy::methods {

// Throws BundleError when the bundle does not describe one.
std::shared_ptr<const Model> create_disco(const bundle::Bundle& bundle,
                                          const runtime::GraphLoader& load,
                                          const ModelOptions& options);

}  // namespace colordeploy::methods
