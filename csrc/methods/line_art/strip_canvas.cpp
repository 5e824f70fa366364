#include "strip_canvas.hpp"

#include <algorithm>
#include <cmath>

#include "../../color/resample.hpp"
#include "../../drawing/page.hpp"
#include "../../errors.hpp"
#include "../../text.hpp"

namespace colordeploy::methods {

namespace {

constexpr std::size_t HELD = std::size_t{256} << 20;  // bytes of pages that are kept ready
constexpr int CHANNELS = 3;

// The same rows of a strip's hints; null without a mark there.
class PageHints {
 public:
    PageHints(const Strokes* hints, pictures::Size size) : given_(hints != nullptr) {
        if (!given_) return;
        require_size(*hints, size);
        if (hints->layer) {
            layer_ = *hints->layer;
        } else {
            own_.resize(static_cast<std::size_t>(4 * size.rows * size.columns));
            const Channels<std::uint8_t> rgba{own_.data(),      size.rows, size.columns,
                                              4 * size.columns, 4,         1};
            strokes::draw_lines(hints->lines, rgba);
            layer_ = {rgba.data, rgba.rows, rgba.columns, rgba.row_stride, 4, 1};
        }
        if (!marked({0, size.rows})) refuse_unmarked(*hints, size);
    }

    const Strokes* of(drawing::Rows rows) {
        if (!given_ || !marked(rows)) return nullptr;
        page_.layer = layer_;
        page_.layer->data = &layer_.at(rows.begin, 0, 0);
        page_.layer->rows = rows.count();
        return &page_;
    }

 private:
    bool marked(drawing::Rows rows) const {
        for (std::ptrdiff_t y = rows.begin; y < rows.end; ++y) {
            for (std::ptrdiff_t x = 0; x < layer_.columns; ++x) {
                if (layer_.at(y, x, 3) != 0) return true;
            }
        }
        return false;
    }

