#include "quantizer/mixed/bit_assignment.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/suggestion.h"
#include "common/text.h"
#include "common/text_table.h"
#include "common/yaml.h"
#include "quantizer/mixed/mixed_precision.h"
#include "quantizer/recipe/recipe.h"
#include "quantizer/recipe/recipe_library.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFormat = "shiftsim layer costs 1";

WidthCosts read_width(YamlMap& map, std::set<int>& seen, std::vector<std::string>& measures) {
  WidthCosts width;
  width.bits = static_cast<int>(map.get_int("bits", 0, 32));
  if (!seen.insert(width.bits).second) map.error("bits", fmt::format("{} bits stand here twice", width.bits));
  YamlMap costs = map.get_map("costs");
  std::vector<std::string> names = costs.keys();
  std::sort(names.begin(), names.end());
  if (measures.empty()) measures = names;
  if (names.empty() || names != measures)
    map.error("costs", fmt::format("found {}, expected {} as in the first layer", names.empty() ? "none" : join(names),
                                   measures.empty() ? "some" : join(measures)));
  for (const std::string& name : names) width.costs[name] = costs.get_number(name, 0, 1e18);
  map.finish();
  return width;
}

/// A number as people write it: no exponent for what fits.
std::string number(double value) {
  return value == std::round(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value)
                                                              : fmt::format("{:.6g}", value);
}

/// Rounded up to six digits: as a budget it is enough.
std::string number_above(double value) {
  if (value <= 0 || value == std::round(value)) return number(value);
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 5);
  return number(std::ceil(value / unit) * unit);
}

const WidthSensitivity* find_width(const LayerSensitivity& layer, int bits) {
  const auto found = std::find_if(layer.widths.begin(), layer.widths.end(),
                                  [&](const WidthSensitivity& width) { return width.bits == bits; });
  return found == layer.widths.end() ? nullptr : &*found;
}

/// Both files joined: what each layer may be, in the order of the costs.
class Join {
public:
  Join(const SensitivityFile& sensitivity, const fs::path& sensitivity_path, const CostFile& costs,
       const fs::path& cost_path, const std::string& measure)
      : sensitivity_(sensitivity), where_(sensitivity_path.string()), cost_where_(cost_path.string()) {
    for (const LayerSensitivity& layer : sensitivity.layers) check_has_costs(layer, costs);
    for (const LayerCosts& layer : costs.layers) add(layer, measure);
    if (sensitivity.network != costs.network)
      fail("{}: is of the network '{}', {} of '{}'", cost_where_, costs.network, where_, sensitivity.network);
  }

  std::vector<AssignedLayer> layers;              ///< the search's left open
  std::vector<std::vector<WidthChoice>> choices;  ///< as 'layers'

private:
  void check_has_costs(const LayerSensitivity& layer, const CostFile& costs) const {
    std::vector<std::string> names;
    for (const LayerCosts& other : costs.layers) names.push_back(other.name);
    if (std::find(names.begin(), names.end(), layer.name) == names.end())
      fail("{}: has no costs of layer '{}', which is in {}{}", cost_where_, layer.name, where_,
           suggestion(layer.name, names));
  }

  void add(const LayerCosts& layer, const std::string& measure) {
    const auto found = std::find_if(sensitivity_.layers.begin(), sensitivity_.layers.end(),
                                    [&](const LayerSensitivity& other) { return other.name == layer.name; });
    std::vector<WidthChoice> widths;
    AssignedLayer assigned{layer.name, 0, false, 0, 0};
    if (found == sensitivity_.layers.end()) {
      if (layer.widths.size() != 1)
        fail("{}: layer '{}' has costs of {} widths, but {} does not measure it", cost_where_, layer.name,
             layer.widths.size(), where_);
      widths.push_back({layer.widths[0].bits, layer.widths[0].costs.at(measure), 0});
    } else {
      assigned.varies = found->varies;
      for (const WidthCosts& width : layer.widths) {
        if (!found->varies && width.bits != found->recipe_bits) continue;
        const WidthSensitivity* measured = find_width(*found, width.bits);
        if (measured == nullptr) continue;
        // What does not vary has the same part in every assignment: it is left out of the sum that is compared.
        widths.push_back({width.bits, width.costs.at(measure), found->varies ? measured->divergence : 0});
      }
      if (widths.empty())
        fail("{}: layer '{}' has costs of {} bits, expected {} as in {}", cost_where_, layer.name, bits_of(layer),
             found->varies ? "some" : std::to_string(found->recipe_bits), where_);
    }
    layers.push_back(assigned);
    choices.push_back(std::move(widths));
  }

