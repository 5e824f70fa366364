// The model of colour from an example (SSCN).
#pragma once

#include <memory>
#include <string>

#include "../../bundle/bundle.hpp"
#include "../model.hpp"
#include "reference.hpp"

namespace colordeploy::methods {

class ExemplarModel : public Model {
 public:
    struct Numbers {
        int multiple;  // of the sides that the networks see
        int k, r;      // patches of a reference that a picture looks at by default
        int patch;     // pixels of a patch's side at the working size
    };

    ExemplarModel(Description description, runtime::Graphs graphs, const ModelOptions& options,
                  const Numbers& numbers, std::string identity)
        : Model(std::move(description), std::move(graphs), options),
          numbers_(numbers),
          identity_(std::move(identity)) {}

    const Numbers& numbers() const { return numbers_; }

    // Throws InputError for pictures without colour or smaller than eight pixels, BackendError,
    // Cancelled.
    std::shared_ptr<const Reference> encode(const pictures::Image& image,
                                            const pictures::WorkingSize& size,
                                            const Steps& steps) const;
    // Throws InputError for a reference of another model.
    void require_own(const Reference& reference) const;

 protected:
    std::shared_ptr<Canvas> prepared(const pictures::Image& image, const PrepareOptions& options,
                                     const Steps& steps) const override;

 private:
    Numbers numbers_;
    std::string identity_;
};

// SSCN from a bundle. Throws BundleError when the bundle does not describe one.
std::shared_ptr<const Model> create_sscn(const bundle::Bundle& bundle,
                                         const runtime::GraphLoader& load,
                                         const ModelOptions& options);

}  // namespace colordeploy::methods
