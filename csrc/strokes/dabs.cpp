#include "dabs.hpp"

#include <algorithm>
#include <numeric>

#include "lines.hpp"
#include "marks.hpp"

namespace colordeploy::strokes {

namespace {

using Color = std::array<std::uint8_t, 3>;

// Pixels of one colour side by side.
struct Piece {
    std::int32_t begin, end;
    Color rgb;
};

// Collects rows of pieces and joins those that touch.
class Collector {
 public:
    explicit Collector(std::ptrdiff_t width) : width_(width) {}

    void add(std::ptrdiff_t x, const Color& rgb) {
        const auto at = static_cast<std::int32_t>(x);
        if (pieces_.size() > row_ && pieces_.back().end == at && pieces_.back().rgb == rgb) {
            ++pieces_.back().end;
        } else {
            parents_.push_back(static_cast<std::int32_t>(pieces_.size()));
            pieces_.push_back({at, at + 1, rgb});
        }
    }

    void finish_row(std::ptrdiff_t y) {
        std::size_t above = before_;
        for (std::size_t i = row_; i < pieces_.size(); ++i) {
            const Piece& piece = pieces_[i];
            while (above < row_ && pieces_[above].end < piece.begin) ++above;
            for (std::size_t j = above; j < row_ && pieces_[j].begin <= piece.end; ++j) {
                if (pieces_[j].rgb == piece.rgb) join(i, j);
            }
            for (std::int32_t x = piece.begin; x < piece.end; ++x) {
                result_.pixels.push_back(y * width_ + x);
                result_.rgb.push_back(piece.rgb);
                result_.dabs.push_back(static_cast<std::int32_t>(i));
            }
        }
        before_ = row_;
        row_ = pieces_.size();
    }

    Dabs finish() {
        std::vector<std::int32_t> numbers(pieces_.size(), -1);
        std::int32_t count = 0;
        for (std::int32_t& dab : result_.dabs) {
            std::int32_t& number = numbers[root(dab)];
            if (number < 0) number = count++;
            dab = number;
        }
        return std::move(result_);
    }

 private:
    std::size_t root(std::size_t a) {
        while (parents_[a] != static_cast<std::int32_t>(a)) {
            parents_[a] = parents_[parents_[a]];
            a = parents_[a];
        }
        return a;
    }
    void join(std::size_t a, std::size_t b) {
        a = root(a);
        b = root(b);
        parents_[std::max(a, b)] = static_cast<std::int32_t>(std::min(a, b));
    }

    std::ptrdiff_t width_;
    std::size_t before_ = 0, row_ = 0;  // where the pieces of the row above and of this one begin
    std::vector<Piece> pieces_;
    std::vector<std::int32_t> parents_;
    Dabs result_;
};

}  // namespace

Dabs dabs_of_layer(const Channels<const std::uint8_t>& rgba, int threads,
                   const CancelFlag* cancel) {
    const Runs all = marks_of(rgba, threads, cancel);
    const bool multiplied = premultiplied(rgba, all);
    Collector collector(rgba.columns);
    for (std::ptrdiff_t y = 0; y < rgba.rows; ++y) {
        throw_if_set(cancel);
        for (std::ptrdiff_t i = all.rows[y]; i < all.rows[y + 1]; ++i) {
            const Run& run = all.runs[i];
            if (!run.marked) continue;
            for (std::ptrdiff_t x = run.begin; x < run.end; ++x) {
                Color rgb{rgba.at(y, x, 0), rgba.at(y, x, 1), rgba.at(y, x, 2)};
                if (multiplied) {
                    for (std::uint8_t& value : rgb) {
                        value = static_cast<std::uint8_t>(
                            std::min(255, (value * 255 + run.alpha / 2) / run.alpha));
                    }
                }
                collector.add(x, rgb);
            }
        }
        collector.finish_row(y);
    }
    return collector.finish();
}

Dabs dabs_of_lines(const std::vector<Line>& lines, std::ptrdiff_t height, std::ptrdiff_t width,
                   const CancelFlag* cancel) {
    LineRow row(lines, width);
    Collector collector(width);
    for (std::ptrdiff_t y = 0; y < height; ++y) {
        throw_if_set(cancel);
        row.draw(y);
        for (std::ptrdiff_t x = row.begin(); x < row.end(); ++x) {
            if (row[x] < 0) continue;
            const std::uint8_t* rgb = lines[row[x]].rgb;
            collector.add(x, {rgb[0], rgb[1], rgb[2]});
        }
        collector.finish_row(y);
    }
    return collector.finish();
}

}  // namespace colordeploy::strokes
