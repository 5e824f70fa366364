// The model of line art.
#pragma once

#include <memory>

#include "../../bundle/bundle.hpp"
#include "../model.hpp"

namespace colordeploy::methods {

// RASC from a bundle. Throws BundleError when the bundle does not describe one.
std::shared_ptr<const Model> create_rasc(const bundle::Bundle& bundle,
                                         const runtime::GraphLoader& load,
                                         const ModelOptions& options);

}  // namespace colordeploy::methods
