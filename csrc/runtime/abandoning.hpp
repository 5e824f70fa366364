// Work that its caller can leave behind when it is cancelled.
#pragma once

#include <functional>

#include "../token.hpp"

namespace colordeploy::runtime {

// Does work that cannot be stopped at once, such as a kernel of somebody else's: in a thread of its
// own, which the caller leaves behind when the token is set; without a token it is done here. The
// work owns all that it looks at, touches nothing of its caller's, the token neither, and ends soon
// once the caller is gone. The process ends after it.
// Throws Cancelled, and what the work throws.
void abandonable(std::function<void()> work, const CancelToken* token);

}  // namespace colordeploy::runtime
