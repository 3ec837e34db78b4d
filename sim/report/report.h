// A run with its circumstances, and the figures that follow from both. Its forms are apart: layer_table.h, summary.h,
// report_json.h and report_csv.h; report_files.h writes them.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/config/config.h"
#include "sim/energy/area.h"
#include "sim/energy/energy.h"
#include "sim/energy/technology.h"
#include "sim/report/network_summary.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

class Report {
public:
  Report(RunConfig config, Technology technology, NetworkSummary network, RunResult result);

  const RunConfig& config() const { return config_; }
  const AcceleratorConfig& accelerator() const { return config_.accelerator; }
  const Technology& technology() const { return technology_; }
  const NetworkSummary& network() const { return network_; }
  const RunResult& result() const { return result_; }
  /// Whether the run has layers and cycles: not at fidelity golden.
  bool timed() const { return !result_.layers.empty(); }

  /// By layer, of all images run.
  const std::vector<EnergyReport>& layer_energy() const { return energy_; }
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
  double cycles_per_image() const;
  double seconds_per_image() const;
  double images_per_second() const;
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
