// What a solution will take, before anything is planned.
#pragma once

#include <cstddef>

#include "graph.hpp"

namespace colordeploy::propagation {

// About so many bytes for lists, affinities, factor, updates and values of two channels, with the
// factor in single or in double precision: from the sizes of the dissection's rectangles alone.
double estimated_bytes(const Grid& grid, bool single);

}  // namespace colordeploy::propagation
