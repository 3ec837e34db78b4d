#include "sim/sweep/conditions.h"

#include <algorithm>
#include <filesystem>

#include "common/error.h"
#include "sim/config/settings.h"

namespace shiftsim::sim {

Conditions::Conditions(const Sweep& sweep) : sweep_(sweep) {
  if (sweep.where.empty()) return;
  const RunConfig base = ConfigBase(sweep.base.file).read(sweep.base.overrides, std::filesystem::current_path());
  for (const Condition& condition : sweep.where) {
    std::vector<Source>& sources = sources_.emplace_back();
    for (const std::string& key : condition.expression.keys()) sources.push_back(source_of(key, base));
    found_.emplace_back(sources.size());
  }
}

Conditions::Source Conditions::source_of(const std::string& key, const RunConfig& base) const {
  for (std::size_t axis = 0; axis < sweep_.axes.size(); ++axis) {
    const std::vector<std::string>& keys = sweep_.axes[axis].keys;
    const auto found = std::find(keys.begin(), keys.end(), key);
    if (found == keys.end()) continue;
    Source source{axis, {}, false};
    for (const std::vector<AxisValue>& step : sweep_.axes[axis].steps) {
      source.values.push_back(expression_value(step[static_cast<std::size_t>(found - keys.begin())].written));
    }
    return source;
  }
  for (const auto& setting : settings()) {
    if (setting.path != key) continue;
    const nlohmann::ordered_json value = setting.value(base);
    return {0, {expression_value(value.is_string() ? value.get<std::string>() : value.dump())}, true};
  }
  SHIFTSIM_CHECK(false, "no key {}", key);
  return {};
}

bool Conditions::hold(const std::vector<std::size_t>& steps) {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    for (std::size_t key = 0; key < sources_[i].size(); ++key) {
      const Source& source = sources_[i][key];
      found_[i][key] = &source.values[source.fixed ? 0 : steps[source.axis]];
    }
    try {
      if (!sweep_.where[i].expression.holds(found_[i])) return false;
    } catch (const UserError& error) {
      fail("{}: where: {}", sweep_.where[i].place, error.what());
    }
  }
  return true;
}

}  // namespace shiftsim::sim
