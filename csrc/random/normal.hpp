// Normally distributed numbers of a seed: those of NumPy's default_rng(seed).standard_normal(n).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colordeploy::random {

// seed: the number's 32-bit words, the lowest first, without zeros at the end; 0 is one word.
std::vector<float> normal(const std::vector<std::uint32_t>& seed, std::size_t n);
std::vector<float> normal(std::uint64_t seed, std::size_t n);

}  // namespace colordeploy::random
