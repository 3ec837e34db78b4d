#include "quantizer/evaluate/diagnosis_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/text.h"

namespace shiftsim::quantizer {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNameWidth = 24;
constexpr double kWorthAdvice = 0.01;   // of the signal's power
constexpr double kDominates = 2.0 / 3;  // of the noise
constexpr double kWorthFreeing = 1;     // dB lost to powers of two

std::string shortened(const std::string& name) {
  return name.size() <= kNameWidth ? name : ".." + name.substr(name.size() - kNameWidth + 2);
}

std::string decibel_text(double value) {
  if (std::isinf(value)) return "exact";
  return fmt::format("{:.1f}", std::abs(value) < 0.05 ? 0.0 : value);  // never "-0.0"
}

double percent(std::size_t part, std::size_t whole) {
  return whole > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0;
}

/// Short, and told from nothing at all.
std::string percent_text(double value) {
  if (value == 0) return ".";
  if (std::abs(value) < 0.05) return value > 0 ? "<0.1" : ">-0.1";
  return fmt::format("{:.1f}", value);
}

std::string percent_text(std::size_t part, std::size_t whole) {
  return percent_text(percent(part, whole));
}

std::string count_text(std::size_t count) {
  return count == 0 ? "." : fmt::format("{}", count);
}

std::string range_text(const std::vector<int>& values) {
  if (values.empty()) return "-";
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *low == *high ? fmt::format("{}", *low) : fmt::format("{}..{}", *low, *high);
}

/// How many exponents learning moved.
std::size_t changed(const std::vector<int>& before, const std::vector<int>& after) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i)
    if (before[i] != after[i]) ++count;
  return count;
}

std::string exponents_text(const std::vector<int>& before, const std::vector<int>& after) {
  const std::size_t moved = changed(before, after);
  if (moved == 0) return range_text(after);
  return fmt::format("{} > {} ({})", range_text(before), range_text(after), moved);
}

std::string number(double value) {
  return fmt::format("{:.3g}", value);
}

std::string bits_text(const LayerDiagnosis& layer) {
  if (layer.is_logits) return "-";
  if (!layer.codes) return fmt::format("{}", layer.output_bits);
  return fmt::format("{}{}", layer.codes->is_signed ? "s" : "u", layer.output_bits);
}

/// What was lost at this layer, dB; "-" where nothing was lost before, so that no ratio exists.
std::string lost_text(const OutputError& error) {
  if (error.total == error.inherited) return ".";
  if (error.inherited == 0) return "-";
  return decibel_text(error.inherited_sqnr_db() - error.sqnr_db());
}

std::string noise_table(const Diagnosis& diagnosis, const std::vector<std::size_t>& order) {
  std::string text = fmt::format("Where the signal is lost, worst layer first ({} images)\n", diagnosis.images);
  text += fmt::format("{:<24} {:>8}  {:^23}  {:^25}  {:>19} {:>19}\n", "", "bits", "output SQNR, dB",
                      "noise added, % of signal", "float network", "quantized network");
  text +=
      fmt::format("{:<24} {:>3} {:>4}  {:>9} {:>6} {:>6}  {:>8} {:>7} {:>8}  {:>9} {:>9} {:>9} {:>9}\n", "layer", "W",
                  "A", "inherited", "output", "lost", "weights", "codes", "total", "mean", "std", "mean", "std");
  for (const std::size_t i : order) {
    const LayerDiagnosis& layer = diagnosis.layers[i];
    const OutputError& error = layer.error;
    text += fmt::format("{:<24} {:>3} {:>4}  {:>9} {:>6} {:>6}  {:>8} {:>7} {:>8}  {:>9} {:>9} {:>9} {:>9}\n",
                        shortened(layer.name), layer.weights ? fmt::format("{}", layer.weights->bits) : "-",
                        bits_text(layer), decibel_text(error.inherited_sqnr_db()), decibel_text(error.sqnr_db()),
                        lost_text(error), percent_text(100 * error.added_by_weights()),
                        percent_text(100 * error.added_by_codes()), percent_text(100 * error.added()),
                        number(layer.float_values.mean()), number(layer.float_values.deviation()),
                        number(layer.quantized_values.mean()), number(layer.quantized_values.deviation()));
  }
  return text +
         "inherited: SQNR the output would have were this layer float, on the quantized network's input; lost: from "
         "there\n"
         "to the output's. Noise added: by the layer's weights and bias, by its output's codes; below 0 it undoes what "
         "was\n"
         "inherited. Ordered by the total. '.' is 0.\n";
}