  static std::string bits_of(const LayerCosts& layer) {
    std::vector<int> bits;
    for (const WidthCosts& width : layer.widths) bits.push_back(width.bits);
    return join(bits);
  }

  const SensitivityFile& sensitivity_;
  std::string where_, cost_where_;
};

void take(AssignedLayer& layer, const WidthChoice& choice) {
  layer.bits = choice.bits;
  layer.cost = choice.cost;
  layer.divergence = choice.divergence;
}

std::map<int, AssignedLayer> uniform_totals(const Join& join) {
  std::map<int, AssignedLayer> result;
  for (const int bits : kWeightWidths) {
    AssignedLayer total{fmt::format("W{}", bits), bits, false, 0, 0};
    bool complete = true;
    for (std::size_t i = 0; i < join.layers.size() && complete; ++i) {
      const auto& widths = join.choices[i];
      const auto found = std::find_if(widths.begin(), widths.end(), [&](const WidthChoice& width) {
        return !join.layers[i].varies || width.bits == bits;
      });
      complete = found != widths.end();
      if (!complete) break;
      total.cost += found->cost;
      total.divergence += found->divergence;
    }
    if (complete) result[bits] = total;
  }
  return result;
}

}  // namespace

CostFile read_costs(const fs::path& path) {
  YamlMap map = YamlMap::load(path);
  if (const std::string format = map.get_string("format"); format != kFormat)
    map.error("format", fmt::format("found '{}', expected '{}'", format, kFormat));
  CostFile file;
  file.network = map.get_string("network");
  file.source = map.get_string("source", "");
  std::set<std::string> names;
  for (YamlMap& entry : map.get_maps("layers")) {
    LayerCosts layer;
    layer.name = entry.get_string("name");
    if (!names.insert(layer.name).second) entry.error("name", fmt::format("layer '{}' stands here twice", layer.name));
    std::set<int> seen;
    for (YamlMap& width : entry.get_maps("widths")) layer.widths.push_back(read_width(width, seen, file.measures));
    if (layer.widths.empty()) entry.error("widths", fmt::format("layer '{}' has none", layer.name));
    entry.finish();
    file.layers.push_back(std::move(layer));
  }
  if (file.layers.empty()) map.error("layers", "none, expected at least one");
  map.finish();
  return file;
}

Budget parse_budget(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    fail("--budget: found '{}', expected MEASURE=AMOUNT, e.g. cycles=200000", text);
  Budget budget{text.substr(0, equals), 0};
  const char *first = text.data() + equals + 1, *last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, budget.amount);
  if (error != std::errc() || end != last || !std::isfinite(budget.amount) || budget.amount <= 0)
    fail("--budget: found '{}' for {}, expected a number above 0", text.substr(equals + 1), budget.measure);
  return budget;
}

BitAssignment assign_bits(const SensitivityFile& sensitivity, const fs::path& sensitivity_path, const CostFile& costs,
                          const fs::path& cost_path, const Budget& budget) {
  if (std::find(costs.measures.begin(), costs.measures.end(), budget.measure) == costs.measures.end())
    fail("--budget: {} has no costs in '{}', expected one of {}{}", cost_path.string(), budget.measure,
         join(costs.measures), suggestion(budget.measure, costs.measures));
  const Join join(sensitivity, sensitivity_path, costs, cost_path, budget.measure);
  const auto found = least_divergence(join.choices, budget.amount);
  if (!found)
    fail("--budget: {}={} cannot be met: the least achievable is {}, with each layer at its cheapest width",
         budget.measure, number(budget.amount), number_above(least_cost(join.choices)));
  BitAssignment result;
  result.budget = budget;
  result.cost = found->cost;
  result.divergence = found->divergence;
  result.layers = join.layers;
  for (std::size_t i = 0; i < result.layers.size(); ++i) take(result.layers[i], join.choices[i][found->chosen[i]]);
  result.uniform = uniform_totals(join);
  return result;
}

