// Assembly and elimination of one separator, by one thread or by a crew.
//
// The matrix is a weighted graph Laplacian plus a non-negative diagonal. It is factorized by the
// multifrontal method on that graph form: a front holds edge weights, and the excess of a diagonal
// over its weights is the weight of an edge to one more vertex, the ground. Weights only ever grow
// by non-negative terms, and a pivot is computed as the sum of its weights (Grassmann, Taksar and
// Heyman 1985), so nothing is ever subtracted and nothing cancels: x is accurate to about
// n * epsilon * max|y| for every weight contrast, also for regions joined to others by phi alone.
//
// For the sum of a column a panel of pivots needs of the rows below it only their sum: these rows
// are joined into one vertex (the tail) while the panel is eliminated in its own rows, and follow
// afterwards all at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../crew.hpp"
#include "failure.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

// What the system is made of, apart from the mask. Non-owning.
struct System {
    const double* local = nullptr;   // 4 planes, see graph.hpp
    const double* global = nullptr;  // packed strict lower triangle
    double alpha = 1.0;
    double phi = 0.0;
    double screening = 0.0;  // of the pixels that are not marked, towards 0
};

// What a front leaves behind.
template <typename T>
struct FrontResult {
    T* packed;  // its columns of the factor, see kernels.hpp
    T* update;  // what it adds to its parent, see FrontShape
};

template <typename T>
class Elimination {
 public:
    Elimination(const Plan& plan, const System& system, const std::uint8_t* mask)
        : plan_(plan), system_(system), mask_(mask), kernels_(kernels<T>()) {}

    // Work memory, in entries, for the separators at the given depth or deeper.
    static std::size_t work_size(const Plan& plan, std::int32_t depth) {
        return plan.work_size(depth) + kPanel * kPanel +
               (plan.largest_rows / (kChunk * kRows) + 1) * kPanel;
    }

    // Called by every member of a crew with the same arguments; they have returned together when
    // all of it is done. updates: of its (up to two) children. Notes a pivot that is not a positive
    // finite number as a failure. Once cancelled, the result is left unfinished.
    void run(const Front& front, const T* const* updates, T* work, const FrontResult<T>& result,
             Failure& failure, Member& member) const;

 private:
    static constexpr std::ptrdiff_t kChunk = 12;    // blocks of rows that are one piece of work
    static constexpr std::ptrdiff_t kColumns = 32;  // assembled or updated as one piece of work

    void assemble(const Front& front, T* work, std::ptrdiff_t begin, std::ptrdiff_t end) const;
    void add_clique(const Front& front, T* work, std::ptrdiff_t begin, std::ptrdiff_t end) const;
    void add_updates(const Front& front, const T* const* updates, const AddTarget<T>& target,
                     std::ptrdiff_t begin, std::ptrdiff_t end) const;
    void eliminate(const Front& front, const FrontData<T>& data, T* rest_of_work, Failure& failure,
                   Member& member) const;
    std::ptrdiff_t eliminate_panel(const FrontData<T>& data, std::ptrdiff_t c0, std::ptrdiff_t c1,
                                   const T* sums, T* inverse) const;

    const Plan& plan_;
    const System system_;
    const std::uint8_t* mask_;
    const Kernels<T>& kernels_;
};

}  // namespace colordeploy::propagation