std::string weight_table(const Diagnosis& diagnosis, const std::vector<std::size_t>& order) {
  std::string text = "Weights, in the same order\n";
  text += fmt::format("{:<24} {:>3} {:>6} {:>15} {:>14} {:>8} {:>6} {:>6} {:>6} {:>6}  {}\n", "", "", "SQNR",
                      "clipped, %", "2^n loss, dB", "at ends", "dead", "zero", "ties", "moved", "exponents");
  text += fmt::format("{:<24} {:>3} {:>6} {:>8} {:>6} {:>7} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6}  {}\n", "layer", "W",
                      "dB", "weights", "noise", "layer", "worst", "%", "%", "ch", "%", "%", "searched > final");
  for (const std::size_t i : order) {
    const LayerDiagnosis& layer = diagnosis.layers[i];
    if (!layer.weights) continue;
    const WeightDiagnosis& w = *layer.weights;
    text +=
        fmt::format("{:<24} {:>3} {:>6} {:>8} {:>6} {:>7} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6}  {}\n",
                    shortened(layer.name), w.bits, decibel_text(w.noise.sqnr_db()), percent_text(w.clipped, w.weights),
                    percent_text(100 * w.noise.clipping_share()), decibel_text(w.power_of_two_loss_db),
                    decibel_text(w.worst_power_of_two_loss_db), percent_text(w.saturated, w.weights),
                    percent_text(w.dead_codes, w.codes), count_text(w.zero_channels), percent_text(w.ties, w.weights),
                    percent_text(w.moved, w.weights), exponents_text(w.exponents_searched, w.exponents));
  }
  return text +
         "clipped: weights beyond the grid's ends by more than half a step, and their part of the noise (the rest is\n"
         "rounding). 2^n loss: noise over that of the best free step and zero point, whole layer and worst channel. "
         "at\n"
         "ends: lowest or highest code. dead: codes a channel never uses. zero: channels without a weight left. ties:\n"
         "exactly between two codes. moved: not the nearest code, by learning. (n): channels whose exponent learning "
         "moved.\n";
}

/// "bits seen/proven of available"
std::string accumulator_text(const LayerDiagnosis& layer) {
  if (!layer.sums) return "-";
  return fmt::format("{}/{}/{}", layer.sums->bits_seen, layer.sums->bits_proven, layer.sums->bits_available);
}

/// Those alive in the float network, and all.
std::string dead_channel_text(const LayerDiagnosis& layer) {
  const std::size_t dead = layer.codes->use.dead_channels();
  return dead == 0 ? "." : fmt::format("{}/{}", dead, layer.float_dead_channels);
}

