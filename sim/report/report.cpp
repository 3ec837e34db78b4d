#include "sim/report/report.h"

#include <utility>

namespace shiftsim::sim {

std::int64_t dram_bytes(const Events& events) {
  return events.dram_read_bytes + events.dram_write_bytes;
}

double tops_per_watt(std::int64_t macs, double pj) {
  return pj > 0 ? 2 * static_cast<double>(macs) / pj : 0;
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

double Report::cycles_per_image() const {
  return per_image(static_cast<double>(result_.cycles));
}

double Report::seconds_per_image() const {
  return cycles_per_image() / (config_.accelerator.clock_mhz * 1e6);
}

double Report::images_per_second() const {
  const double seconds = seconds_per_image();
  return seconds > 0 ? 1 / seconds : 0;
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

}  // namespace shiftsim::sim
