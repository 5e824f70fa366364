// What the interface's handles are.
#pragma once

#include <colordeploy.h>

#include <map>
#include <memory>
#include <string>

#include "../methods/exemplar/reference.hpp"
#include "../methods/model.hpp"
#include "../propagation/picture_system.hpp"
#include "../token.hpp"

struct cd_cancel {
    colordeploy::CancelToken token;
};

struct cd_model {
    std::shared_ptr<const colordeploy::methods::Model> model;
};

struct cd_canvas {
    std::shared_ptr<colordeploy::methods::Canvas> canvas;
};

struct cd_outputs {
    colordeploy::runtime::Outputs tensors;
};

struct cd_reference {
    std::shared_ptr<const colordeploy::methods::Reference> reference;
};

struct cd_system {
    std::unique_ptr<colordeploy::propagation::PictureSystem> system;
};

namespace colordeploy::c {

inline const CancelToken* token_of(const cd_cancel* cancel) {
    return cancel == nullptr ? nullptr : &cancel->token;
}

}  // namespace colordeploy::c
