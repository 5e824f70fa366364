#include "cells.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace colordeploy::propagation {

namespace {

constexpr int kLeafPixels = 12;  // eliminated as one front

std::int32_t size_of(const CellFront& front) { return front.pivots + front.boundary + 1; }
std::int32_t entries_of(const CellFront& front) {
    return size_of(front) * (size_of(front) - 1) / 2;
}

// Entry (row, column) of a strict lower triangle of `size` rows, by columns.
std::int32_t entry_of(std::int32_t size, std::int32_t row, std::int32_t column) {
    return column * (size - 1) - column * (column - 1) / 2 + row - column - 1;
}

}  // namespace

CellShape::CellShape(const Grid& grid, const CellKind& kind, int y, int x) : kind_(kind) {
    global_.resize(static_cast<std::size_t>(kind.height) * kind.width);
    for (int i = 0; i < kind.height; ++i) {
        for (int j = 0; j < kind.width; ++j) {
            global_[i * kind.width + j] = grid.is_global(y + i, x + j);
        }
    }
    dissect(0, 0, kind.height, kind.width);
    pivots_ = static_cast<std::int32_t>(places_.size());
    find_pixels(grid);
    find_boundaries();
    assemble_edges();
    lay_out();
}

std::int32_t CellShape::dissect(int y0, int x0, int y1, int x1) {
    const int height = y1 - y0, width = x1 - x0;
    if (height * width <= kLeafPixels) return add_front(y0, x0, y1, x1, {});
    std::vector<std::int32_t> children;
    if (height >= width) {
        const int cut = y0 + height / 2;
        for (const auto& [from, to] : {std::pair{y0, cut}, std::pair{cut + 1, y1}}) {
            if (to > from) children.push_back(dissect(from, x0, to, x1));
        }
        return add_front(cut, x0, cut + 1, x1, children);
    }
    const int cut = x0 + width / 2;
    for (const auto& [from, to] : {std::pair{x0, cut}, std::pair{cut + 1, x1}}) {
        if (to > from) children.push_back(dissect(y0, from, y1, to));
    }
    return add_front(y0, cut, y1, cut + 1, children);
}

std::int32_t CellShape::add_front(int y0, int x0, int y1, int x1,
                                  std::vector<std::int32_t> children) {
    CellFront front;
    front.first = static_cast<std::int32_t>(places_.size());
    for (int y = y0; y < y1; ++y) {
        for (int x = x0; x < x1; ++x) {
            if (!global_[y * kind_.width + x]) places_.push_back(y * kind_.width + x);
        }
    }
    front.pivots = static_cast<std::int32_t>(places_.size()) - front.first;
    std::copy(children.begin(), children.end(), front.child);
    fronts_.push_back(front);
    return static_cast<std::int32_t>(fronts_.size()) - 1;
}

// The boundary of the cell, and its edges.
void CellShape::find_pixels(const Grid& grid) {
    // Unknowns by place, in the cell and the frame of one pixel around it.
    const int across = kind_.width + 2;
    std::vector<std::int32_t> unknown(static_cast<std::size_t>(kind_.height + 2) * across, -1);
    const auto at = [&](int y, int x) -> std::int32_t& {
        return unknown[(y + 1) * across + x + 1];
    };
    for (std::int32_t k = 0; k < pivots_; ++k) {
        at(places_[k] / kind_.width, places_[k] % kind_.width) = k;
        pixels_.push_back(places_[k] / kind_.width * grid.width + places_[k] % kind_.width);
    }
    for (int y = -1; y <= kind_.height; ++y) {
        for (int x = -1; x <= kind_.width; ++x) {
            if (at(y, x) >= 0 || !in_picture(y, x) || !beside_pivot(y, x)) continue;
            at(y, x) = static_cast<std::int32_t>(pixels_.size());
            pixels_.push_back(y * grid.width + x);
        }
    }
    const auto plane = static_cast<std::int32_t>(grid.pixels());
    for (int y = -1; y <= kind_.height; ++y) {
        for (int x = -1; x <= kind_.width; ++x) {
            if (at(y, x) < 0) continue;
            for (std::int32_t d = 0; d < static_cast<std::int32_t>(kDirections.size()); ++d) {
                const int y2 = y + kDirections[d].dy, x2 = x + kDirections[d].dx;
                if (y2 > kind_.height || x2 < -1 || x2 > kind_.width || at(y2, x2) < 0) continue;
                const std::int32_t early = std::min(at(y, x), at(y2, x2));
                const std::int32_t late = std::max(at(y, x), at(y2, x2));
                if (early < pivots_)
                    links_.push_back({d * plane + y * grid.width + x, early, late});
            }
        }
    }
}

bool CellShape::in_picture(int y, int x) const {
    return (y >= 0 || kind_.open & 1) && (y < kind_.height || kind_.open & 2) &&
           (x >= 0 || kind_.open & 4) && (x < kind_.width || kind_.open & 8);
}

