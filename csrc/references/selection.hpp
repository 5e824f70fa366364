// Which patches of a reference a picture may look at (SSCN, Sec. 3.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace colordeploy::references {

struct Selection {
    std::optional<std::int64_t> k, r;  // the most active ones, and random others
    std::uint64_t seed;
    // What a number that is not given stands for, or as many as there are.
    std::int64_t default_k, default_r;
};

// Indices of the most active patches, best first, and of others, ascending. Activations are finite,
// or -infinity for patches that do not count; nearly equal ones are told apart by their place. The
// others are the first of one seeded permutation of all patches that are not among the active ones:
// an activation whose last digit differs elsewhere exchanges a patch or two, never all. Throws
// InputError for more than there are, and for none.
std::vector<std::int64_t> selected(const float* activation, std::ptrdiff_t n,
                                   const Selection& selection);

}  // namespace colordeploy::references
