#include "bins.hpp"

#include <limits>

namespace colordeploy::anchors {

namespace {

constexpr int STEP = 10;

// For each a, the first and the last b.
struct Row {
    int a, first, last;
};
constexpr Row ROWS[] = {{-90, 50, 90},   {-80, 20, 90},   {-70, 0, 90},    {-60, -20, 90},
                        {-50, -30, 100}, {-40, -40, 100}, {-30, -50, 100}, {-20, -50, 100},
                        {-10, -60, 100}, {0, -70, 100},   {10, -80, 90},   {20, -80, 90},
                        {30, -90, 90},   {40, -100, 90},  {50, -100, 80},  {60, -110, 80},
                        {70, -110, 80},  {80, -110, 70},  {90, -110, 70},  {100, -90, 0}};

constexpr std::size_t count() {
    std::size_t n = 0;
    for (const Row& row : ROWS) n += static_cast<std::size_t>((row.last - row.first) / STEP + 1);
    return n;
}
static_assert(count() == BINS);

constexpr std::array<Bin, BINS> made() {
    std::array<Bin, BINS> result{};
    std::size_t n = 0;
    for (const Row& row : ROWS) {
        for (int b = row.first; b <= row.last; b += STEP) result[n++] = {row.a, b};
    }
    return result;
}

}  // namespace

const std::array<Bin, BINS>& bins() {
    static constexpr std::array<Bin, BINS> all = made();
    return all;
}

std::size_t nearest_bin(double a, double b) {
    double least = std::numeric_limits<double>::infinity();
    std::size_t nearest = 0;
    for (std::size_t i = 0; i < BINS; ++i) {
        const double da = a - bins()[i].a, db = b - bins()[i].b;
        const double distance = da * da + db * db;
        if (distance < least) {
            least = distance;
            nearest = i;
        }
    }
    return nearest;
}

}  // namespace colordeploy::anchors
