// What is wrong on purpose: every message says what was wrong, with what, and what to do about it.
#pragma once

#include <stdexcept>
#include <string>

namespace colordeploy {

// A picture, guidance or an argument cannot be used as given.
struct InputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
// A bundle is missing, damaged or of an unknown kind.
struct BundleError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
// A runtime, a device or a graph on it cannot be used.
struct BackendError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
// A system cannot be solved: it is singular or does not fit into memory.
struct SolverError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace colordeploy
