#include "sim/sweep/metrics.h"

#include <algorithm>
#include <limits>

#include "common/error.h"
#include "common/suggestion.h"
#include "common/text.h"

namespace shiftsim::sim {
namespace {

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();
constexpr double kPicojoulesPerJoule = 1e12, kMilliwattsPerWatt = 1e3, kOperationsPerMac = 2;

/// Of runs that take time: not of fidelity golden.
template <double (*Of)(const Report&)>
double timed(const Report& report) {
  return report.result().cycles > 0 ? Of(report) : kAbsent;
}

double cycles(const Report& report) {
  return report.cycles_per_image();
}

double seconds(const Report& report) {
  return report.seconds_per_image();
}

double images_per_second(const Report& report) {
  return report.images_per_second();
}

double energy(const Report& report) {
  return report.per_image(report.total_energy().total());
}

double power(const Report& report) {
  return energy(report) / kPicojoulesPerJoule / seconds(report) * kMilliwattsPerWatt;
}

double dram_traffic(const Report& report) {
  double bytes = 0;
  for (const LayerResult& layer : report.result().layers) bytes += static_cast<double>(dram_bytes(layer.events));
  return report.per_image(bytes);
}

double lanes_busy(const Report& report) {
  return 100 * report.utilisation();
}

double gops(const Report& report) {
  return kOperationsPerMac * report.per_image(static_cast<double>(report.total_macs())) / seconds(report) / 1e9;
}

double chip_area(const Report& report) {
  return report.area().total();
}

double gops_by_area(const Report& report) {
  return gops(report) / chip_area(report);
}

double efficiency(const Report& report) {
  return tops_per_watt(report.total_macs(), report.total_energy().total());
}

}  // namespace

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> all = {
      {"cycles", "", false, "cycles an image", timed<cycles>},
      {"seconds", "s", false, "seconds an image", timed<seconds>},
      {"fps", "images/s", true, "images a second", timed<images_per_second>},
      {"energy", "pJ", false, "energy an image, DRAM included", timed<energy>},
      {"power", "mW", false, "energy an image over seconds an image", timed<power>},
      {"dram_bytes", "bytes", false, "bytes read from and written to DRAM, an image", timed<dram_traffic>},
      {"lanes_busy", "%", true, "MAC lanes that work, of all lanes in all cycles", timed<lanes_busy>},
      {"gops", "GOPS", true, "operations a second, two for a MAC", timed<gops>},
      {"tops_per_watt", "TOPS/W", true, "operations by energy, DRAM included", timed<efficiency>},
      {"area", "mm2", false, "logic and memories of the chip", chip_area},
      {"gops_per_mm2", "GOPS/mm2", true, "operations a second by area", timed<gops_by_area>},
      {"accuracy", "%", true, "of the integers, over the test images", nullptr},
  };
  return all;
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const Metric& metric : metrics()) names.emplace_back(metric.name);
  return names;
}

std::size_t metric_index(const std::string& name) {
  const std::vector<std::string> names = metric_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    fail("found '{}', expected one of {}{}", name, join(names), suggestion(name, names));
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace shiftsim::sim
