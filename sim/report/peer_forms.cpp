#include "sim/report/peer_forms.h"

#include <algorithm>

namespace shiftsim::sim {
namespace {

std::int64_t pieces(std::int64_t whole, std::int64_t piece) {
  return (whole + piece - 1) / piece;
}

}  // namespace

std::int64_t scale_sim_ws(const MatrixProduct& p, const ArraySize& a) {
  return p.groups * (pieces(p.k, a.rows) * pieces(p.n, a.cols) * (2 * a.rows + a.cols + p.m - 2) - 1);
}

std::int64_t scale_sim_os(const MatrixProduct& p, const ArraySize& a) {
  return p.groups * (pieces(p.m, a.rows) * pieces(p.n, a.cols) * (a.rows + a.cols + p.k - 2) - 1);
}

std::int64_t scale_sim_is(const MatrixProduct& p, const ArraySize& a) {
  return p.groups * (pieces(p.k, a.rows) * pieces(p.m, a.cols) * (2 * a.rows + a.cols + p.n - 2) - 1);
}

std::int64_t stonne_os(const MatrixProduct& p, const ArraySize& a) {
  std::int64_t cycles = 0;
  for (std::int64_t m = 0; m < p.m; m += a.rows)
    for (std::int64_t n = 0; n < p.n; n += a.cols) {
      const std::int64_t rows = std::min(a.rows, p.m - m), cols = std::min(a.cols, p.n - n);
      cycles += p.k + rows + cols + 2 + (rows > 1 ? 1 : 0);
    }
  return p.groups * cycles;
}

}  // namespace shiftsim::sim
