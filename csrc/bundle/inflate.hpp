// Unpacking deflated data (RFC 1951).
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace colordeploy::bundle {

struct InflateError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What must become exactly `bytes`; throws InflateError for everything else.
std::string inflate(std::string_view packed, std::size_t bytes);

}  // namespace colordeploy::bundle
