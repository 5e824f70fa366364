// The models of the scribble methods.
#pragma once

#include <memory>

#include "../../bundle/bundle.hpp"
#include "../model.hpp"

namespace colordeploy::methods {

// Levin et al. 2004: no network.
std::shared_ptr<const Model> create_levin(const ModelOptions& options);
// LGA-Net from a bundle. Throws BundleError when the bundle does not describe one.
std::shared_ptr<const Model> create_lga(const bundle::Bundle& bundle,
                                        const runtime::GraphLoader& load,
                                        const ModelOptions& options);

}  // namespace colordeploy::methods
