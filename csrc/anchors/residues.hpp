// What an answer lacks at its anchors, carried to places like them.
//
// A network is told of anchors, but need not give their colours. So what is missing there, the
// anchor's colour less the answer's mean in its cell, is added wherever the network's features and
// the lightness are alike, and near: with weights w_i of the anchors i, sum_i w_i r_i / (c + sum_i
// w_i).
#pragma once

#include <cstddef>

#include "../view.hpp"

namespace colordeploy::anchors {

struct Answered {
    Channels<float> ab;            // n values a side for each cell, in ab units; changed
    Channels<const float> tokens;  // the network's features of the cells
    std::ptrdiff_t token_channels;
    Plane<const float> lightness;  // CIE L, 0 to 100, of the answer's size
    const float* mask;             // 1 where an anchor is, of the tokens' size, contiguous
    const float* colors;           // their colours, two planes
};

// An answer nearer to its anchors; as it is without any.
void add_residues(const Answered& answered);

// The same with the lightness that the network saw, (L - 50) / 50, padded: n times the answer's
// size.
void add_residues(Answered answered, const Plane<const float>& gray);

// A row of places and one anchor. Rows are filled up to whole multiples of RESIDUE_BLOCK.
struct ResidueRow {
    const float* alike;      // cosine with the anchor's features
    const float* lightness;  // less the anchor's
    const float* columns;    // in cells, less the anchor's
    float away;              // square of the distance in rows, in cells
    float residue[2];
};
constexpr std::ptrdiff_t RESIDUE_BLOCK = 16;

// What is compiled for each instruction set.
struct ResidueTable {
    // cosines[i] += factor * plane[i] for `n` places.
    void (*project)(const float* plane, float factor, std::ptrdiff_t n, float* cosines);
    // Adds an anchor's weights, and its residues times these.
    void (*add)(const ResidueRow& row, std::ptrdiff_t n, float* total, float* a, float* b);
};

}  // namespace colordeploy::anchors
