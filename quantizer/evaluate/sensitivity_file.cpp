#include "quantizer/evaluate/sensitivity_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include <nlohmann/json.hpp>

#include "common/text_table.h"
#include "common/yaml.h"
#include "quantizer/evaluate/figure_text.h"

namespace shiftsim::quantizer {

namespace {

constexpr const char* kFormat = "shiftsim sensitivity 1";

WidthSensitivity read_width(YamlMap& map, std::set<int>& seen) {
  WidthSensitivity width;
  width.bits = static_cast<int>(map.get_int("bits", 1, 32));
  if (!seen.insert(width.bits).second) map.error("bits", fmt::format("{} bits stand here twice", width.bits));
  width.divergence = map.get_number("divergence", 0, 1e6);
  return width;
}

}  // namespace

std::string to_json(const SensitivityFile& file) {
  nlohmann::ordered_json json = {{"format", kFormat},
                                 {"network", file.network},
                                 {"model", file.model},
                                 {"model_hash", file.model_hash},
                                 {"recipe", file.recipe},
                                 {"recipe_hash", file.recipe_hash},
                                 {"search_images", file.search_images},
                                 {"divergence_images", file.divergence_images}};
  json["layers"] = nlohmann::ordered_json::array();
  for (const LayerSensitivity& layer : file.layers) {
    nlohmann::ordered_json entry = {{"name", layer.name},
                                    {"weights", layer.weights},
                                    {"recipe_bits", layer.recipe_bits},
                                    {"because", layer.policy},
                                    {"varies", layer.varies}};
    for (const WidthSensitivity& width : layer.widths)
      entry["widths"].push_back({{"bits", width.bits},
                                 {"weight_sqnr_db", decibel_json(width.weight_sqnr)},
                                 {"output_sqnr_db", decibel_json(width.output_sqnr)},
                                 {"divergence", width.divergence}});
    json["layers"].push_back(std::move(entry));
  }
  return json.dump(2) + "\n";
}

SensitivityFile read_sensitivity(const std::filesystem::path& path) {
  // JSON is YAML, too, and this reader knows lines.
  YamlMap map = YamlMap::load(path);
  if (const std::string format = map.get_string("format"); format != kFormat)
    map.error("format", fmt::format("found '{}', expected '{}' (quantrun --sensitivity writes it)", format, kFormat));
  SensitivityFile file;
  file.network = map.get_string("network");
  file.model = map.get_string("model");
  file.model_hash = map.get_string("model_hash");
  file.recipe = map.get_string("recipe");
  file.recipe_hash = map.get_string("recipe_hash");
  constexpr long kMany = 1L << 40;
  file.search_images = static_cast<std::size_t>(map.get_int("search_images", 1, kMany));
  file.divergence_images = static_cast<std::size_t>(map.get_int("divergence_images", 1, kMany));
  std::set<std::string> names;
  for (YamlMap& entry : map.get_maps("layers")) {
    LayerSensitivity layer;
    layer.name = entry.get_string("name");
    if (!names.insert(layer.name).second) entry.error("name", fmt::format("layer '{}' stands here twice", layer.name));
    layer.weights = static_cast<std::size_t>(entry.get_int("weights", 1, kMany));
    layer.recipe_bits = static_cast<int>(entry.get_int("recipe_bits", 1, 32));
    layer.policy = entry.get_string("because");
    layer.varies = entry.get_bool("varies");
    std::set<int> seen;
    for (YamlMap& width : entry.get_maps("widths")) layer.widths.push_back(read_width(width, seen));
    if (layer.widths.empty()) entry.error("widths", "none, expected at least one");
    if (!layer.varies && seen.count(layer.recipe_bits) == 0)
      entry.error("widths",
                  fmt::format("layer '{}' has {} bits, which are not among them", layer.name, layer.recipe_bits));
    entry.finish();
    file.layers.push_back(std::move(layer));
  }
  if (file.layers.empty()) map.error("layers", "none, expected at least one");
  map.finish();
  return file;
}

std::string sensitivity_table(const SensitivityFile& file) {
  std::vector<TextTable::Column> columns = {{.title = "layer", .width = kNameWidth, .align = TextAlign::kLeft},
                                            {.title = "weights", .width = 8},
                                            {.title = "recipe", .width = 13}};
  std::vector<TextTable::Heading> headings = {{.text = "", .columns = columns.size()}};
  for (const int bits : kWeightWidths) {
    columns.push_back({.title = "SQNR W", .width = 6});
    columns.push_back({.title = "SQNR A", .width = 6});
    columns.push_back({.title = "KL", .width = 8});
    headings.push_back({.text = fmt::format("{:-^22}", fmt::format(" W{} ", bits)), .columns = 3});
  }
  TextTable table(std::move(columns), std::move(headings));
  std::vector<std::string> names;
  std::vector<std::size_t> order;
  for (const LayerSensitivity& layer : file.layers) {
    order.push_back(names.size());
    names.push_back(layer.name);
  }
  names = clipped_names(names, kNameWidth);
  std::ranges::stable_sort(order, std::greater<>{},
                           [&](std::size_t i) { return file.layers[i].widths.front().divergence; });
  for (const std::size_t i : order) {
    const LayerSensitivity& layer = file.layers[i];
    std::vector<std::string> cells = {names[i], fmt::format("{}", layer.weights),
                                      fmt::format("W{}{}", layer.recipe_bits, layer.varies ? "" : ", " + layer.policy)};
    for (const WidthSensitivity& width : layer.widths) {
      cells.push_back(decibel_text(width.weight_sqnr));
      cells.push_back(decibel_text(width.output_sqnr));
      cells.push_back(fmt::format("{:.2g}", width.divergence));
    }
    table.add_row(std::move(cells));
  }
  return table.text() + fmt::format(
                            "One layer's weights quantized, all else float. SQNR: of its weights and of its output, "
                            "dB. KL: KL divergence\n"
                            "from the float network's output, nats, mean of {} images. Quantizer parameters found on "
                            "{} images. 'first' and\n"
                            "so on: not varied by the search.\n",
                            file.divergence_images, file.search_images);
}

}  // namespace shiftsim::quantizer
