#include "lines.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace colordeploy::strokes {

namespace {

struct Segment {
    double y0, x0, dy, dx;

    double squared_distance(double y, double x) const {
        const double length = dy * dy + dx * dx;
        double part = length > 0.0 ? ((y - y0) * dy + (x - x0) * dx) / length : 0.0;
        part = std::clamp(part, 0.0, 1.0);
        const double off_y = y - (y0 + part * dy), off_x = x - (x0 + part * dx);
        return off_y * off_y + off_x * off_x;
    }
};

// Columns of the row y that lie within the radius of a segment: one interval, for the shape is
// convex. Empty when first > last.
struct Interval {
    double first, last;
};

Interval interval_of(const Segment& s, double radius, double y) {
    // The centres whose circles reach the row, as parts of the segment.
    double low = 0.0, high = 1.0;
    if (s.dy != 0.0) {
        const double a = (y - radius - s.y0) / s.dy, b = (y + radius - s.y0) / s.dy;
        low = std::max(low, std::min(a, b));
        high = std::min(high, std::max(a, b));
    } else if (std::abs(y - s.y0) > radius) {
        return {1.0, 0.0};
    }
    if (low > high) return {1.0, 0.0};
    // The circle that reaches farthest touches the shape's straight side, or is the last one.
    const auto reach = [&](double side) {
        const auto at = [&](double part) {
            const double off = y - (s.y0 + part * s.dy);
            return s.x0 + part * s.dx +
                   side * std::sqrt(std::max(radius * radius - off * off, 0.0));
        };
        double farthest = at(low);
        farthest = side < 0.0 ? std::min(farthest, at(high)) : std::max(farthest, at(high));
        if (s.dy == 0.0) return farthest;
        const double length = std::sqrt(s.dy * s.dy + s.dx * s.dx);
        const double off = -side * std::copysign(1.0, s.dy) * radius * s.dx / length;
        const double touching = at(std::clamp((y - off - s.y0) / s.dy, low, high));
        return side < 0.0 ? std::min(farthest, touching) : std::max(farthest, touching);
    };
    return {reach(-1.0), reach(1.0)};
}

// An even width lies between pixels.
double shift_of(const Line& line) {
    return std::fmod(std::nearbyint(line.width), 2.0) == 0.0 ? 0.5 : 0.0;
}

}  // namespace

LineRow::LineRow(const std::vector<Line>& lines, std::ptrdiff_t columns)
    : lines_(&lines), columns_(columns), owners_(columns, -1) {
    reach_.reserve(lines.size());
    for (const Line& line : lines) {
        if (line.points.size() < 2 || line.points.size() % 2 != 0 || !(line.width > 0.0)) {
            throw std::invalid_argument("a line needs a point and a width");
        }
        Rows rows{line.points[0], line.points[0]};
        for (std::size_t k = 2; k < line.points.size(); k += 2) {
            rows.first = std::min(rows.first, line.points[k]);
            rows.last = std::max(rows.last, line.points[k]);
        }
        const double radius = 0.5 * line.width, shift = shift_of(line);
        // The same operations in the same order as for a segment: no row is missed by rounding.
        reach_.push_back({(rows.first - shift) - radius, (rows.last - shift) + radius});
    }
}

void LineRow::draw(std::ptrdiff_t y) {
    std::fill(owners_.begin() + begin_, owners_.begin() + end_, -1);
    begin_ = columns_;
    end_ = 0;
    const auto row = static_cast<double>(y);
    for (std::size_t index = 0; index < lines_->size(); ++index) {
        if (row < reach_[index].first || row > reach_[index].last) continue;
        const Line& line = (*lines_)[index];
        const double radius = 0.5 * line.width, shift = shift_of(line);
        const std::size_t points = line.points.size() / 2;
        for (std::size_t k = 0; k < std::max<std::size_t>(points - 1, 1); ++k) {
            const std::size_t next = std::min(k + 1, points - 1);
            const double y0 = line.points[2 * k] - shift, x0 = line.points[2 * k + 1] - shift;
            const double y1 = line.points[2 * next] - shift, x1 = line.points[2 * next + 1] - shift;
            if (row < std::min(y0, y1) - radius || row > std::max(y0, y1) + radius) continue;
            const Segment segment{y0, x0, y1 - y0, x1 - x0};
            const Interval interval = interval_of(segment, radius, row);
            if (!(interval.last >= 0.0 && interval.first <= static_cast<double>(columns_))) {
                continue;
            }
            // The ends to the last digit by the definition itself.
            const auto inside = [&](std::ptrdiff_t x) {
                return segment.squared_distance(row, static_cast<double>(x)) <= radius * radius;
            };
            auto first = static_cast<std::ptrdiff_t>(std::ceil(std::max(interval.first, 0.0)));
            auto last = static_cast<std::ptrdiff_t>(
                std::floor(std::min(interval.last, static_cast<double>(columns_ - 1))));
            while (first > 0 && inside(first - 1)) --first;
            while (first <= last && !inside(first)) ++first;
            while (last + 1 < columns_ && last + 1 >= first && inside(last + 1)) ++last;
            while (last >= first && !inside(last)) --last;
            if (first > last) continue;
            std::fill(owners_.begin() + first, owners_.begin() + last + 1,
                      static_cast<std::int32_t>(index));
            begin_ = std::min(begin_, first);
            end_ = std::max(end_, last + 1);
        }
    }
    if (begin_ > end_) begin_ = end_ = 0;
}

}  // namespace colordeploy::strokes
