#include "resize.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "../isa/isa.hpp"
#include "../share.hpp"
#include "resample.hpp"

namespace colordeploy::color {

COLORDEPLOY_DECLARE_TABLES(ResizeTable, resize_table)

namespace {

constexpr double LONGEST = 8.0;   // aspect ratio
constexpr double ENLARGED = 4.0;  // times at most

template <typename T>
float value_of(T sample) {
    if constexpr (std::is_floating_point_v<T>) {
        return sample;
    } else {
        return static_cast<float>(sample) / 255.0F;
    }
}

// Rows of the source, at the new width.
template <typename T>
std::vector<float> narrowed(const Plane<const T>& source, std::ptrdiff_t columns, int threads,
                            const CancelFlag* cancel) {
    const ResizeTable& table = COLORDEPLOY_CHOOSE_TABLE(resize_table);
    const Taps<double> taps(source.columns, columns, 0, columns);
    std::vector<float> result(source.rows * columns);
    share(
        source.rows, RESIZED_ROWS, threads,
        [&] { return std::vector<float>(source.columns * RESIZED_ROWS); },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, std::vector<float>& block) {
            throw_if_set(cancel);
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                for (std::ptrdiff_t x = 0; x < source.columns; ++x) {
                    block[x * RESIZED_ROWS + y - begin] = value_of(source.at(y, x));
                }
            }
            float sums[RESIZED_ROWS];
            for (std::ptrdiff_t x = 0; x < columns; ++x) {
                const auto& output = taps[x];
                table.across(block.data() + output.first * RESIZED_ROWS, taps.weights(output),
                             output.count, sums);
                for (std::ptrdiff_t y = begin; y < end; ++y) {
                    result[y * columns + x] = sums[y - begin];
                }
            }
        });
    return result;
}

void lowered(const std::vector<float>& source, std::ptrdiff_t rows, const Plane<float>& result,
             int threads, const CancelFlag* cancel) {
    const ResizeTable& table = COLORDEPLOY_CHOOSE_TABLE(resize_table);
    const Taps<double> taps(rows, result.rows, 0, result.rows);
    share(
        result.rows, ROWS, threads, [&] { return std::vector<double>(result.columns); },
        [&](std::ptrdiff_t begin, std::ptrdiff_t end, std::vector<double>& sums) {
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                throw_if_set(cancel);
                std::fill(sums.begin(), sums.end(), 0.0);
                const auto& output = taps[y];
                for (std::ptrdiff_t k = 0; k < output.count; ++k) {
                    table.add(source.data() + (output.first + k) * result.columns,
                              taps.weights(output)[k], result.columns, sums.data());
                }
                for (std::ptrdiff_t x = 0; x < result.columns; ++x) {
                    result.at(y, x) = static_cast<float>(sums[x]);
                }
            }
        });
}

}  // namespace

template <typename T>
void resize(const Plane<const T>& source, const Plane<float>& result, int threads,
            const CancelFlag* cancel) {
    if (source.rows < 1 || source.columns < 1 || result.rows < 1 || result.columns < 1) {
        throw std::invalid_argument("planes must not be empty");
    }
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    if (source.rows == result.rows && source.columns == result.columns) {
        for (std::ptrdiff_t y = 0; y < result.rows; ++y) {
            for (std::ptrdiff_t x = 0; x < result.columns; ++x) {
                result.at(y, x) = value_of(source.at(y, x));
            }
        }
        return;
    }
    lowered(narrowed(source, result.columns, threads, cancel), source.rows, result, threads,
            cancel);
}

template void resize<float>(const Plane<const float>&, const Plane<float>&, int, const CancelFlag*);
template void resize<std::uint8_t>(const Plane<const std::uint8_t>&, const Plane<float>&, int,
                                   const CancelFlag*);

Size working_size(Size picture, std::ptrdiff_t short_side, Fitting fitting) {
    const auto wanted = static_cast<double>(short_side);
    const auto rows = static_cast<double>(picture.rows),
               columns = static_cast<double>(picture.columns);
    double scale = wanted / std::min(rows, columns);
    if (!fitting.enlarged || scale > ENLARGED) scale = std::min(scale, 1.0);
    if (fitting.bounded) scale = std::min(scale, wanted * std::sqrt(LONGEST / (rows * columns)));
    const auto side = [&](double full) {
        return std::max<std::ptrdiff_t>(1, std::lrint(full * scale));
    };
    return {side(rows), side(columns)};
}

}  // namespace colordeploy::color
