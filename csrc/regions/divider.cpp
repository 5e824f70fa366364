#include "divider.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "../propagation/plans.hpp"
#include "division.hpp"
#include "places.hpp"

namespace colordeploy::regions {

namespace {

// Cells: where a region is divided needs no more, what is beside lines grows.
constexpr double SHORT_SIDE = 112.0;
constexpr double ALPHA = 1e-2;  // weight of the Laplacian: marks are all but hard constraints
constexpr double PHI = 1e-9;    // ties what nothing else ties, and lets next to nothing through
                                // a line
// Chosen on drawings (bench/hints.py).
constexpr double NARROWNESS = 14.0;  // the narrowest ways carry exp(-NARROWNESS)
constexpr float SIDES = 0.3F;        // share of a place's width that its sides have
constexpr float NARROW = 4 * STEP;   // in such places each mark speaks for the middle,
constexpr float BESIDE = 0.5F;       // and where the room's deepest mark has so much more width

// Four planes, between neighbouring free cells of a region; diagonally only where both cells beside
// the way are free, too. Narrow ways carry less, so that owners meet in the narrowest place between
// their marks. Around the page all is open: what touches its edge is one ground.
std::vector<double> weights_of(const Cells& given, const std::vector<float>& widths) {
    const std::vector<std::int32_t>& cells = given.labels;
    const std::ptrdiff_t rows = given.rows, columns = given.columns;
    std::vector<double> weights(propagation::kDirections.size() * cells.size(), 0.0);
    double* plane = weights.data();
    for (const auto& [dy, dx] : propagation::kDirections) {
        for (std::ptrdiff_t y = 0; y + dy < rows; ++y) {
            for (std::ptrdiff_t x = std::max(0, -dx); x < columns - std::max(0, dx); ++x) {
                const std::ptrdiff_t at = y * columns + x, to = (y + dy) * columns + x + dx;
                const std::int32_t own = cells[at];
                bool tied = own > 0 && cells[to] == own;
                if (dy != 0 && dx != 0) {
                    tied = tied && cells[y * columns + x + dx] == own &&
                           cells[(y + dy) * columns + x] == own;
                }
                if (!tied) continue;
                const bool open = given.outer(y, x) && given.outer(y + dy, x + dx);
                const double width = open ? WIDE : std::min({widths[at], widths[to], WIDE});
                plane[at] = std::exp(NARROWNESS * (width / WIDE - 1.0));
            }
        }
        plane += cells.size();
    }
    return weights;
}

// What carries shares: the middle of a place more than its sides, but these, too.
std::vector<float> widths_of(const std::vector<float>& depths,
                             const std::vector<float>& thickness) {
    std::vector<float> widths(depths.size());
    for (std::size_t i = 0; i < depths.size(); ++i) {
        widths[i] = std::lerp(std::min(depths[i], WIDE), thickness[i], SIDES);
    }
    return widths;
}

}  // namespace

RegionDivider::RegionDivider(const std::int32_t* labels, const std::int32_t* covered,
                             std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t count)
    : labels_(labels), covered_(covered), height_(height), width_(width), count_(count) {
    if (height < 1 || width < 1) throw std::invalid_argument("labels must not be empty");
    for (std::ptrdiff_t i = 0; i < height * width; ++i) {
        if (labels[i] < 0 || labels[i] >= count || covered[i] < 0 || covered[i] >= count) {
            throw std::invalid_argument("labels must be below count and not negative");
        }
    }
    const double scale = std::min(1.0, SHORT_SIDE / static_cast<double>(std::min(height, width)));
    const auto few = [&](std::ptrdiff_t side) {
        return std::max<std::ptrdiff_t>(1, std::lrint(static_cast<double>(side) * scale));
    };
    rows_ = few(height);
    columns_ = few(width);
}

void RegionDivider::prepare(const CancelFlag* cancel) {
    const std::lock_guard lock(mutex_);
    if (solver_) return;
    std::vector<std::int32_t> cells(rows_ * columns_);
    free_cells(labels_, height_, width_, cells.data(), rows_, columns_);
    const Cells given{cells, rows_, columns_};
    depths_ = depths_of(given);
    rooms_ = rooms_of(given, depths_);
    thickness_ = thickness_of(given, depths_);
    weights_ = weights_of(given, widths_of(depths_, thickness_));
    const propagation::Grid grid{static_cast<int>(rows_), static_cast<int>(columns_), 0};
    auto solver = propagation::Solver::make(propagation::plan_of(grid, cancel),
                                            {weights_.data(), nullptr, ALPHA, PHI, 0.0}, true);
    cells_ = std::move(cells);
    solver_ = std::move(solver);
}

// A mark beside a line speaks for the middle of what it is in where that is narrow, also beside the
// place of the room's deepest mark; elsewhere where that mark is its owner's.
void RegionDivider::speak_for_middles(std::vector<std::int64_t>& votes,
                                      std::vector<std::int64_t>& sums, std::ptrdiff_t most) const {
    std::vector<std::ptrdiff_t> marks;
    for (std::ptrdiff_t at = 0; at < std::ssize(sums); ++at) {
        if (sums[at] > 0) marks.push_back(at);
    }
    const auto owner_of = [&](std::ptrdiff_t at) {
        const std::int64_t* own = votes.data() + at * most;
        return std::max_element(own, own + most) - own;
    };
    std::unordered_map<std::int32_t, std::ptrdiff_t> deepest;  // mark of each room
    for (const std::ptrdiff_t at : marks) {
        const auto [place, fresh] = deepest.try_emplace(rooms_[at], at);
        if (!fresh && depths_[at] > depths_[place->second]) place->second = at;
    }
    for (const std::ptrdiff_t mark : marks) {
        const std::ptrdiff_t owner = owner_of(mark);
        std::vector<std::ptrdiff_t> way;
        for (std::ptrdiff_t at = mark;;) {
            const std::ptrdiff_t next = inward({cells_, rows_, columns_}, depths_, at);
            if (next == at || sums[next] > 0) break;
            way.push_back(at = next);
        }
        if (way.empty()) continue;
        const std::ptrdiff_t other = deepest.at(rooms_[mark]);
        const bool narrow =
            depths_[way.back()] <= NARROW || thickness_[mark] < BESIDE * thickness_[other];
        if (!narrow && owner != owner_of(other)) continue;
        for (const std::ptrdiff_t at : way) {
            ++votes[at * most + owner];
            ++sums[at];
        }
    }
}

std::vector<float> RegionDivider::shares(const std::vector<std::int64_t>& pixels,
                                         const std::vector<std::int32_t>& owners,
                                         std::ptrdiff_t most, int threads,
                                         const CancelFlag* cancel) {
    const std::ptrdiff_t n = rows_ * columns_;
    std::vector<float> shares(n * most, 0.0F);
    std::vector<std::int64_t> votes(n * most, 0), sums(n, 0);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        const std::ptrdiff_t y = pixels[i] / width_, x = pixels[i] % width_;
        const std::ptrdiff_t place = y * rows_ / height_ * columns_ + x * columns_ / width_;
        if (cells_[place] <= 0 || cells_[place] != labels_[pixels[i]]) continue;
        ++votes[place * most + owners[i]];
        ++sums[place];
    }
    speak_for_middles(votes, sums, most);
    std::vector<std::uint8_t> mask(n);
    bool any = false;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        mask[i] = sums[i] > 0;
        any = any || mask[i];
    }
    if (!any || most < 2) return shares;
    // All shares together are 1: the first owner's need not be solved for.
    const std::ptrdiff_t others = most - 1;
    std::vector<double> values(n * others), x(n * others);
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        for (std::ptrdiff_t k = 0; k < others; ++k) {
            values[i * others + k] = static_cast<double>(votes[i * most + k + 1]) /
                                     static_cast<double>(std::max<std::int64_t>(sums[i], 1));
        }
    }
    solver_->solve(mask.data(), {values.data(), x.data(), others, true}, threads, cancel);
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        float all = 0.0F;
        for (std::ptrdiff_t k = 0; k < others; ++k) {
            shares[i * most + k + 1] = static_cast<float>(x[i * others + k]);
            all += shares[i * most + k + 1];
        }
        shares[i * most] = 1.0F - all;
    }
    return shares;
}

