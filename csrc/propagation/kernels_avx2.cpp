// Compiled with AVX2 and FMA.
#define COLORDEPLOY_KERNELS avx2
#define COLORDEPLOY_KERNELS_NAME "avx2"
#define COLORDEPLOY_TILE_BLOCKS 1
#define COLORDEPLOY_TILE_COLUMNS 4
#define COLORDEPLOY_ROW_BLOCKS 1
#include "kernels_impl.hpp"
