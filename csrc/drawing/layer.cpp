#include "layer.hpp"

#include <algorithm>

#include "../color/resample.hpp"
#include "lines.hpp"

namespace colordeploy::drawing {

namespace {

// The drawing: triples.
UnfilledVector<std::uint8_t> on_white(const Lines& lines, int threads, const CancelFlag* cancel) {
    const std::ptrdiff_t rows = lines.opacity.rows, columns = lines.opacity.columns;
    const float white[] = {1.0F, 1.0F, 1.0F};
    const std::int32_t everywhere = 0;
    UnfilledVector<std::uint8_t> page(3 * rows * columns);
    compose_drawing(white, 1, {&everywhere, rows, columns, 0, 0}, nullptr, &lines,
                    {0, 0, rows, columns}, 1.0F,
                    {page.data(), color::Output::rgb8, 3 * columns, 3, 1}, threads, cancel);
    return page;
}

}  // namespace

Lines LineLayer::view() const {
    Lines lines{{opacity.data(), rows, columns, columns, 1}, {}};
    if (!ink.empty()) lines.ink = {ink.data(), rows, columns, 3 * columns, 3, 1};
    return lines;
}

template <typename T>
LineLayer line_layer(const T* values, std::ptrdiff_t rows, std::ptrdiff_t columns, int channels,
                     int threads) {
    const std::ptrdiff_t pixels = rows * columns;
    LineLayer layer{rows, columns, UnfilledVector<std::uint8_t>(pixels),
                    UnfilledVector<std::uint8_t>(channels == 3 ? 3 * pixels : 0)};
    const std::uint8_t lightest =
        separate_lines(values, pixels, channels, threads, layer.opacity.data(), layer.ink.data());
    if (lightest <= BLACK) layer.ink = {};
    return layer;
}

template LineLayer line_layer<float>(const float*, std::ptrdiff_t, std::ptrdiff_t, int, int);
template LineLayer line_layer<std::uint8_t>(const std::uint8_t*, std::ptrdiff_t, std::ptrdiff_t,
                                            int, int);

LineLayer resampled(const Lines& lines, std::ptrdiff_t rows, std::ptrdiff_t columns, int threads,
                    const CancelFlag* cancel) {
    const std::ptrdiff_t pixels = rows * columns;
    if (lines.ink.data == nullptr) {
        LineLayer layer{rows, columns, UnfilledVector<std::uint8_t>(pixels), {}};
        color::resample<std::uint8_t>(
            lines.opacity, {layer.opacity.data(), rows, columns, columns, 1}, threads, cancel);
        return layer;
    }
    const UnfilledVector<std::uint8_t> page = on_white(lines, threads, cancel);
    const std::ptrdiff_t full = lines.opacity.columns;
    UnfilledVector<std::uint8_t> small(3 * pixels);
    for (int c = 0; c < 3; ++c) {
        color::resample<std::uint8_t>({page.data() + c, lines.opacity.rows, full, 3 * full, 3},
                                      {small.data() + c, rows, columns, 3 * columns, 3}, threads,
                                      cancel);
    }
    return line_layer(small.data(), rows, columns, 3, threads);
}

}  // namespace colordeploy::drawing
