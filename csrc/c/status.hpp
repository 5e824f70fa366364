// Between C++'s exceptions and C's statuses.
#pragma once

#include <colordeploy.h>

#include <new>
#include <stdexcept>

#include "../cancel.hpp"
#include "../errors.hpp"

namespace colordeploy::c {

// Remembers what this thread's last error is, and returns its status.
cd_status failed(cd_status status, const char* message) noexcept;

// Runs a call; what it throws becomes a status. Nothing passes.
template <typename Call>
cd_status guarded(const Call& call) noexcept {
    try {
        call();
        return CD_OK;
    } catch (const Cancelled& error) {
        return failed(CD_CANCELLED, error.what());
    } catch (const InputError& error) {
        return failed(CD_INPUT, error.what());
    } catch (const BundleError& error) {
        return failed(CD_BUNDLE, error.what());
    } catch (const BackendError& error) {
        return failed(CD_BACKEND, error.what());
    } catch (const SolverError& error) {
        return failed(CD_SOLVER, error.what());
    } catch (const std::bad_alloc&) {
        return failed(CD_MEMORY,
                      "memory ran out; use a smaller picture or working size, or call cd_trim and "
                      "try again");
    } catch (const std::length_error&) {
        return failed(CD_MEMORY,
                      "more memory would be needed than there can be; use a smaller "
                      "picture or working size");
    } catch (const std::invalid_argument& error) {
        return failed(CD_INPUT, error.what());
    } catch (const std::exception& error) {
        return failed(CD_INTERNAL, error.what());
    } catch (...) {
        return failed(CD_INTERNAL, "something else than an exception was thrown");
    }
}

// Throws InputError for a null pointer.
inline void require(const void* pointer, const char* name) {
    if (pointer == nullptr) throw InputError(std::string(name) + " must not be NULL");
}

// What a pointer that must not be null leads to. Throws InputError.
template <typename T>
T& required(T* pointer, const char* name) {
    require(pointer, name);
    return *pointer;
}

}  // namespace colordeploy::c
