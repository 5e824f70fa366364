// The kernels of one instruction set. The file that includes this defines COLORDEPLOY_KERNELS (the
// name of their namespace), COLORDEPLOY_KERNELS_NAME, COLORDEPLOY_VECTOR_BYTES (of a register) and,
// for double and for float, the tile of a product that is in registers: COLORDEPLOY_TILE_PARTS by
// COLORDEPLOY_TILE_COLUMNS, COLORDEPLOY_FLOAT_PARTS by COLORDEPLOY_FLOAT_COLUMNS.
#pragma once

#include "affinity.hpp"
#include "assembly.hpp"
#include "cells.hpp"
#include "panel.hpp"
#include "products.hpp"
#include "substitution.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {

template <typename T>
constexpr Kernels<T> solver_kernels() {
    return {gather<T>,        eliminate<T>,       invert<T>,       solve_rows<T>,
            update<T>,        extend_add<T>,      forward<T>,      backward<T>,
            Cells<T>::kLanes, eliminate_cells<T>, scatter_cell<T>, forward_cells<T>,
            backward_cells<T>};
}

extern const Table table;
const Table table = {COLORDEPLOY_KERNELS_NAME,
                     {gaussian, distances, paired_distances},
                     solver_kernels<double>(),
                     solver_kernels<float>()};

}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