bool CellShape::beside_pivot(int y, int x) const {
    for (int i = std::max(y - 1, 0); i <= std::min(y + 1, kind_.height - 1); ++i) {
        for (int j = std::max(x - 1, 0); j <= std::min(x + 1, kind_.width - 1); ++j) {
            if (!global_[i * kind_.width + j]) return true;
        }
    }
    return false;
}

// Of each front: what its pivots' edges and its children lead to that is eliminated later.
void CellShape::find_boundaries() {
    std::vector<std::vector<std::int32_t>> neighbours(static_cast<std::size_t>(pivots_));
    for (const Link& link : links_) neighbours[link.early].push_back(link.late);
    std::vector<std::int32_t> row(pixels_.size(), -1);
    for (CellFront& front : fronts_) {
        const std::int32_t end = front.first + front.pivots;
        std::vector<std::int32_t> boundary;
        const auto add = [&](auto from, auto to) {
            std::copy_if(from, to, std::back_inserter(boundary),
                         [&](std::int32_t other) { return other >= end; });
        };
        for (std::int32_t k = front.first; k < end; ++k) {
            add(neighbours[k].begin(), neighbours[k].end());
        }
        for (std::int32_t c : front.child) {
            if (c < 0) continue;
            const auto begin = rows_.begin() + fronts_[c].rows;
            add(begin, begin + fronts_[c].boundary);
        }
        std::sort(boundary.begin(), boundary.end());
        boundary.erase(std::unique(boundary.begin(), boundary.end()), boundary.end());
        front.rows = static_cast<std::int32_t>(rows_.size());
        front.boundary = static_cast<std::int32_t>(boundary.size());
        for (std::int32_t k = 0; k < front.pivots; ++k) row[front.first + k] = k;
        for (std::int32_t i = 0; i < front.boundary; ++i) row[boundary[i]] = front.pivots + i;
        rows_.insert(rows_.end(), boundary.begin(), boundary.end());
        in_parent_.resize(rows_.size(), -1);
        for (std::int32_t c : front.child) {
            if (c < 0) continue;
            for (std::int32_t i = 0; i < fronts_[c].boundary; ++i) {
                in_parent_[fronts_[c].rows + i] = row[rows_[fronts_[c].rows + i]];
            }
        }
    }
}

// Edges by front; the last front has all of the boundary, in its order.
void CellShape::assemble_edges() {
    std::vector<std::size_t> front_of;  // by pivot
    for (std::size_t f = 0; f < fronts_.size(); ++f) {
        front_of.resize(front_of.size() + static_cast<std::size_t>(fronts_[f].pivots), f);
    }
    std::vector<std::vector<CellEdge>> of_front(fronts_.size());
    for (const Link& link : links_) {
        const std::size_t f = front_of[static_cast<std::size_t>(link.early)];
        const CellFront& front = fronts_[f];
        const auto* begin = rows_.data() + front.rows;
        const auto place = static_cast<std::int32_t>(
            std::lower_bound(begin, begin + front.boundary, link.late) - begin);
        const std::int32_t late =
            link.late < front.first + front.pivots ? link.late - front.first : front.pivots + place;
        of_front[f].push_back(
            {link.edge, entry_of(size_of(front), late, link.early - front.first)});
    }
    for (std::size_t f = 0; f < fronts_.size(); ++f) {
        fronts_[f].edges = static_cast<std::int32_t>(edges_.size());
        fronts_[f].edge_count = static_cast<std::int32_t>(of_front[f].size());
        edges_.insert(edges_.end(), of_front[f].begin(), of_front[f].end());
    }
}

// Two stacks, of fronts of even and of odd depth: a front's children are on top of the other one.
void CellShape::lay_out() {
    std::vector<int> depth(fronts_.size(), 0);
    for (std::size_t f = fronts_.size(); f-- > 0;) {
        for (std::int32_t c : fronts_[f].child) {
            if (c >= 0) depth[c] = depth[f] + 1;
        }
    }
    std::array<std::int32_t, 2> used{0, 0}, most{0, 0};
    for (std::size_t f = 0; f < fronts_.size(); ++f) {
        CellFront& front = fronts_[f];
        const int parity = depth[f] % 2;
        front.work = used[parity];
        used[parity] += entries_of(front);
        most[parity] = std::max(most[parity], used[parity]);
        for (std::int32_t c : front.child) {
            if (c >= 0) used[1 - parity] -= entries_of(fronts_[c]);
        }
        for (std::int32_t k = 0; k < front.pivots; ++k) {
            factor_size_ += static_cast<std::size_t>(front.pivots - k + front.boundary);
        }
    }
    for (std::size_t f = 0; f < fronts_.size(); ++f) {
        if (depth[f] % 2 == 1) fronts_[f].work += most[0];
    }
    work_size_ = static_cast<std::size_t>(most[0]) + most[1];
}

CellProgram CellShape::program() const {
    return {static_cast<std::int32_t>(fronts_.size()),
            fronts_.data(),
            rows_.data(),
            in_parent_.data(),
            edges_.data(),
            pixels_.data()};
}

}  // namespace colordeploy::propagation