void RegionDivider::divide(const Marks& marks, int threads, const CancelFlag* cancel,
                           std::int32_t* result) {
    std::vector<std::int64_t> pixels;
    std::vector<std::int32_t> owners;
    for (std::ptrdiff_t i = 0; i < marks.size; ++i) {
        if (marks.pixels[i] < 0 || marks.pixels[i] >= height_ * width_) {
            throw std::invalid_argument("marks must lie within the drawing");
        }
        const std::int32_t several = marks.counts[covered_[marks.pixels[i]]];
        if (marks.owners[i] < 0 || marks.owners[i] >= std::max(several, 1)) {
            throw std::invalid_argument("an owner must be below its region's count");
        }
        if (several > 1) {
            pixels.push_back(marks.pixels[i]);
            owners.push_back(marks.owners[i]);
        }
    }
    std::int32_t most = 1, next = static_cast<std::int32_t>(count_);
    std::vector<std::int32_t> first(count_);
    for (std::ptrdiff_t i = 0; i < count_; ++i) {
        first[i] = next;
        next += std::max(marks.counts[i] - 1, 0);
        most = std::max(most, marks.counts[i]);
    }
    prepare(cancel);
    const std::vector<float> share = shares(pixels, owners, most, threads, cancel);
    regions::divide({height_, width_, labels_, covered_, rows_, columns_, cells_.data(),
                     share.data(), most, marks.counts, first.data(), pixels.data(), owners.data(),
                     static_cast<std::ptrdiff_t>(pixels.size())},
                    threads, result);
}

std::size_t RegionDivider::bytes() const {
    const std::lock_guard lock(mutex_);
    if (!solver_) return 0;
    return cells_.size() * 2 * (sizeof(std::int32_t) + sizeof(float)) +
           weights_.size() * sizeof(double) + solver_->bytes();
}

}  // namespace colordeploy::regions
