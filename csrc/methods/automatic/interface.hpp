// What a bundle's two graphs hand on: the official network's superpixels, or plain cells.
#pragma once

#include <map>
#include <set>
#include <string>

#include "../../bundle/bundle.hpp"

namespace colordeploy::methods {

struct Interface {
    std::set<std::string> handed;  // outputs of the first graph that are inputs of the second
    std::set<std::string> shown;   // those that only we look at
    std::string features;          // the output that anchors are located on, (1, C, rows, columns)
    bool gray;                     // whether the second graph sees the picture again
    // How far each pixel belongs to which superpixel, (1, 9, h', w'), and how large each superpixel
    // is; empty: places are the cells of a grid, all alike.
    std::string association, sizes;
    bool needs_anchors;  // whether there is no answer without any

    std::map<std::string, bundle::Bundle::Sides> graphs() const;
};

// The interface whose first graph the bundle's is most like.
Interface interface_of(const bundle::Bundle& bundle);

}  // namespace colordeploy::methods
