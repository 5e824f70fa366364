#include "status.hpp"

#include <cstdio>

namespace colordeploy::c {

namespace {

thread_local char last_message[2048] = "";  // it must not need memory to say that there is none

}  // namespace

cd_status failed(cd_status status, const char* message) noexcept {
    std::snprintf(last_message, sizeof(last_message), "%s", message);
    return status;
}

}  // namespace colordeploy::c

extern "C" const char* cd_last_error(void) { return colordeploy::c::last_message; }
