// Compiled for aarch64, every processor of which has these registers.
#define COLORDEPLOY_KERNELS neon
#define COLORDEPLOY_KERNELS_NAME "neon"
#define COLORDEPLOY_VECTOR_BYTES 16
#define COLORDEPLOY_TILE_PARTS 4
#define COLORDEPLOY_TILE_COLUMNS 4
#define COLORDEPLOY_FLOAT_PARTS 4
#define COLORDEPLOY_FLOAT_COLUMNS 4
#include "table.hpp"
