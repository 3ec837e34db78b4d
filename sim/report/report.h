// What a run prints and writes: the console table and summary, report.json and layers.csv.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "qnet/network.h"
#include "sim/config/config.h"
#include "sim/energy/energy.h"
#include "sim/energy/technology.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// One run with its circumstances. The references must outlive it.
class Report {
public:
  Report(const RunConfig& config, const Technology& technology, const qnet::Network& network, const RunResult& result);

  /// The layers, one a line, in at most 120 columns. Empty at fidelity golden.
  std::string table() const;
  /// Accuracy, time, energy, lockstep: a few lines "name   text".
  std::string summary() const;
  nlohmann::ordered_json json() const;
  std::string csv() const;
  /// Writes FOLDER/layers.csv and FOLDER/report.json, each whole or not at all.
  void write(const std::filesystem::path& folder) const;

  const EnergyReport& total_energy() const { return total_; }
  /// Lane cycles used by MACs over lane cycles there are: macs x digits / (cycles x rows x cols).
  double utilisation(const LayerResult& layer) const;
  double utilisation() const;

private:
  double per_image(double value) const;
  double seconds_per_image() const;
  std::int64_t total_macs() const;

  const RunConfig& config_;
  const Technology& technology_;
  const qnet::Network& network_;
  const RunResult& result_;
  std::vector<EnergyReport> energy_;  ///< by layer
  EnergyReport total_;
};

/// 950, 12.3k, 4.56M, 789M, 1.23G: at most 5 characters.
std::string short_number(double value);
/// 1,234,567
std::string with_commas(std::int64_t value);

}  // namespace shiftsim::sim
