// From a bundle's method to its model.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "../bundle/bundle.hpp"
#include "model.hpp"

namespace colordeploy::methods {

// The model of a bundle. Throws BundleError when the method is not known, or the bundle does not
// describe one of it.
std::shared_ptr<const Model> create(const bundle::Bundle& bundle, const runtime::GraphLoader& load,
                                    const ModelOptions& options);
// The model of a method that is known by its name alone and has no bundle; null for others.
std::shared_ptr<const Model> create_unbundled(const std::string& name, const ModelOptions& options);

// What methods' factories share: what a bundle says of itself (with its parameter working_size),
// and its graphs, which must lead from and to these names.
Description described(const bundle::Bundle& bundle);
runtime::Graphs open_graphs(const bundle::Bundle& bundle, const runtime::GraphLoader& load,
                            const std::map<std::string, bundle::Bundle::Sides>& wanted);

}  // namespace colordeploy::methods
