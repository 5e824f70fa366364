#include "resample.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <type_traits>

#include "../isa/isa.hpp"
#include "../share.hpp"

namespace colordeploy::color {

COLORDEPLOY_DECLARE_TABLES(ResampleTable, resample_table)

namespace {

constexpr double SUPPORT = 2.0;
constexpr std::ptrdiff_t LANES = 16;  // products that `dot` takes at a time

double bicubic(double x) {
    constexpr double a = -0.5;
    x = std::abs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

template <typename T>
T rounded(float value) {
    if constexpr (std::is_floating_point_v<T>) {
        return value;
    } else {
        const float some = value > 0.0F ? value : 0.0F;  // NaN: 0
        return static_cast<T>((some < 255.0F ? some : 255.0F) + 0.5F);
    }
}

}  // namespace

template <typename Weight>
Taps<Weight>::Taps(std::ptrdiff_t small, std::ptrdiff_t full, std::ptrdiff_t begin,
                   std::ptrdiff_t end)
    : begin_(begin) {
    outputs_.reserve(end - begin);
    const double scale = static_cast<double>(small) / static_cast<double>(full);
    const double stretch = std::max(scale, 1.0);  // of the filter, when the picture shrinks
    std::vector<double> weight;
    for (std::ptrdiff_t i = begin; i < end; ++i) {
        const double middle = (static_cast<double>(i) + 0.5) * scale;
        const auto place = [](double x) { return static_cast<std::ptrdiff_t>(std::floor(x)); };
        std::ptrdiff_t first = std::max<std::ptrdiff_t>(place(middle - SUPPORT * stretch + 0.5), 0);
        const std::ptrdiff_t last = std::min(place(middle + SUPPORT * stretch + 0.5), small);
        weight.clear();
        double total = 0.0;
        for (std::ptrdiff_t at = first; at < last; ++at) {
            weight.push_back(bicubic((static_cast<double>(at) - middle + 0.5) * (1.0 / stretch)));
            total += weight.back();
        }
        while (weight.back() == 0.0) weight.pop_back();
        std::size_t skipped = 0;
        while (weight[skipped] == 0.0) ++skipped;
        const auto count = static_cast<std::ptrdiff_t>(weight.size() - skipped);
        outputs_.push_back({first + static_cast<std::ptrdiff_t>(skipped), count,
                            static_cast<std::ptrdiff_t>(weights_.size())});
        for (std::size_t k = skipped; k < weight.size(); ++k) {
            weights_.push_back(static_cast<Weight>(weight[k] / total));
        }
    }
}

template class Taps<float>;
template class Taps<double>;

template <typename T>
void resample(const Plane<const T>& source, const Plane<T>& result, int threads,
              const CancelFlag* cancel) {
    if (source.rows < 1 || source.columns < 1 || result.rows < 1 || result.columns < 1) {
        throw std::invalid_argument("planes must not be empty");
    }
    if (threads < 1) throw std::invalid_argument("threads must be at least 1");
    const ResampleTable& table = COLORDEPLOY_CHOOSE_TABLE(resample_table);
    const Taps<float> down(source.rows, result.rows, 0, result.rows),
        across(source.columns, result.columns, 0, result.columns);
    // Weights filled up with zeros, so that products come in whole vectors.
    std::ptrdiff_t most = 0;
    for (std::ptrdiff_t x = 0; x < result.columns; ++x) most = std::max(most, across[x].count);
    most = (most + LANES - 1) / LANES * LANES;
    std::vector<float> weights(result.columns * most, 0.0F);
    for (std::ptrdiff_t x = 0; x < result.columns; ++x) {
        std::copy_n(across.weights(across[x]), across[x].count, weights.data() + x * most);
    }
    struct Space {
        std::vector<float> sums;
        std::vector<T> row;
    };
    const auto make = [&] {
        return Space{std::vector<float>(source.columns + most, 0.0F),
                     std::vector<T>(source.column_stride == 1 ? 0 : source.columns)};
    };
    const auto row_of = [&](std::ptrdiff_t y, std::vector<T>& copy) {
        if (source.column_stride == 1) return &source.at(y, 0);
        for (std::ptrdiff_t x = 0; x < source.columns; ++x) copy[x] = source.at(y, x);
        return static_cast<const T*>(copy.data());
    };
    share(result.rows, ROWS, threads, make,
          [&](std::ptrdiff_t begin, std::ptrdiff_t end, Space& own) {
              for (std::ptrdiff_t y = begin; y < end; ++y) {
                  throw_if_set(cancel);
                  std::fill_n(own.sums.data(), source.columns, 0.0F);
                  const Taps<float>::Output& taps = down[y];
                  for (std::ptrdiff_t k = 0; k < taps.count; ++k) {
                      const T* row = row_of(taps.first + k, own.row);
                      const float weight = down.weights(taps)[k];
                      if constexpr (std::is_floating_point_v<T>) {
                          table.add_floats(row, weight, source.columns, own.sums.data());
                      } else {
                          table.add_bytes(row, weight, source.columns, own.sums.data());
                      }
                  }
                  for (std::ptrdiff_t x = 0; x < result.columns; ++x) {
                      result.at(y, x) = rounded<T>(table.dot(
                          weights.data() + x * most, own.sums.data() + across[x].first, most));
                  }
              }
          });
}

template void resample<float>(const Plane<const float>&, const Plane<float>&, int,
                              const CancelFlag*);
template void resample<std::uint8_t>(const Plane<const std::uint8_t>&, const Plane<std::uint8_t>&,
                                     int, const CancelFlag*);

}  // namespace colordeploy::color
