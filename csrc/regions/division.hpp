// One region in several colours: who owns each of its pixels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::regions {

// Labels of coarse cells: the region that all pixels of a cell belong to, 0 where a line or another
// region has a part in it. labels: height x width, 0 on lines. Row y belongs to the cell row
// y * rows / height, rounded down; cells: rows x columns, not more than the pixels.
void free_cells(const std::int32_t* labels, std::ptrdiff_t height, std::ptrdiff_t width,
                std::int32_t* cells, std::ptrdiff_t rows, std::ptrdiff_t columns);

struct Division {
    std::ptrdiff_t height, width;
    const std::int32_t* labels;   // 0 on lines
    const std::int32_t* covered;  // lines given to regions
    std::ptrdiff_t rows, columns;
    const std::int32_t* cells;  // of `free_cells`
    const float* shares;        // rows x columns x owners: how much each owner has of a free cell
    std::ptrdiff_t owners;
    const std::int32_t* counts;  // of each label: its owners; less than 2: it is not divided
    const std::int32_t* first;   // of each label: the label of its second owner, then counting on
    const std::int64_t* marks;   // pixels whose owner is certain
    const std::int32_t* marked;  // their owners
    std::ptrdiff_t mark_count;
};

// Labels in which the first owner of a divided region keeps its label and each other one has a
// label of its own; other pixels are as in `covered`. Where cells are free the larger of the
// enlarged shares owns; from there and from the marks owners grow through the region,
// four-connected, first between the lines, then below them. The same for any number of threads.
void divide(const Division& division, int threads, std::int32_t* result);

}  // namespace colordeploy::regions
