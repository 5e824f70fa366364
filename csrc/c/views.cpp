#include "views.hpp"

#include <cmath>
#include <cstdint>
#include <optional>

#include "../text.hpp"

namespace colordeploy::c {

namespace {

constexpr double FARTHEST = 1e6;  // pixels
constexpr std::size_t MOST_POINTS = 1 << 24;
constexpr double MAXIMUM_SATURATION = 2.0;
constexpr int LAB_CHANNELS = 3, CHROMA_CHANNELS = 2;

struct Layout {
    pictures::Sample sample;
    int channels;
    bool reversed;

    std::ptrdiff_t sample_bytes() const {
        return sample == pictures::Sample::bytes ? 1 : sample == pictures::Sample::words ? 2 : 4;
    }
};

Layout layout_of(cd_format format, const char* name) {
    using pictures::Sample;
    if (format == CD_LABF) return {Sample::floats, LAB_CHANNELS, false};
    if (format == CD_ABF) return {Sample::floats, CHROMA_CHANNELS, false};
    if (format < CD_GRAY8 || format > CD_BGRAF) {
        throw InputError(text("%s.format is %d, which is no cd_format", name, format));
    }
    constexpr Sample samples[] = {Sample::bytes, Sample::words, Sample::floats};
    constexpr int channels[] = {1, 3, 4, 4};
    const int kind = (format - CD_GRAY8) % 4;
    return {samples[(format - CD_GRAY8) / 4], channels[kind], kind == 3};
}

std::uintmax_t magnitude(std::ptrdiff_t value) {
    return value < 0 ? std::uintmax_t{0} - static_cast<std::uintmax_t>(value)
                     : static_cast<std::uintmax_t>(value);
}

// Bytes from the first to the end of the last of `count` pieces; nothing where they reach beyond
// all memory that there can be.
std::optional<std::uintmax_t> extent(std::uintmax_t step, std::uintmax_t count,
                                     std::uintmax_t size) {
    constexpr std::uintmax_t most = std::uintmax_t{1} << 46;
    if (count > 1 && step > most / (count - 1)) return std::nullopt;
    return step * (count - 1) + size;
}

// Strides in bytes: 0 of pixels is side by side.
struct Strides {
    std::ptrdiff_t row, pixel;
};

// Checks memory that a host gives; T is cd_image or cd_target.
template <typename T>
Strides strides_of(const T& memory, const Layout& layout, const char* name) {
    if (memory.data == nullptr) throw InputError(std::string(name) + ".data must not be NULL");
    if (memory.height < 1 || memory.width < 1) {
        throw InputError(
            text("%s must hold at least a pixel, not %d x %d", name, memory.height, memory.width));
    }
    const std::ptrdiff_t bytes = layout.sample_bytes(), size = bytes * layout.channels;
    Strides strides{memory.row_bytes, memory.pixel_bytes == 0 ? size : memory.pixel_bytes};
    // Where there is one alone, what leads to the next means nothing.
    if (memory.width == 1) strides.pixel = size;
    if (memory.height == 1) strides.row = size;
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data);
    if (address % static_cast<std::uintptr_t>(bytes) != 0 || strides.row % bytes != 0 ||
        strides.pixel % bytes != 0) {
        throw InputError(
            text("%s.data and its strides must be whole multiples of %td bytes, the "
                 "size of a sample",
                 name, bytes));
    }
    const auto rows = static_cast<std::uintmax_t>(memory.height),
               columns = static_cast<std::uintmax_t>(memory.width),
               whole = static_cast<std::uintmax_t>(size);
    const std::uintmax_t row = magnitude(strides.row), pixel = magnitude(strides.pixel);
    const auto across = extent(pixel, columns, whole), down = extent(row, rows, whole);
    const bool apart = (columns == 1 || pixel >= whole) && (rows == 1 || row >= whole);
    // Row after row, or column after column.
    const bool ordered =
        across && down && (rows == 1 || columns == 1 || row >= *across || pixel >= *down);
    if (!apart || !ordered) {
        throw InputError(
            text("pixels of %s overlap, or reach beyond all memory: %d x %d pixels of "
                 "%td bytes each, row_bytes = %td, pixel_bytes = %td",
                 name, memory.height, memory.width, size, memory.row_bytes, memory.pixel_bytes));
    }
    return strides;
}

std::vector<double> points_of(const cd_stroke& stroke) {
    if (stroke.points == nullptr || stroke.count == 0) {
        throw InputError("a stroke needs at least one point");
    }
    if (stroke.count > MOST_POINTS) {
        throw InputError(
            text("a stroke has at most %zu points, not %zu", MOST_POINTS, stroke.count));
    }
    std::vector<double> points;
    for (std::size_t i = 0; i < 2 * stroke.count; ++i) {
        points.push_back(std::nearbyint(stroke.points[i]));
        if (!(std::fabs(points.back()) <= FARTHEST)) {
            throw InputError(
                text("points of strokes are (y, x) pairs of finite pixel coordinates "
                     "up to %g, not %g",
                     FARTHEST, stroke.points[i]));
        }
    }
    return points;
}

// Red, green, blue and alpha of a layer whose order is another.
std::vector<std::uint8_t> turned(const pictures::Image& image) {
    std::vector<std::uint8_t> rgba;
    rgba.reserve(static_cast<std::size_t>(4 * image.rows * image.columns));
    for (std::ptrdiff_t y = 0; y < image.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < image.columns; ++x) {
            const unsigned char* pixel = image.row(y) + x * image.column_bytes;
            rgba.insert(rgba.end(), {pixel[2], pixel[1], pixel[0], pixel[3]});
        }
    }
    return rgba;
}

}  // namespace

