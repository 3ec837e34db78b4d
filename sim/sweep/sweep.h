// A sweep: many runs that differ in some keys. What its file says, checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/config/config.h"
#include "sim/sweep/axis.h"
#include "sim/sweep/expression.h"
#include "sim/sweep/sweep_base.h"

namespace shiftsim::sim {

/// A condition that every point meets, and where it stands, for messages.
struct Condition {
  Expression expression;
  std::string place;
};

/// So many of the points, drawn without repetition.
struct RandomPoints {
  std::size_t points = 0;
  std::uint64_t seed = 1;
};

/// A figure that the Pareto front weighs.
struct ParetoMetric {
  std::size_t metric = 0;  ///< in metrics()
  bool more_is_better = false;
};

struct Sweep {
  std::string name;
  std::filesystem::path file;  ///< for messages
  SweepBase base;
  std::vector<Axis> axes;
  std::vector<Condition> where;
  std::optional<RandomPoints> random;
  std::vector<ParetoMetric> pareto;
  std::optional<Fidelity> verify;  ///< the front runs again with this engine

  /// The keys of all axes, in order.
  std::vector<std::string> keys() const;
};

/// The engine of a sweep that names none: the fastest one that gives cycles.
inline constexpr Fidelity kSweepEngine = Fidelity::kTransaction;

/// Reads a sweep file strictly. Relative paths in it count from the folder of 'origin', whose name is the sweep's where
/// the file gives none: 'file' may be a copy of it. Relative paths of 'overrides' (--set) count from the current
/// folder. Throws UserError "FILE:LINE: ...".
Sweep read_sweep(const std::filesystem::path& file, const std::filesystem::path& origin,
                 const std::vector<std::string>& overrides);

/// What stands for the place of a mapping at hand in messages.
inline constexpr const char* kSweepName = "sweep";
/// The same of a mapping at hand. 'origin': a path in the folder that its paths count from, and whose name is the
/// sweep's.
Sweep read_sweep(const YAML::Node& keys, const std::filesystem::path& origin,
                 const std::vector<std::string>& overrides);

}  // namespace shiftsim::sim
