// What is of the whole library: its version, cancelling, memory.
#include <algorithm>

#include "../color/compose.hpp"
#include "../color/lightness.hpp"
#include "../memory.hpp"
#include "../propagation/plans.hpp"
#include "handles.hpp"
#include "status.hpp"

using colordeploy::c::guarded;
using colordeploy::c::required;

extern "C" {

uint32_t cd_abi(void) { return CD_ABI; }

const char* cd_version(void) { return COLORDEPLOY_VERSION; }

cd_status cd_cancel_new(cd_cancel** cancel) {
    return guarded([&] { required(cancel, "cancel") = new cd_cancel; });
}

void cd_cancel_set(cd_cancel* cancel) {
    if (cancel == nullptr) return;
    guarded([&] { cancel->token.set(); });
}

int32_t cd_cancelled(const cd_cancel* cancel) {
    return cancel != nullptr && cancel->token.flag().is_set() ? 1 : 0;
}

void cd_cancel_free(cd_cancel* cancel) { delete cancel; }

size_t cd_trim(void) { return colordeploy::propagation::drop_plans() + colordeploy::store::trim(); }

void cd_set_idle_limit(size_t bytes) { colordeploy::store::set_idle_limit(bytes); }

void cd_lab_color(double lightness, double a, double b, uint8_t rgb[3]) {
    if (rgb == nullptr) return;
    const float light = static_cast<float>(lightness);
    const float pair[2] = {static_cast<float>(a), static_cast<float>(b)};
    guarded([&] { colordeploy::color::compose_lab(&light, pair, 1, rgb); });
}

void cd_color_lab(const uint8_t rgb[3], double lab[3]) {
    if (rgb == nullptr || lab == nullptr) return;
    guarded([&] {
        float given[3], found[3];
        std::transform(rgb, rgb + 3, given,
                       [](uint8_t one) { return static_cast<float>(one) / 255.0F; });
        colordeploy::color::lab_of(given, 1, 1, found);
        std::copy(found, found + 3, lab);
    });
}

}  // extern "C"
