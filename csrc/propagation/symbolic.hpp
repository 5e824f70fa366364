// Rows and edges of every front, from the order alone.
#pragma once

#include "../cancel.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

// Fills what dissect (dissection.hpp) has left of the plan's lists.
void find_boundaries(Plan& plan, const CancelFlag* cancel);

}  // namespace colordeploy::propagation