std::string code_table(const Diagnosis& diagnosis, const std::vector<std::size_t>& order) {
  std::string text = "Output codes, in the same order\n";
  text += fmt::format("{:<24} {:>4} {:>12} {:>13} {:>8} {:>7} {:>7} {:>9} {:>5} {:>9}  {}\n", "", "", "SQNR, dB",
                      "clipped, %", "2^n loss", "at ends", "dead", "dead ch", "ties", "acc bits", "exponents");
  text +=
      fmt::format("{:<24} {:>4} {:>6} {:>5} {:>7} {:>5} {:>8} {:>7} {:>7} {:>9} {:>5} {:>9}  {}\n", "layer", "A", "net",
                  "alone", "values", "noise", "dB", "%", "codes", "int/float", "%", "see below", "searched > final");
  for (const std::size_t i : order) {
    const LayerDiagnosis& layer = diagnosis.layers[i];
    if (!layer.codes && !layer.sums) continue;
    const std::string ties = layer.sums && layer.codes ? percent_text(layer.sums->ties, layer.codes->use.total()) : "-";
    if (!layer.codes) {
      text += fmt::format("{:<24} {:>4} {:>6} {:>5} {:>7} {:>5} {:>8} {:>7} {:>7} {:>9} {:>5} {:>9}  {}\n",
                          shortened(layer.name), "-", decibel_text(layer.error.sqnr_db()), "-", "-", "-", "-", "-", "-",
                          "-", "-", accumulator_text(layer), "-");
      continue;
    }
    const CodeDiagnosis& c = *layer.codes;
    text += fmt::format("{:<24} {:>4} {:>6} {:>5} {:>7} {:>5} {:>8} {:>7} {:>7} {:>9} {:>5} {:>9}  {}\n",
                        shortened(layer.name), bits_text(layer), decibel_text(layer.error.sqnr_db()),
                        decibel_text(c.local.sqnr_db()), percent_text(c.clipped, c.use.total()),
                        percent_text(100 * c.local.clipping_share()), decibel_text(c.power_of_two_loss_db),
                        percent_text(c.use.saturated, c.use.total()),
                        c.dead_codes == 0 ? "." : fmt::format("{}/{}", c.dead_codes, c.codes), dead_channel_text(layer),
                        ties, accumulator_text(layer), exponents_text(c.exponents_searched, c.exponents));
  }
  return text +
         "SQNR: of the quantized network's output, and of the float network's with only this tensor quantized; clipped "
         "and\n"
         "2^n loss are of the latter. at ends: codes at the range's ends (not ReLU's 0 nor ReLU6's 6). dead codes: "
         "never "
         "met.\n"
         "dead ch: channels that are always 0, in the quantized and in the float network. ties: sums exactly half way\n"
         "between two codes (round half up decides). acc bits: largest accumulator seen / any input can reach / there "
         "are.\n";
}

/// What dominates this noise, and how much of it the power of two costs.
std::string cause(const Noise& noise, double power_of_two_loss_db) {
  const double share = noise.clipping_share();
  std::string text = "neither clipping nor rounding dominates";
  if (share >= kDominates) text = fmt::format("clipping dominates ({:.0f} % of their noise)", 100 * share);
  if (1 - share >= kDominates) text = fmt::format("rounding dominates ({:.0f} % of their noise)", 100 - 100 * share);
  if (power_of_two_loss_db >= kWorthFreeing)
    text += fmt::format(", powers of two cost {:.1f} dB", power_of_two_loss_db);
  return text;
}

std::string channels_text(std::size_t count) {
  return fmt::format("{} {}", count, count == 1 ? "channel" : "channels");
}

Json decibel_json(double value) {
  return std::isinf(value) ? Json("exact") : Json(value);
}

Json weights_json(const WeightDiagnosis& w) {
  return {{"bits", w.bits},
          {"sqnr_db", decibel_json(w.noise.sqnr_db())},
          {"clipping_noise_percent", 100 * w.noise.clipping_share()},
          {"rounding_noise_percent", w.noise.total() > 0 ? 100 - 100 * w.noise.clipping_share() : 0},
          {"power_of_two_loss_db", decibel_json(w.power_of_two_loss_db)},
          {"worst_channel_power_of_two_loss_db", decibel_json(w.worst_power_of_two_loss_db)},
          {"clipped_percent", percent(w.clipped, w.weights)},
          {"at_ends_percent", percent(w.saturated, w.weights)},
          {"dead_codes_percent", percent(w.dead_codes, w.codes)},
          {"zero_channels", w.zero_channels},
          {"channels", w.channels},
          {"ties_percent", percent(w.ties, w.weights)},
          {"moved_percent", percent(w.moved, w.weights)},
          {"exponents_searched", w.exponents_searched},
          {"exponents", w.exponents}};
}

