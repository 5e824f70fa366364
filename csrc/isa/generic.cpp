#define COLORDEPLOY_TARGET generic

#include "../clustering/distance_impl.hpp"
#include "../color/resample_impl.hpp"
#include "../color/rows_impl.hpp"
#include "../drawing/rows_impl.hpp"