pictures::Image image_of(const cd_image* given, const char* name) {
    const cd_image& image = required(given, name);
    const Layout layout = layout_of(image.format, name);
    if (image.format > CD_BGRAF) {
        throw InputError(text("%s must be grey or in colour, not in CIE Lab", name));
    }
    const Strides strides = strides_of(image, layout, name);
    return {image.data,   layout.sample, layout.channels, layout.reversed,
            image.height, image.width,   strides.row,     strides.pixel};
}

Channels<const float> chroma_of(const cd_image& image, const char* name) {
    const Strides strides = strides_of(image, layout_of(CD_ABF, name), name);
    constexpr auto size = static_cast<std::ptrdiff_t>(sizeof(float));
    return {static_cast<const float*>(image.data),
            image.height,
            image.width,
            strides.row / size,
            strides.pixel / size,
            1};
}

methods::Strokes strokes_of(const cd_strokes* given, const char* name) {
    const cd_strokes strokes = options_of(&required(given, name), CD_STROKES_INIT, name);
    methods::Strokes result;
    if (strokes.layer != nullptr) {
        const std::string layer = std::string(name) + "->layer";
        if (strokes.layer->format != CD_RGBA8 && strokes.layer->format != CD_BGRA8) {
            throw InputError(layer +
                             " must be CD_RGBA8 or CD_BGRA8: its alpha says what is marked");
        }
        const pictures::Image image = image_of(strokes.layer, layer.c_str());
        result.layer = Channels<const std::uint8_t>{
            image.row(0), image.rows, image.columns, image.row_bytes, image.column_bytes, 1};
        if (image.reversed) {
            result.own = turned(image);
            result.layer = Channels<const std::uint8_t>{
                result.own.data(), image.rows, image.columns, 4 * image.columns, 4, 1};
        }
        return result;
    }
    if (strokes.list == nullptr && strokes.count > 0) {
        throw InputError(std::string(name) + "->list must not be NULL where count is not 0");
    }
    for (std::size_t i = 0; i < strokes.count; ++i) {
        const cd_stroke& stroke = strokes.list[i];
        if (!(stroke.width >= 1.0 && stroke.width <= FARTHEST)) {
            throw InputError(
                text("a stroke's width must be 1 to %g pixels, not %g", FARTHEST, stroke.width));
        }
        result.lines.push_back(
            {points_of(stroke), stroke.width, {stroke.rgb[0], stroke.rgb[1], stroke.rgb[2]}});
    }
    return result;
}