std::string assignment_table(const BitAssignment& assignment) {
  TextTable table({{.title = "layer", .width = 40, .align = TextAlign::kLeft},
                   {.title = "W", .width = 4},
                   {.title = assignment.budget.measure, .width = 14},
                   {.title = "KL", .width = 12}});
  const auto line = [&](const std::string& name, const std::string& bits, double cost, const std::string& divergence) {
    table.add_row({name, bits, number(cost), divergence});
  };
  for (const AssignedLayer& layer : assignment.layers)
    line(layer.name, layer.bits > 0 ? std::to_string(layer.bits) : "", layer.cost,
         layer.varies ? fmt::format("{:.3g}", layer.divergence) : "fixed");
  line("total", "", assignment.cost, fmt::format("{:.3g}", assignment.divergence));
  for (const auto& [bits, total] : assignment.uniform)
    line(fmt::format("all W{}", bits), "", total.cost, fmt::format("{:.3g}", total.divergence));
  return table.text() + fmt::format("budget {}={}; KL: KL divergence of single layers; their sum is an estimate\n",
                                    assignment.budget.measure, number(assignment.budget.amount));
}

std::string assignment_json(const BitAssignment& assignment) {
  nlohmann::ordered_json json = {
      {"format", "shiftsim bit assignment 1"},
      {"budget", {{"measure", assignment.budget.measure}, {"amount", assignment.budget.amount}}},
      {"cost", assignment.cost},
      {"divergence", assignment.divergence}};
  json["layers"] = nlohmann::ordered_json::array();
  for (const AssignedLayer& layer : assignment.layers)
    json["layers"].push_back({{"name", layer.name},
                              {"bits", layer.bits},
                              {"varies", layer.varies},
                              {"cost", layer.cost},
                              {"divergence", layer.divergence}});
  json["uniform"] = nlohmann::ordered_json::array();
  for (const auto& [bits, total] : assignment.uniform)
    json["uniform"].push_back({{"bits", bits}, {"cost", total.cost}, {"divergence", total.divergence}});
  return json.dump(2) + "\n";
}

std::string assignment_recipe(const BitAssignment& assignment, const RecipeSources& base, const fs::path& path) {
  const Recipe recipe = load_recipe(base);
  const fs::path folder = fs::weakly_canonical(fs::absolute(path)).parent_path();
  const fs::path file = fs::weakly_canonical(fs::absolute(*base.file));
  YAML::Emitter yaml;
  yaml << YAML::BeginMap << YAML::Key << "extends" << YAML::Value
       << (is_library_recipe(file) ? file.stem().string() : file.lexically_relative(folder).string());
  if (base.widths) {
    yaml << YAML::Key << "weight_bits" << YAML::Value << base.widths->weights;
    yaml << YAML::Key << "activation_bits" << YAML::Value << base.widths->activations;
  }
  yaml << YAML::Key << "layers" << YAML::Value << YAML::BeginMap;
  for (const AssignedLayer& layer : assignment.layers) {
    if (!layer.varies) continue;
    yaml << YAML::Key << layer.name << YAML::Value << YAML::Flow << YAML::BeginMap;
    yaml << YAML::Key << "weight_bits" << YAML::Value << layer.bits;
    const auto found = recipe.layers.find(layer.name);
    if (found != recipe.layers.end() && found->second.activation_bits)
      yaml << YAML::Key << "activation_bits" << YAML::Value << *found->second.activation_bits;
    yaml << YAML::EndMap;
  }
  yaml << YAML::EndMap << YAML::EndMap;
  return fmt::format("# Mixed precision by quantrun --assign-bits: {}={}, predicted {}, KL divergence {:.4g}.\n{}\n",
                     assignment.budget.measure, number(assignment.budget.amount), number(assignment.cost),
                     assignment.divergence, yaml.c_str());
}

}  // namespace shiftsim::quantizer
