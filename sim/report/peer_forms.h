// What other simulators would say: the closed forms of SCALE-Sim v2 and STONNE for one matrix product on an array of
// R rows and C columns. They fit those programs' output on every layer of ResNet-18 (tests/sim/comparison_test.cpp).
#pragma once

#include <cstdint>

namespace shiftsim::sim {

/// A layer as a product of matrices, a 'groups' times: M output pixels, N filters, K = kernel x input channels.
struct MatrixProduct {
  std::int64_t m = 1, n = 1, k = 1, groups = 1;

  std::int64_t macs() const { return m * n * k * groups; }
};

/// R x C processing elements.
struct ArraySize {
  std::int64_t rows = 16, cols = 16;
};

/// Weight-stationary: ceil(K/R) ceil(N/C) (2R + C + M - 2) - 1 cycles a group.
std::int64_t scale_sim_ws(const MatrixProduct& product, const ArraySize& array);
/// Output-stationary: ceil(M/R) ceil(N/C) (R + C + K - 2) - 1 cycles a group.
std::int64_t scale_sim_os(const MatrixProduct& product, const ArraySize& array);
/// Input-stationary: ceil(K/R) ceil(M/C) (2R + C + N - 2) - 1 cycles a group.
std::int64_t scale_sim_is(const MatrixProduct& product, const ArraySize& array);
/// STONNE's output-stationary TPU: over the tiles of a group K + rows + cols + 2, and 1 more with several rows
/// (output pixels); each tile has its own rows and columns.
std::int64_t stonne_os(const MatrixProduct& product, const ArraySize& array);

}  // namespace shiftsim::sim
