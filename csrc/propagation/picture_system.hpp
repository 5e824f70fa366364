// The propagation system of one picture on the CPU, with all that it looks at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../cancel.hpp"
#include "graph.hpp"
#include "plan.hpp"
#include "solver.hpp"

namespace colordeploy::propagation {

struct Parameters {
    double sigma = 1.0, alpha = 1.0, phi = 1e-8;
    double screening = 0.0;
    int global_step = 12;     // 0: no global points
    bool local_edges = true;  // false leaves the 8-neighbour affinities out
    bool single = false;      // the factor's precision
};

// Gaussian affinities of pixel features (LGA-Net, Eq. 1).
struct Affinities {
    std::shared_ptr<const Plan> plan;
    std::vector<double> local, global;

    // Throws InputError, SolverError, Cancelled.
    Affinities(const View3<const float>& features, const Parameters& parameters, int threads,
               const CancelFlag* cancel);
    // The local ones of others alone.
    static Affinities local_of(const Affinities& others, const CancelFlag* cancel);

    std::size_t bytes() const { return (local.size() + global.size()) * sizeof(double); }

 private:
    Affinities() = default;
};

class PictureSystem {
 public:
    // Throws InputError, SolverError.
    PictureSystem(std::shared_ptr<const Affinities> affinities, const Parameters& parameters,
                  int threads);

    // x of the marked pixels' values, `channels` to a pixel; see Solver::solve. Throws SolverError,
    // Cancelled.
    std::vector<double> solve(const std::uint8_t* mask, const double* values,
                              std::ptrdiff_t channels, const CancelFlag* cancel);

    const std::shared_ptr<const Affinities>& affinities() const { return affinities_; }
    std::size_t bytes() const { return solver_->bytes() + affinities_->bytes(); }

 private:
    std::shared_ptr<const Affinities> affinities_;
    std::unique_ptr<Solver> solver_;
    int threads_;
};

}  // namespace colordeploy::propagation
