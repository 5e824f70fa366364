// SHA-256 (FIPS 180-4).
#pragma once

#include <cstddef>
#include <string>

namespace colordeploy::bundle {

// In 64 lower-case hexadecimal digits.
std::string sha256(const void* data, std::size_t bytes);

}  // namespace colordeploy::bundle
