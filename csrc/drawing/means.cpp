#include "means.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "../share.hpp"
#include "bilinear.hpp"

namespace colordeploy::drawing {

namespace {

// Pictures are summed in so many parts, whatever the number of threads: sums depend on the order.
constexpr std::ptrdiff_t PARTS = 8;

struct Sum {
    std::array<double, 3> total{};
    std::int64_t pixels = 0;
};

// The runs of wanted labels in a row, added up.
void add_row(const Channels<const float>& colors, const Pair& down, const std::vector<Pair>& across,
             const Plane<const std::int32_t>& labels, std::ptrdiff_t y, const std::uint8_t* wanted,
             std::ptrdiff_t count, Sum* sums) {
    const std::ptrdiff_t columns = labels.columns;
    for (std::ptrdiff_t x = 0; x < columns;) {
        const std::int32_t label = labels.at(y, x);  // read once: others may write to it
        if (label < 0 || label >= count) throw std::out_of_range("label");
        std::ptrdiff_t end = x + 1;
        while (end < columns && labels.at(y, end) == label) ++end;
        if (wanted[label]) {
            Sum& sum = sums[label];
            sum.pixels += end - x;
            for (; x < end; ++x) {
                const Pair& pair = across[x];
                for (int c = 0; c < 3; ++c) {
                    const auto blended = [&](std::ptrdiff_t at) {
                        const float upper = colors.at(down.first, at, c);
                        return upper + down.share * (colors.at(down.second, at, c) - upper);
                    };
                    const float left = blended(pair.first);
                    sum.total[c] += left + pair.share * (blended(pair.second) - left);
                }
            }
        }
        x = end;
    }
}

}  // namespace

void region_means(const Channels<const float>& colors, const Plane<const std::int32_t>& labels,
                  const std::uint8_t* wanted, std::ptrdiff_t count, int threads, float* means,
                  std::int64_t* pixels) {
    const std::vector<Pair> down = pairs_of(colors.rows, labels.rows, 0, labels.rows),
                            across = pairs_of(colors.columns, labels.columns, 0, labels.columns);
    const std::ptrdiff_t part = (labels.rows + PARTS - 1) / PARTS;
    std::vector<Sum> sums(PARTS * count);
    const auto nothing = [] { return 0; };
    share(labels.rows, part, threads, nothing, [&](std::ptrdiff_t begin, std::ptrdiff_t end, int) {
        for (std::ptrdiff_t y = begin; y < end; ++y) {
            add_row(colors, down[y], across, labels, y, wanted, count,
                    sums.data() + begin / part * count);
        }
    });
    for (std::ptrdiff_t label = 0; label < count; ++label) {
        Sum all;
        for (std::ptrdiff_t k = 0; k < PARTS; ++k) {
            const Sum& some = sums[k * count + label];
            for (int c = 0; c < 3; ++c) all.total[c] += some.total[c];
            all.pixels += some.pixels;
        }
        pixels[label] = all.pixels;
        const auto divisor = static_cast<double>(std::max<std::int64_t>(all.pixels, 1));
        for (int c = 0; c < 3; ++c) {
            means[3 * label + c] = static_cast<float>(all.total[c] / divisor);
        }
    }
}

}  // namespace colordeploy::drawing
