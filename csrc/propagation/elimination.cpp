#include "elimination.hpp"

#include <algorithm>

namespace colordeploy::propagation {

template <typename T>
void Elimination<T>::run(const Front& front, const T* const* updates, T* work,
                         const FrontResult<T>& result, Failure& failure, Member& member) const {
    const FrontShape shape = front.shape();
    const std::ptrdiff_t pivots = padded(shape.pivots);
    const FrontData<T> data{shape, work, result.packed};
    member.share(pivots, kColumns, [&](std::ptrdiff_t a, std::ptrdiff_t b) {
        assemble(front, work, a, b);
        add_updates(front, updates, {shape, false, work}, a, b);
    });
    eliminate(front, data, work + pivots * shape.rows(), failure, member);
    // What the pivots add and what the children do, for some columns at a time: they stay in the
    // cache in between.
    member.share(padded(shape.boundary), kColumns, [&](std::ptrdiff_t a, std::ptrdiff_t b) {
        kernels_.update(shape, result.packed, result.update, a, b);
        add_updates(front, updates, {shape, true, result.update}, pivots + a, pivots + b);
    });
}

// The columns [begin, end) of the front's pivots, as the picture alone makes them.
template <typename T>
void Elimination<T>::assemble(const Front& front, T* work, std::ptrdiff_t begin,
                              std::ptrdiff_t end) const {
    const FrontShape shape = front.shape();
    const std::ptrdiff_t rows = shape.rows();
    std::fill_n(work + begin * rows, (end - begin) * rows, T(0));
    const FrontEdge* last = plan_.edges.data() + front.edge_begin + front.edge_count;
    const FrontEdge* edge = std::lower_bound(
        last - front.edge_count, last, begin,
        [](const FrontEdge& e, std::ptrdiff_t column) { return e.column < column; });
    for (; edge != last && edge->column < end; ++edge) {
        work[edge->row + edge->column * rows] =
            static_cast<T>(system_.alpha * system_.local[edge->edge] + system_.phi);
    }
    T* ground = work + shape.ground();
    for (std::ptrdiff_t k = begin; k < std::min(end, shape.pivots); ++k) {
        const bool marked = mask_[plan_.pixel_at[front.first_pivot + k]];
        ground[k * rows] = marked ? T(1) : static_cast<T>(system_.screening);
    }
    const bool holds_clique = front.parent < 0 && plan_.grid.global_points() > 1;
    if (holds_clique && system_.global != nullptr) add_clique(front, work, begin, end);
}

template <typename T>
void Elimination<T>::add_clique(const Front& front, T* work, std::ptrdiff_t begin,
                                std::ptrdiff_t end) const {
    const std::ptrdiff_t rows = front.shape().rows(), n = front.pivots;
    constexpr std::ptrdiff_t kTile = 16;  // transposed by tiles: both sides stay in the cache
    for (std::ptrdiff_t top = begin; top < n; top += kTile) {
        for (std::ptrdiff_t i = std::max(top, begin + 1); i < std::min(top + kTile, n); ++i) {
            const double* row = system_.global + pair_index(i, 0);
            for (std::ptrdiff_t j = begin; j < std::min(end, i); ++j) {
                work[i + j * rows] += static_cast<T>(system_.alpha * row[j]);
            }
        }
    }
}

// What the children add to the columns [begin, end).
template <typename T>
void Elimination<T>::add_updates(const Front& front, const T* const* updates,
                                 const AddTarget<T>& target, std::ptrdiff_t begin,
                                 std::ptrdiff_t end) const {
    for (std::size_t i = 0; i < front.children.size(); ++i) {
        if (front.children[i] < 0) continue;
        const Front& child = plan_.fronts[front.children[i]];
        kernels_.extend_add(plan_.runs.data() + child.run_begin,
                            static_cast<std::ptrdiff_t>(child.run_count), child.shape(), updates[i],
                            begin, end, target);
    }
}

template <typename T>
void Elimination<T>::eliminate(const Front& front, const FrontData<T>& data, T* rest_of_work,
                               Failure& failure, Member& member) const {
    const FrontShape shape = data.shape;
    T *inverse = rest_of_work, *sums = inverse + kPanel * kPanel;
    for (std::ptrdiff_t c0 = 0; c0 < shape.pivots; c0 += kPanel) {
        const std::ptrdiff_t c1 = std::min(c0 + kPanel, shape.pivots);
        const std::ptrdiff_t own = c0 / kRows, below = padded(c1) / kRows;
        const std::ptrdiff_t rest = shape.blocks() - below;
        const auto gather = [&](std::ptrdiff_t a, std::ptrdiff_t b) {
            if (a == 0) kernels_.gather(data, c0, c1, own, below, nullptr);
            kernels_.gather(data, c0, c1, below + a, below + b, sums + a / kChunk * kPanel);
        };
        member.share(rest, kChunk, gather, [&] {
            const std::ptrdiff_t failed = eliminate_panel(data, c0, c1, sums, inverse);
            if (failed < 0) return;
            failure.set_position(front.first_pivot + static_cast<std::int32_t>(failed));
        });
        member.share(rest, kChunk, [&](std::ptrdiff_t a, std::ptrdiff_t b) {
            kernels_.solve_rows(data, c0, c1, below + a, below + b, inverse);
        });
    }
}

// The panel's own rows, when all that comes before is gathered.
template <typename T>
std::ptrdiff_t Elimination<T>::eliminate_panel(const FrontData<T>& data, std::ptrdiff_t c0,
                                               std::ptrdiff_t c1, const T* sums, T* inverse) const {
    const std::ptrdiff_t rest = data.shape.blocks() - padded(c1) / kRows;
    T tail[kPanel] = {};
    for (std::ptrdiff_t chunk = 0; chunk * kChunk < rest; ++chunk) {
        for (std::ptrdiff_t k = 0; k < c1 - c0; ++k) tail[k] += sums[chunk * kPanel + k];
    }
    const std::ptrdiff_t failed = kernels_.eliminate(data, c0, c1, tail);
    if (failed < 0) kernels_.invert(data.shape, data.packed, c0, c1, inverse);
    return failed;
}

template class Elimination<double>;
template class Elimination<float>;

}  // namespace colordeploy::propagation
