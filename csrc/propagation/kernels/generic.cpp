// Compiled for the oldest processor the library runs on: SSE2 on x86-64.
#define COLORDEPLOY_KERNELS generic
#define COLORDEPLOY_KERNELS_NAME "generic"
#define COLORDEPLOY_VECTOR_BYTES 16
#define COLORDEPLOY_TILE_PARTS 4
#define COLORDEPLOY_TILE_COLUMNS 2
#define COLORDEPLOY_FLOAT_PARTS 2
#define COLORDEPLOY_FLOAT_COLUMNS 4
#include "table.hpp"
