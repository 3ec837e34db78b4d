#include "sim/sweep/sweep_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "common/error.h"
#include "common/process.h"
#include "common/yaml.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr const char* kQuantize = "quantize.";

/// What decides an accuracy.
auto accuracy_inputs(const RunConfig& config) {
  return std::make_tuple(config.network, config.images, config.labels, config.test_images);
}

}  // namespace

SweepPlan::SweepPlan(Sweep sweep, fs::path folder)
    : sweep_(std::move(sweep)),
      folder_(std::move(folder)),
      base_(sweep_.base.file),
      points_(sweep_),
      network_combinations_(points_, axes_of_section(kQuantize)),
      accuracy_combinations_(points_, axes_of_accuracy()) {
  list_networks();
  list_accuracies();
}

std::vector<std::size_t> SweepPlan::axes_of_section(const std::string& section) const {
  std::vector<std::size_t> axes;
  for (std::size_t i = 0; i < sweep_.axes.size(); ++i) {
    const std::vector<std::string>& keys = sweep_.axes[i].keys;
    if (std::any_of(keys.begin(), keys.end(), [&](const std::string& key) { return key.starts_with(section); })) {
      axes.push_back(i);
    }
  }
  return axes;
}

/// The axes with a step that names another network or other images than the first.
std::vector<std::size_t> SweepPlan::axes_of_accuracy() const {
  std::set<std::size_t> axes;
  for (const std::size_t axis : axes_of_section(kQuantize)) axes.insert(axis);
  for (std::size_t i = 0; i < sweep_.axes.size(); ++i) {
    const Axis& axis = sweep_.axes[i];
    const auto inputs = [&](std::size_t step) {
      std::vector<std::string> overrides;
      for (std::size_t key = 0; key < axis.keys.size(); ++key) {
        overrides.push_back(fmt::format("{}={}", axis.keys[key], axis.steps[step][key].yaml));
      }
      return accuracy_inputs(base_with(overrides));
    };
    const auto first = inputs(0);
    for (std::size_t step = 1; step < axis.steps.size() && !axes.contains(i); ++step)
      if (inputs(step) != first) axes.insert(i);
  }
  return {axes.begin(), axes.end()};
}

RunConfig SweepPlan::base_with(const std::vector<std::string>& overrides) const {
  std::vector<std::string> all = sweep_.base.overrides;
  all.insert(all.end(), overrides.begin(), overrides.end());
  return base_.read(all, fs::current_path());
}

void SweepPlan::list_networks() {
  if (axes_of_section(kQuantize).empty()) return;
  const std::vector<std::string> keys = sweep_.keys();
  if (std::find(keys.begin(), keys.end(), kNetworkKey) != keys.end()) {
    fail("{}: axes of 'network' and of 'quantize' exclude each other: a network is given or made",
         sweep_.file.string());
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < network_combinations_.size(); ++i) {
    const Steps steps = points_.steps(network_combinations_.first_point(i));
    std::vector<std::string> overrides;
    for (const std::size_t axis : axes_of_section(kQuantize)) {
      for (std::size_t key = 0; key < sweep_.axes[axis].keys.size(); ++key) {
        overrides.push_back(
            fmt::format("{}={}", sweep_.axes[axis].keys[key], sweep_.axes[axis].steps[steps[axis]][key].yaml));
      }
    }
    const QuantizeConfig quantize = base_with(overrides).quantize;
    if (quantize.model.empty() || quantize.calibration.empty()) {
      fail("{}: quantize.model and quantize.calibration are missing: axes of 'quantize' need them in the base",
           sweep_.file.string());
    }
    std::string name = fs::path(quantize.model).stem().string() + "_" + fs::path(quantize.recipe).stem().string();
    if (!quantize.bits.empty()) name += "_" + quantize.bits;
    if (!names.insert(name).second) name = fmt::format("{}_{}", name, i);
    networks_.push_back({quantize, folder_ / "networks" / (name + ".qnet")});
  }
}

void SweepPlan::list_accuracies() {
  std::map<decltype(accuracy_inputs(RunConfig{})), std::size_t> known;
  for (std::size_t i = 0; i < accuracy_combinations_.size(); ++i) {
    const RunConfig config = base_with(overrides(accuracy_combinations_.first_point(i)));
    const auto [place, is_new] = known.emplace(accuracy_inputs(config), accuracies_.size());
    if (is_new) accuracies_.push_back(config);
    accuracy_of_.push_back(place->second);
  }
}

std::vector<std::string> SweepPlan::overrides(std::size_t point) const {
  const Steps steps = points_.steps(point);
  std::vector<std::string> overrides;
  if (!networks_.empty()) {
    const fs::path& network = networks_[network_combinations_.of(point)].network;
    overrides.push_back(fmt::format("{}={}", kNetworkKey, yaml_text(network.string())));
  }
  for (std::size_t axis = 0; axis < steps.size(); ++axis) {
    for (std::size_t key = 0; key < sweep_.axes[axis].keys.size(); ++key) {
      const std::string& path = sweep_.axes[axis].keys[key];
      // How a network is made is no matter of a run that has it.
      if (path.starts_with(kQuantize)) continue;
      overrides.push_back(fmt::format("{}={}", path, sweep_.axes[axis].steps[steps[axis]][key].yaml));
    }
  }
  return overrides;
}

RunConfig SweepPlan::config(std::size_t point) const {
  std::vector<std::string> all = sweep_.base.overrides;
  for (std::string& assignment : overrides(point)) all.push_back(std::move(assignment));
  return base_.load(all);
}

std::string SweepPlan::command(std::size_t point) const {
  std::vector<std::string> words = {"simrun"};
  if (!sweep_.base.file.empty()) words.insert(words.end(), {"--config", sweep_.base.file.string()});
  for (const std::string& assignment : sweep_.base.overrides) words.insert(words.end(), {"--set", assignment});
  for (const std::string& assignment : overrides(point)) words.insert(words.end(), {"--set", assignment});
  return shell_line(words);
}

}  // namespace shiftsim::sim