methods::Steps steps_of(const cd_cancel* cancel, cd_progress progress, void* user) {
    methods::Steps::Progress report;
    if (progress != nullptr) {
        report = [progress, user](double done, const char* what) { progress(user, done, what); };
    }
    return methods::Steps(token_of(cancel), std::move(report));
}

color::Target target_of(const cd_target* given, std::ptrdiff_t rows, std::ptrdiff_t columns,
                        const char* name) {
    const cd_target& target = required(given, name);
    const Layout layout = layout_of(target.format, name);
    const bool bytes = layout.sample == pictures::Sample::bytes;
    const bool color = layout.channels >= 3 && target.format < CD_GRAYF;
    if (!color && target.format != CD_LABF) {
        throw InputError(text("%s.format must be in colour, of 8 or 16 bits, or CD_LABF, not %d",
                              name, target.format));
    }
    const Strides strides = strides_of(target, layout, name);
    if (target.height != rows || target.width != columns) {
        throw InputError(
            text("%s must be of the result's %td x %td pixels (height x width, see "
                 "cd_render_size), not %d x %d",
                 name, rows, columns, target.height, target.width));
    }
    const std::ptrdiff_t size = layout.sample_bytes();
    auto* data = static_cast<unsigned char*>(target.data);
    const auto output = !color  ? color::Output::lab
                        : bytes ? color::Output::rgb8
                                : color::Output::rgb16;
    return {data + (layout.reversed ? 2 * size : 0), output, strides.row / size,
            strides.pixel / size, layout.reversed ? -1 : 1};
}

Wanted wanted_of(const methods::Canvas& canvas, const cd_render_options& options) {
    Wanted wanted{canvas.size(), {}};
    if (options.region != nullptr && options.short_side != 0) {
        throw InputError(
            "give a region or a short_side, not both: a region is at the picture's "
            "size");
    }
    if (options.short_side < 0) {
        throw InputError(text("short_side must be at least 1, or 0 for the picture's own, not %d",
                              options.short_side));
    }
    if (options.short_side > 0) {
        wanted.shape = pictures::preview_shape(wanted.shape, options.short_side);
    }
    wanted.part = {0, 0, wanted.shape.rows, wanted.shape.columns};
    if (options.region == nullptr) return wanted;
    const cd_rect& region = *options.region;
    wanted.part = {region.y0, region.x0, region.y1, region.x1};
    if (!wanted.part.lies_in(wanted.shape.rows, wanted.shape.columns)) {
        throw InputError(text(
            "region (%d, %d, %d, %d) must hold a pixel and lie within (0, 0, %td, "
            "%td), ends exclusive",
            region.y0, region.x0, region.y1, region.x1, wanted.shape.rows, wanted.shape.columns));
    }
    return wanted;
}

RenderCall::RenderCall(const methods::Canvas& canvas, const cd_render_options* given,
                       const cd_target* target) {
    const cd_render_options options = options_of(given, CD_RENDER_OPTIONS_INIT, "options");
    const Wanted wanted = wanted_of(canvas, options);
    if (!(options.saturation >= 0.0 && options.saturation <= MAXIMUM_SATURATION)) {
        throw InputError(text("saturation must lie between 0 and %g, not %g", MAXIMUM_SATURATION,
                              options.saturation));
    }
    rendering = {wanted.shape, wanted.part, static_cast<float>(options.saturation),
                 target_of(target, wanted.part.rows(), wanted.part.columns(), "target")};
    steps = steps_of(options.cancel, options.progress, options.progress_user);
}

}  // namespace colordeploy::c
