#include "sim/config/choices.h"

#include <fmt/format.h>

#include "common/yaml.h"

namespace shiftsim::sim {

std::vector<std::string> overrides_of(const Choices& choices) {
  std::vector<std::string> overrides;
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) overrides.push_back(fmt::format("{}={}", key, yaml_text(value)));
  };
  set("network", choices.network);
  // Other images than the configuration's have other labels, or none.
  if (!choices.images.empty() && choices.labels.empty()) overrides.emplace_back("dataset.labels=''");
  set("dataset.images", choices.images);
  set("dataset.labels", choices.labels);
  set("run.fidelity", choices.fidelity);
  if (choices.threads >= 0) overrides.push_back(fmt::format("run.threads={}", choices.threads));
  return overrides;
}

}  // namespace shiftsim::sim
