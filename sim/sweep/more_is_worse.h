// More is never worse: a larger memory or queue, more bandwidth, less latency leave every mapping of the poorer machine
// possible. Where a point costs more nevertheless, the compiler picked badly, and comparing the two compares accidents.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/sweep/row.h"
#include "sim/sweep/sweep_plan.h"

namespace shiftsim::sim {

/// A key of which more helps, or less.
struct Resource {
  const char* key;
  bool more_helps;
};
const std::vector<Resource>& resources();

/// Two points that differ in one resource. The richer one costs more.
struct MoreIsWorse {
  std::size_t poorer = 0, richer = 0;  ///< points
  std::string key;
  std::size_t metric = 0;          ///< in metrics()
  double excess = 0, allowed = 0;  ///< parts of the poorer one's figure
};

/// All of them, by point. The objective of a point's mapping decides what may grow by how much: balanced, cycles by
/// 2 %; cycles, cycles by 0.1 %; dram_bytes, DRAM traffic by 0.1 %.
std::vector<MoreIsWorse> more_is_worse(const SweepPlan& plan, const std::vector<Row>& rows);

}  // namespace shiftsim::sim