Json codes_json(const CodeDiagnosis& c) {
  return {{"bits", c.bits},
          {"signed", c.is_signed},
          {"alone_sqnr_db", decibel_json(c.local.sqnr_db())},
          {"clipping_noise_percent", 100 * c.local.clipping_share()},
          {"rounding_noise_percent", c.local.total() > 0 ? 100 - 100 * c.local.clipping_share() : 0},
          {"power_of_two_loss_db", decibel_json(c.power_of_two_loss_db)},
          {"clipped_percent", percent(c.clipped, c.use.total())},
          {"at_ends_percent", percent(c.use.saturated, c.use.total())},
          {"dead_codes", c.dead_codes},
          {"codes", c.codes},
          {"dead_channels", c.use.dead_channels()},
          {"exponents_searched", c.exponents_searched},
          {"exponents", c.exponents}};
}

Json moments_json(const Moments& moments) {
  return {{"mean", moments.mean()}, {"standard_deviation", moments.deviation()}};
}

}  // namespace

std::vector<std::string> advice(const LayerDiagnosis& layer) {
  std::vector<std::string> result;
  const OutputError& error = layer.error;
  const double added = error.added();
  if (added >= kWorthAdvice) {
    if (layer.weights && error.added_by_weights() >= kDominates * added)
      result.push_back("lost to weights: " + cause(layer.weights->noise, layer.weights->power_of_two_loss_db));
    else if (layer.codes && error.added_by_codes() >= kDominates * added)
      result.push_back("lost to output codes: " + cause(layer.codes->local, layer.codes->power_of_two_loss_db));
  }
  if (layer.weights && layer.weights->zero_channels > 0)
    result.push_back(fmt::format("{} of {} with zero weights only", layer.weights->zero_channels,
                                 channels_text(layer.weights->channels)));
  if (!layer.codes) return result;
  const CodeDiagnosis& codes = *layer.codes;
  if (2 * codes.dead_codes >= codes.codes)
    result.push_back(fmt::format("{} of {} output codes dead", codes.dead_codes, codes.codes));
  const std::size_t dead = codes.use.dead_channels();
  if (dead > layer.float_dead_channels)
    result.push_back(channels_text(dead - layer.float_dead_channels) + " always 0, but not in the float network");
  return result;
}

std::string diagnosis_text(const Diagnosis& diagnosis) {
  const std::vector<std::size_t> order = diagnosis.worst_first();
  std::string text =
      noise_table(diagnosis, order) + "\n" + weight_table(diagnosis, order) + "\n" + code_table(diagnosis, order);
  std::string advised;
  for (const std::size_t i : order) {
    const std::vector<std::string> lines = advice(diagnosis.layers[i]);
    if (!lines.empty()) advised += fmt::format("{:<24} {}\n", shortened(diagnosis.layers[i].name), join(lines, "; "));
  }
  if (!advised.empty())
    text += "\nAdvice (what a layer loses its signal to: only where it adds 1 % or more)\n" + advised;
  return text;
}

Json diagnosis_json(const LayerDiagnosis& layer) {
  const OutputError& error = layer.error;
  Json json = {{"inherited_sqnr_db", decibel_json(error.inherited_sqnr_db())},
               {"output_sqnr_db", decibel_json(error.sqnr_db())},
               {"added_noise_percent_of_signal", 100 * error.added()},
               {"added_by_weights_percent_of_signal", 100 * error.added_by_weights()},
               {"added_by_codes_percent_of_signal", 100 * error.added_by_codes()},
               {"float", moments_json(layer.float_values)},
               {"quantized", moments_json(layer.quantized_values)},
               {"float_dead_channels", layer.float_dead_channels}};
  if (layer.weights) json["weights"] = weights_json(*layer.weights);
  if (layer.codes) json["codes"] = codes_json(*layer.codes);
  if (layer.sums) {
    Json sums = Json::object();
    if (layer.codes) sums["ties_percent"] = percent(layer.sums->ties, layer.codes->use.total());
    sums["accumulator_bits_seen"] = layer.sums->bits_seen;
    sums["accumulator_bits_proven"] = layer.sums->bits_proven;
    sums["accumulator_bits_available"] = layer.sums->bits_available;
    json["sums"] = std::move(sums);
  }
  json["advice"] = advice(layer);
  return json;
}

}  // namespace shiftsim::quantizer
