#define COLORDEPLOY_TARGET avx512

#include "../anchors/residues_impl.hpp"
#include "../clustering/distance_impl.hpp"
#include "../color/resample_impl.hpp"
#include "../color/resize_impl.hpp"
#include "../color/rows_impl.hpp"
#include "../drawing/rows_impl.hpp"