    bool given_;
    std::vector<std::uint8_t> own_;
    Channels<const std::uint8_t> layer_{};
    Strokes page_;
};

color::Target below(const color::Target& target, std::ptrdiff_t rows) {
    color::Target moved = target;
    moved.data = target.row(rows);
    return moved;
}

// A picture, triples, at another size, into the target.
template <typename T>
void reduce(const std::vector<T>& picture, pictures::Size from, pictures::Size to,
            const color::Target& target, int threads, const CancelFlag* cancel) {
    std::vector<float> plane(static_cast<std::size_t>(from.rows * from.columns)),
        small(static_cast<std::size_t>(to.rows * to.columns));
    for (int c = 0; c < CHANNELS; ++c) {
        for (std::size_t i = 0; i < plane.size(); ++i) {
            plane[i] = static_cast<float>(picture[CHANNELS * i + static_cast<std::size_t>(c)]);
        }
        color::resample(Plane<const float>{plane.data(), from.rows, from.columns, from.columns, 1},
                        Plane<float>{small.data(), to.rows, to.columns, to.columns, 1}, threads,
                        cancel);
        const float* value = small.data();
        for (std::ptrdiff_t y = 0; y < to.rows; ++y) {
            T* row = static_cast<T*>(target.row(y)) + c * target.channel_stride;
            for (std::ptrdiff_t x = 0; x < to.columns; ++x, ++value) {
                if constexpr (std::is_integral_v<T>) {
                    constexpr auto most = static_cast<float>(std::numeric_limits<T>::max());
                    row[x * target.column_stride] =
                        static_cast<T>(std::clamp(*value + 0.5F, 0.0F, most));
                } else {
                    row[x * target.column_stride] = *value;
                }
            }
        }
    }
}

// What draws into triples of a size, at another size.
template <typename T, typename Draw>
void drawn_small(const Draw& draw, pictures::Size from, pictures::Size to,
                 const color::Target& target, int threads, const CancelFlag* cancel) {
    std::vector<T> picture(static_cast<std::size_t>(CHANNELS * from.rows * from.columns));
    draw(color::Target{picture.data(), target.output, CHANNELS * from.columns, CHANNELS, 1});
    reduce(picture, from, to, target, threads, cancel);
}

template <typename Draw>
void drawn_at(const Draw& draw, pictures::Size from, pictures::Size to, const color::Target& target,
              int threads, const CancelFlag* cancel) {
    switch (target.output) {
        case color::Output::rgb8:
            return drawn_small<std::uint8_t>(draw, from, to, target, threads, cancel);
        case color::Output::rgb16:
            return drawn_small<std::uint16_t>(draw, from, to, target, threads, cancel);
        default:
            return drawn_small<float>(draw, from, to, target, threads, cancel);
    }
}

}  // namespace

Pages pages_in(const pictures::Image& image, int threads, const CancelFlag* cancel) {
    if (!drawing::is_long(image.rows, image.columns)) return {{0, image.rows}};
    const std::vector<float> luma = pictures::luma_of(image, threads, cancel);
    const Plane<const float> plane = pictures::Photo::plane(luma, {image.rows, image.columns});
    std::vector<float> values(luma.size());
    std::vector<std::uint8_t> lines(luma.size()), inked;
    drawing::separated(plane, drawing::examined(plane, threads, cancel), threads, cancel,
                       values.data(), lines.data());
    for (auto row = lines.begin(); row != lines.end(); row += image.columns) {
        inked.push_back(std::any_of(row, row + image.columns, [](auto line) { return line; }));
    }
    return drawing::pages_of(inked, image.columns);
}

StripCanvas::StripCanvas(std::shared_ptr<const Model> model, const pictures::Image& image,
                         Pages pages, Prepare prepare, const Steps& steps)
    : LineArtCanvas(std::move(model)),
      picture_(image),
      pages_(std::move(pages)),
      prepare_(std::move(prepare)) {
    const int threads = this->model().threads();
    if (image.sample == pictures::Sample::bytes) {
        bytes_ = pictures::bytes_of(image, threads, steps.flag());
        picture_.data = bytes_.data();
    } else {
        floats_ = pictures::floats_of(image, threads, steps.flag());
        picture_.data = floats_.data();
        picture_.sample = pictures::Sample::floats;
    }
    picture_.channels = image.channels == 1 ? 1 : CHANNELS;
    picture_.reversed = false;
    picture_.column_bytes =
        picture_.channels * static_cast<std::ptrdiff_t>(bytes_.empty() ? sizeof(float) : 1);
    picture_.row_bytes = picture_.columns * picture_.column_bytes;
    const Page first = page(0, steps);
    style_ = first->style();
    const std::ptrdiff_t columns = first->working_size().columns;
    working_size_ = {
        std::lrint(static_cast<double>(image.rows * columns) / static_cast<double>(image.columns)),
        columns};
    this->model().log(
        Level::info,
        text("the picture is a strip of %zu pages, each is coloured by itself", pages_.size()));
}

StripCanvas::Page StripCanvas::page(std::size_t number, const Steps& steps) {
    const std::lock_guard lock(mutex_);
    auto found = std::find_if(ready_.begin(), ready_.end(),
                              [&](const auto& one) { return one.first == number; });
    Page page;
    if (found != ready_.end()) {
        page = found->second;
        ready_.erase(found);
    } else {
        pictures::Image part = picture_;
        part.data = picture_.row(pages_[number].begin);
        part.rows = pages_[number].count();
        page = prepare_(part, Steps(steps.token()));
    }
    while (!ready_.empty() && held() > HELD) ready_.pop_front();
    ready_.emplace_back(number, page);
    return page;
}

std::size_t StripCanvas::held() const {
    std::size_t sum = 0;
    for (const auto& [number, page] : ready_) sum += page->bytes();
    return sum;
}

std::size_t StripCanvas::bytes() const {
    const std::lock_guard lock(mutex_);
    return held() + bytes_.size() + floats_.size() * sizeof(float);
}

// The rows of a page in the whole of another height.
drawing::Rows StripCanvas::rows_at(drawing::Rows rows, std::ptrdiff_t height) const {
    const double scale = static_cast<double>(height) / static_cast<double>(picture_.rows);
    return {std::lrint(static_cast<double>(rows.begin) * scale),
            std::lrint(static_cast<double>(rows.end) * scale)};
}

void StripCanvas::render(const Style& style, const Strokes* hints,
                         const pictures::Rendering& rendering, const Steps& steps,
                         const TakeLines& lines) {
    PageHints page_hints(hints, size());
    const Steps quiet(steps.token());
    const Rectangle& part = rendering.part;
    for (std::size_t i = 0; i < pages_.size(); ++i) {
        const drawing::Rows rows = pages_[i];
        steps(static_cast<double>(i) / static_cast<double>(pages_.size()),
              text("page %zu", i + 1).c_str());
        TakeLines page_lines;
        if (lines) {
            page_lines = [&](const drawing::LineLayer& layer, std::ptrdiff_t) {
                lines(layer, rows.begin);
            };
        }
        const pictures::Size own{rows.count(), size().columns};
        const auto draw = [&](const Rectangle& wanted, const color::Target& target) {
            page(i, steps)->render(style, page_hints.of(rows),
                                   {own, wanted, rendering.saturation, target}, quiet, page_lines);
        };
        if (rendering.shape == size()) {
            const std::ptrdiff_t first = std::max(rows.begin, part.y0),
                                 last = std::min(rows.end, part.y1);
            if (first >= last) continue;
            draw({first - rows.begin, part.x0, last - rows.begin, part.x1},
                 below(rendering.target, first - part.y0));
        } else {
            const drawing::Rows small = rows_at(rows, rendering.shape.rows);
            if (small.count() < 1) continue;
            const auto whole = [&](const color::Target& target) {
                draw({0, 0, own.rows, own.columns}, target);
            };
            drawn_at(whole, own, {small.count(), rendering.shape.columns},
                     below(rendering.target, small.begin), model().threads(), steps.flag());
        }
    }
    steps(1.0, "done");
}

void StripCanvas::preview(const Style& style, const color::Target& target, const Steps& steps) {
    for (std::size_t i = 0; i < pages_.size(); ++i) {
        const drawing::Rows rows = rows_at(pages_[i], working_size_.rows);
        if (rows.count() < 1) continue;
        const Page own = page(i, steps);
        const pictures::Size wanted{rows.count(), working_size_.columns};
        const auto draw = [&](const color::Target& to) { own->preview(style, to, steps); };
        if (own->working_size() == wanted) {
            draw(below(target, rows.begin));
        } else {
            drawn_at(draw, own->working_size(), wanted, below(target, rows.begin),
                     model().threads(), steps.flag());
        }
    }
}

void StripCanvas::write_regions(const Plane<std::int32_t>& labels) {
    std::int32_t before = 0;
    for (std::size_t i = 0; i < pages_.size(); ++i) {
        const drawing::Rows rows = pages_[i];
        Plane<std::int32_t> part = labels;
        part.data = &labels.at(rows.begin, 0);
        part.rows = rows.count();
        const Page own = page(i, Steps());
        own->write_regions(part);
        for (std::ptrdiff_t y = 0; y < part.rows; ++y) {
            for (std::ptrdiff_t x = 0; x < part.columns; ++x) {
                if (part.at(y, x) > 0) part.at(y, x) += before;
            }
        }
        before += static_cast<std::int32_t>(own->count()) - 1;
    }
}

}  // namespace colordeploy::methods
