// What a run prints and writes: the console table and summary, report.json, layers.csv and the page index.html.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "qnet/network.h"
#include "sim/config/config.h"
#include "sim/energy/area.h"
#include "sim/energy/energy.h"
#include "sim/energy/technology.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// What a report says of the network.
struct NetworkSummary {
  std::string name;
  qnet::Provenance provenance;
  std::size_t layers = 0;
  std::int64_t macs = 0;  ///< of one image
};
NetworkSummary summarize(const qnet::Network& network);

/// Which parts of the machine the RTL has, and which only the SystemC model.
inline constexpr const char* kRtlScope = "queues, LOAD, COMPUTE and STORE units, scratchpads, array, PPU";
inline constexpr const char* kSystemCScope = "DRAM, second-level buffer and DMA timing, host, energy";

/// One run with its circumstances.
class Report {
public:
  Report(RunConfig config, Technology technology, NetworkSummary network, RunResult result);

  /// The layers, one a line, in at most 120 columns. Empty at fidelity golden.
  std::string table() const;
  /// Accuracy, time, energy, area, lockstep: a few lines "name   text".
  std::string summary() const;
  nlohmann::ordered_json json() const;
  std::string csv() const;
  /// Area and energy by component.
  std::string components_csv() const;
  /// Writes layers.csv, components.csv, report.json and index.html into the folder, each whole or not at all.
  void write(const std::filesystem::path& folder) const;

  const RunResult& result() const { return result_; }
  const EnergyReport& total_energy() const { return total_; }
  /// Lane cycles used by MACs over lane cycles there are: macs x digits / (cycles x rows x cols).
  double utilisation(const LayerResult& layer) const;
  double utilisation() const;
  const Area& area() const { return area_; }
  /// Giga-operations a second, at the configuration's clock, and mm2; a MAC is two operations.
  double gops_per_mm2(const LayerResult& layer) const;
  double gops_per_mm2() const;

  /// A sum over the images that the engine ran, for one of them.
  double per_image(double value) const;
  double seconds_per_image() const;
  /// Until the outputs of all images of a batch are there.
  double seconds_per_batch() const;
  /// Of all images run.
  std::int64_t total_macs() const;

private:
  double gops_per_mm2(std::int64_t macs, std::int64_t cycles) const;

  RunConfig config_;
  Technology technology_;
  NetworkSummary network_;
  RunResult result_;
  std::vector<EnergyReport> energy_;  ///< by layer
  EnergyReport total_;
  Area area_;
};

std::int64_t dram_bytes(const Events& events);
/// Tera-operations per joule; a MAC is two operations.
double tops_per_watt(std::int64_t macs, double pj);

}  // namespace shiftsim::sim
