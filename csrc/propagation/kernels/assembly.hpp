// What the children of a front add to it.
#pragma once

#include "vectors.hpp"

namespace colordeploy::propagation {
namespace COLORDEPLOY_KERNELS {
namespace {

// target[0..Lanes) += source[0..Lanes), if Lanes of n are left over by twice as many.
template <Index Lanes, typename T>
COLORDEPLOY_INLINE void add_rest(T*& target, const T*& source, Index n) {
    typedef T Some __attribute__((vector_size(Lanes * sizeof(T)), aligned(alignof(T)), may_alias));
    if ((n & Lanes) == 0) return;
    *reinterpret_cast<Some*>(target) += *reinterpret_cast<const Some*>(source);
    target += Lanes;
    source += Lanes;
}

template <typename T>
COLORDEPLOY_INLINE void add_run(T* target, const T* source, Index n) {
    for (Index i = n; i >= kRows; i -= kRows, target += kRows, source += kRows) {
        Vector<T> sum = load(target);
        add(sum, load(source));
        store(target, sum);
    }
    add_rest<4>(target, source, n);
    add_rest<2>(target, source, n);
    if (n & 1) *target += *source;
}

template <typename T>
void extend_add(const Run* runs, Index count, const FrontShape& child, const T* source, Index begin,
                Index end, const AddTarget<T>& target) {
    const Index ground = target.shape.ground();
    for (Index r = 0; r < count; ++r) {
        const Run& own = runs[r];
        const Index last = smaller(own.to + own.length, end);
        for (Index column = own.to < begin ? begin : own.to; column < last; ++column) {
            const Index c = own.from + (column - own.to);
            const T* from = source + child.update_column(c);
            T* to = target.data + target.column(column);
            add_run(to + column + 1, from + c + 1, own.from + own.length - c - 1);
            for (Index later = r + 1; later < count; ++later) {
                add_run(to + runs[later].to, from + runs[later].from, runs[later].length);
            }
            to[ground] += from[child.boundary];
        }
    }
}

}  // namespace
}  // namespace COLORDEPLOY_KERNELS
}  // namespace colordeploy::propagation
