#include "sim/report/report.h"

#include <utility>

#include "common/atomic_file.h"
#include "sim/pages/pages.h"

namespace shiftsim::sim {
namespace {

constexpr const char* kReportFile = "report.json";
constexpr const char* kLayersFile = "layers.csv";
constexpr const char* kPageFile = "index.html";
constexpr const char* kComponentsFile = "components.csv";

}  // namespace

std::int64_t dram_bytes(const Events& events) {
  return events.dram_read_bytes + events.dram_write_bytes;
}

double tops_per_watt(std::int64_t macs, double pj) {
  return pj > 0 ? 2 * static_cast<double>(macs) / pj : 0;
}

NetworkSummary summarize(const qnet::Network& network) {
  NetworkSummary summary{network.name, network.provenance, 0, 0};
  for (const qnet::Layer& layer : network.layers) {
    if (layer.is_view()) continue;
    ++summary.layers;
    summary.macs += qnet::macs(network, layer);
  }
  return summary;
}

Report::Report(RunConfig config, Technology technology, NetworkSummary network, RunResult result)
    : config_(std::move(config)),
      technology_(std::move(technology)),
      network_(std::move(network)),
      result_(std::move(result)),
      area_(sim::area(config_.accelerator, technology_)) {
  for (const LayerResult& layer : result_.layers) {
    energy_.push_back(energy(layer.events, config_.accelerator, technology_));
    total_ += energy_.back();
  }
}

double Report::utilisation(const LayerResult& layer) const {
  const double there = static_cast<double>(layer.cycles) * config_.accelerator.array.mac_lanes();
  return there > 0 ? static_cast<double>(layer.macs) * layer.digits / there : 0;
}

double Report::utilisation() const {
  double used = 0;
  for (const LayerResult& layer : result_.layers) used += static_cast<double>(layer.macs) * layer.digits;
  const double there = static_cast<double>(result_.cycles) * config_.accelerator.array.mac_lanes();
  return there > 0 ? used / there : 0;
}

double Report::per_image(double value) const {
  return result_.images > 0 ? value / static_cast<double>(result_.images) : 0;
}

double Report::seconds_per_image() const {
  return per_image(static_cast<double>(result_.cycles)) / (config_.accelerator.clock_mhz * 1e6);
}

double Report::seconds_per_batch() const {
  return result_.batch * seconds_per_image();
}

std::int64_t Report::total_macs() const {
  std::int64_t macs = 0;
  for (const LayerResult& layer : result_.layers) macs += layer.macs;
  return macs;
}

double Report::gops_per_mm2(const LayerResult& layer) const {
  return gops_per_mm2(layer.macs, layer.cycles);
}

double Report::gops_per_mm2() const {
  return gops_per_mm2(total_macs(), result_.cycles);
}

double Report::gops_per_mm2(std::int64_t macs, std::int64_t cycles) const {
  const double ns = static_cast<double>(cycles) * 1000 / config_.accelerator.clock_mhz;
  return ns > 0 && area_.total() > 0 ? 2 * static_cast<double>(macs) / ns / area_.total() : 0;
}

void Report::write(const std::filesystem::path& folder) const {
  write_file_atomically(folder / kLayersFile, csv());
  write_file_atomically(folder / kComponentsFile, components_csv());
  // A path of the user's need not be UTF-8; JSON must be.
  const std::string text = json().dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  write_file_atomically(folder / kReportFile, text + "\n");
  write_file_atomically(folder / kPageFile, report_page(text));
}

}  // namespace shiftsim::sim
