// Compiled for the oldest processor the library runs on.
#define COLORDEPLOY_KERNELS generic
#define COLORDEPLOY_KERNELS_NAME "generic"
#define COLORDEPLOY_TILE_BLOCKS 1
#define COLORDEPLOY_TILE_COLUMNS 2
#define COLORDEPLOY_ROW_BLOCKS 1
#include "kernels_impl.hpp"
