// A sweep ready to run: its points as configurations, and what is made once for many of them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/config/config_base.h"
#include "sim/sweep/combinations.h"
#include "sim/sweep/points.h"
#include "sim/sweep/sweep.h"

namespace shiftsim::sim {

constexpr const char* kNetworkKey = "network";  // of a configuration

/// A network that the axes of 'quantize' ask for.
struct NetworkToMake {
  QuantizeConfig quantize;
  std::filesystem::path network;  ///< where it is, once made
};

class SweepPlan {
public:
  /// 'folder': of the sweep's results; the networks to make come to stand in it. Throws UserError.
  SweepPlan(Sweep sweep, std::filesystem::path folder);
  SweepPlan(const SweepPlan&) = delete;
  SweepPlan& operator=(const SweepPlan&) = delete;

  const Sweep& sweep() const { return sweep_; }
  const std::filesystem::path& folder() const { return folder_; }
  const Points& points() const { return points_; }

  /// What all points have in common, before 'auto' is resolved.
  RunConfig base() const { return base_with({}); }
  /// The point's own keys, as --set takes them.
  std::vector<std::string> overrides(std::size_t point) const;
  /// Throws UserError where the point's keys do not fit each other.
  RunConfig config(std::size_t point) const;
  /// What to type to run the point alone.
  std::string command(std::size_t point) const;

  const std::vector<NetworkToMake>& networks() const { return networks_; }
  /// Networks and images whose accuracy is measured, and which of them is a point's.
  const std::vector<RunConfig>& accuracies() const { return accuracies_; }
  std::size_t accuracy_of(std::size_t point) const { return accuracy_of_[accuracy_combinations_.of(point)]; }

private:
  std::vector<std::size_t> axes_of_section(const std::string& section) const;
  std::vector<std::size_t> axes_of_accuracy() const;
  RunConfig base_with(const std::vector<std::string>& overrides) const;
  void list_networks();
  void list_accuracies();

  Sweep sweep_;
  std::filesystem::path folder_;
  ConfigBase base_;
  Points points_;
  Combinations network_combinations_;
  std::vector<NetworkToMake> networks_;  ///< by combination; empty: no axis asks for one
  Combinations accuracy_combinations_;
  std::vector<RunConfig> accuracies_;
  std::vector<std::size_t> accuracy_of_;  ///< by combination
};

}  // namespace shiftsim::sim
