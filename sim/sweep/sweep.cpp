#include "sim/sweep/sweep.h"

#include <algorithm>
#include <climits>
#include <set>

#include "common/error.h"
#include "common/suggestion.h"
#include "common/text.h"
#include "sim/config/settings.h"
#include "sim/sweep/limits.h"
#include "sim/sweep/metrics.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFidelityKey = "run.fidelity";

/// Reads one sweep; its parts find each other here.
class Reader {
public:
  Reader(const YamlMap& root, const std::string& name, const fs::path& origin)
      : root_(root), folder_(fs::absolute(origin).parent_path()) {
    sweep_.file = name;
    sweep_.name = origin.stem().string();
  }

  Sweep read(const std::vector<std::string>& overrides) {
    read_name();
    sweep_.base = read_sweep_base(root_, folder_, overrides);
    base_.emplace(sweep_.base.file);
    read_axes();
    read_zip();
    if (sweep_.axes.empty()) fail("{}: found no axes, expected 'axes' or 'zip'", sweep_.file.string());
    read_where();
    read_random();
    read_pareto();
    read_engines();
    root_.finish();
    return std::move(sweep_);
  }

private:
  void read_name() {
    sweep_.name = root_.get_string("name", sweep_.name);
    if (is_plain_name(sweep_.name)) return;
    const std::string expected = "letters, digits, '_', '-' and '.' (it names a folder)";
    if (root_.has("name")) root_.error("name", fmt::format("found '{}', expected {}", sweep_.name, expected));
    fail("{}: 'name' is missing, and the file's own name is no name of {}", sweep_.file.string(), expected);
  }

  void read_axes() {
    YamlMap axes = root_.get_map("axes", true);
    for (const std::string& key : axes.keys()) {
      Axis& axis = sweep_.axes.emplace_back();
      add_key(axes, key, axis);
    }
    axes.finish();
  }

  void read_zip() {
    if (!root_.has("zip")) return;
    std::vector<YamlMap> groups = root_.get_maps("zip");
    for (YamlMap& group : groups) {
      Axis& axis = sweep_.axes.emplace_back();
      for (const std::string& key : group.keys()) add_key(group, key, axis);
      if (axis.keys.empty()) root_.error("zip", "found a group without keys");
      group.finish();
    }
  }

  void add_key(YamlMap& map, const std::string& key, Axis& axis) {
    const std::vector<YamlScalar> values = axis_scalars(map, key);
    if (!keys_.insert(key).second) map.error(key, "the key has an axis already");
    if (!axis.keys.empty() && values.size() != axis.steps.size()) {
      map.error(key, fmt::format("found {} values, expected {}, as {} has", values.size(), axis.steps.size(),
                                 axis.keys.front()));
    }
    axis.steps.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      axis.steps[i].push_back({values[i].text, override_value(*base_, folder_, map, key, key, values[i])});
    }
    axis.keys.push_back(key);
  }

  void read_where() {
    if (!root_.has("where")) return;
    for (const YamlScalar& text : root_.get_scalars("where")) {
      try {
        const Expression expression(text.text);
        for (const std::string& key : expression.keys()) check_where_key(key);
        sweep_.where.push_back({expression, root_.place("where")});
      } catch (const UserError& error) {
        root_.error("where", error.what());
      }
    }
  }

  void check_where_key(const std::string& key) const {
    std::vector<std::string> known(keys_.begin(), keys_.end());
    for (const auto& setting : settings()) known.push_back(setting.path);
    if (std::find(known.begin(), known.end(), key) != known.end()) return;
    fail("{}: unknown key{}", key, suggestion(key, known));
  }

  void read_random() {
    if (root_.has("random")) {
      YamlMap random = root_.get_map("random");
      sweep_.random =
          RandomPoints{static_cast<std::size_t>(random.get_int("points", 1, static_cast<long>(kMostPoints))),
                       static_cast<std::uint64_t>(random.get_int("seed", 0, LONG_MAX, 1))};
      random.finish();
      return;
    }
    double points = 1;
    for (const Axis& axis : sweep_.axes) points *= static_cast<double>(axis.steps.size());
    if (points <= static_cast<double>(kMostPoints)) return;
    const std::string message =
        fmt::format("found {:.0f} points, expected at most {}; with 'random: {{points: N}}' so many of them are drawn",
                    points, kMostPoints);
    root_.error(root_.has("axes") ? "axes" : "zip", message);
  }

  void read_pareto() {
    if (!root_.has("pareto")) {
      add_pareto("cycles", std::nullopt);
      add_pareto("energy", std::nullopt);
      return;
    }
    if (root_.is_map("pareto")) {
      YamlMap chosen = root_.get_map("pareto");
      for (const std::string& name : chosen.keys()) {
        const bool more = chosen.get_choice(name, {"min", "max"}) == "max";
        add_pareto(name, more);
      }
      return;
    }
    for (const YamlScalar& scalar : root_.get_scalars("pareto")) {
      const std::size_t colon = scalar.text.find(':');
      if (colon == std::string::npos) {
        add_pareto(scalar.text, std::nullopt);
        continue;
      }
      const std::string direction = scalar.text.substr(0, colon);
      if (direction != "min" && direction != "max") {
        root_.error("pareto", fmt::format("found '{}', expected min:METRIC or max:METRIC", scalar.text));
      }
      add_pareto(scalar.text.substr(colon + 1), direction == "max");
    }
    if (sweep_.pareto.empty()) root_.error("pareto", "found an empty list, expected metrics");
  }

  void add_pareto(const std::string& name, std::optional<bool> more_is_better) {
    std::size_t metric = 0;
    try {
      metric = metric_index(name);
    } catch (const UserError& error) {
      root_.error("pareto", error.what());
    }
    for (const ParetoMetric& chosen : sweep_.pareto)
      if (chosen.metric == metric) root_.error("pareto", fmt::format("{} stands there twice", name));
    sweep_.pareto.push_back({metric, more_is_better.value_or(metrics()[metric].more_is_better)});
  }

  void read_engines() {
    if (root_.has("engine") && keys_.contains(kFidelityKey)) {
      root_.error("engine", fmt::format("{} has an axis: the engine is said twice", kFidelityKey));
    }
    const std::string engine = root_.get_choice("engine", fidelity_names(), to_string(kSweepEngine));
    if (!keys_.contains(kFidelityKey)) {
      sweep_.base.overrides.push_back(fmt::format("{}={}", kFidelityKey, yaml_text(engine)));
    }
    const bool verified = root_.get_choice("verify", {"none", "front"}, "none") == "front";
    const std::vector<std::string> exact = {to_string(Fidelity::kCycle), to_string(Fidelity::kLockstep)};
    const std::string verifier = root_.get_choice("verify_engine", exact, exact.front());
    if (verified) sweep_.verify = fidelity_from(verifier);
  }

  YamlMap root_;
  fs::path folder_;
  Sweep sweep_;
  std::optional<ConfigBase> base_;
  std::set<std::string> keys_;
};

}  // namespace

std::vector<std::string> Sweep::keys() const {
  std::vector<std::string> all;
  for (const Axis& axis : axes) all.insert(all.end(), axis.keys.begin(), axis.keys.end());
  return all;
}

Sweep read_sweep(const fs::path& file, const fs::path& origin, const std::vector<std::string>& overrides) {
  return Reader(YamlMap::load(file), file.string(), origin).read(overrides);
}

Sweep read_sweep(const YAML::Node& keys, const fs::path& origin, const std::vector<std::string>& overrides) {
  return Reader(YamlMap(keys, kSweepName), kSweepName, origin).read(overrides);
}

}  // namespace shiftsim::sim
