// Cells: the small rectangles at the leaves of the dissection, eliminated several at a time.
//
// A picture of 256x256 pixels has some 400 of them, nearly all alike but for the weights. So each
// lane of a vector is a cell of its own, and one program, made once for all cells that are alike,
// eliminates as many as a vector has lanes: nothing is padded, and every sum is a vector's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include "graph.hpp"
#include "kernels.hpp"

namespace colordeploy::propagation {

// What makes cells alike, in pixels.
struct CellKind {
    std::int32_t height, width;
    std::int32_t open;    // one bit for each side on which the picture goes on
    std::int32_t dy, dx;  // place within the lattice of global points, if it holds one; else -1

    friend bool operator<(const CellKind& a, const CellKind& b) {
        return std::tie(a.height, a.width, a.open, a.dy, a.dx) <
               std::tie(b.height, b.width, b.open, b.dy, b.dx);
    }
};

// A cell's unknowns: its pixels in order of elimination, but for global points, then the boundary:
// the pixels around it and its global points, in raster order.
class CellShape {
 public:
    CellShape(const Grid& grid, const CellKind& kind, int y, int x);

    std::int32_t pivots() const { return pivots_; }
    std::int32_t boundary() const { return static_cast<std::int32_t>(pixels_.size()) - pivots_; }
    // Of the pivots, then of the boundary, for a cell at pixel 0.
    const std::vector<std::int32_t>& pixels() const { return pixels_; }
    std::size_t factor_size() const { return factor_size_; }  // entries of a cell
    std::size_t work_size() const { return work_size_; }
    CellProgram program() const;

    // Calls visit(edge for a cell at pixel 0, unknown, unknown), once each, the later one last.
    template <typename Visit>
    void for_each_edge(Visit&& visit) const {
        for (const Link& link : links_) visit(link.edge, link.early, link.late);
    }

 private:
    struct Link {
        std::int32_t edge, early, late;
    };

    std::int32_t dissect(int y0, int x0, int y1, int x1);
    std::int32_t add_front(int y0, int x0, int y1, int x1, std::vector<std::int32_t> children);
    void find_pixels(const Grid& grid);
    bool in_picture(int y, int x) const;  // of the cell, or one beside it
    bool beside_pivot(int y, int x) const;
    void find_boundaries();
    void assemble_edges();
    void lay_out();

    CellKind kind_;
    std::vector<std::uint8_t> global_;  // by pixel of the cell
    std::int32_t pivots_ = 0;
    std::vector<std::int32_t> places_;  // of the pivots: y * width + x in the cell
    std::vector<std::int32_t> pixels_;
    std::vector<CellFront> fronts_;
    std::vector<std::int32_t> rows_, in_parent_;
    std::vector<CellEdge> edges_;
    std::vector<Link> links_;
    std::size_t factor_size_ = 0, work_size_ = 0;
};

}  // namespace colordeploy::propagation
