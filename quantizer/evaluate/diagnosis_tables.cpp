#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/text.h"
#include "common/text_table.h"
#include "quantizer/evaluate/diagnosis_report.h"
#include "quantizer/evaluate/figure_text.h"

namespace shiftsim::quantizer {

namespace {

using Column = TextTable::Column;

/// The layers as the tables show them.
struct Listing {
  const Diagnosis& diagnosis;
  std::vector<std::size_t> order;  ///< worst first
  std::vector<std::string> names;  ///< by layer

  explicit Listing(const Diagnosis& of) : diagnosis(of), order(of.worst_first()) {
    for (const LayerDiagnosis& layer : of.layers) names.push_back(layer.name);
    names = clipped_names(names, kNameWidth);
  }
};

Column layer_column() {
  return {.title = "layer", .width = kNameWidth, .align = TextAlign::kLeft};
}

Column exponents_column() {
  return {.title = "searched > final", .align = TextAlign::kLeft, .gap = 2};
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

std::string noise_table(const Listing& listing) {
  TextTable table({layer_column(),
                   {.title = "W", .width = 3},
                   {.title = "A", .width = 4},
                   {.title = "inherited", .width = 9, .gap = 2},
                   {.title = "output", .width = 6},
                   {.title = "lost", .width = 6},
                   {.title = "weights", .width = 8, .gap = 2},
                   {.title = "codes", .width = 7},
                   {.title = "total", .width = 8},
                   {.title = "mean", .width = 9, .gap = 2},
                   {.title = "std", .width = 9},
                   {.title = "mean", .width = 9},
                   {.title = "std", .width = 9}},
                  {{.text = ""},
                   {.text = "bits", .columns = 2},
                   {.text = "output SQNR, dB", .columns = 3, .align = TextAlign::kCentre},
                   {.text = "noise added, % of signal", .columns = 3, .align = TextAlign::kCentre},
                   {.text = "float network", .columns = 2},
                   {.text = "quantized network", .columns = 2}});
  for (const std::size_t i : listing.order) {
    const LayerDiagnosis& layer = listing.diagnosis.layers[i];
    const OutputError& error = layer.error;
    table.add_row({listing.names[i], layer.weights ? fmt::format("{}", layer.weights->bits) : "-", bits_text(layer),
                   decibel_text(error.inherited_sqnr_db()), decibel_text(error.sqnr_db()), lost_text(error),
                   percent_text(100 * error.added_by_weights()), percent_text(100 * error.added_by_codes()),
                   percent_text(100 * error.added()), number(layer.float_values.mean()),
                   number(layer.float_values.deviation()), number(layer.quantized_values.mean()),
                   number(layer.quantized_values.deviation())});
  }
  return fmt::format("Where the signal is lost, worst layer first ({} images)\n", listing.diagnosis.images) +
         table.text() +
         "inherited: SQNR of the output if this layer were float, on the quantized network's input. lost: from there "
         "to\n"
         "the output's SQNR. Noise added: by the layer's weights and bias, and by rounding its output to integers. "
         "Below 0\n"
         "it undoes what was inherited. Ordered by the total. '.' is 0.\n";
}

std::string weight_table(const Listing& listing) {
  TextTable table({layer_column(),
                   {.title = "W", .width = 3},
                   {.title = "dB", .width = 6},
                   {.title = "weights", .width = 8},
                   {.title = "noise", .width = 6},
                   {.title = "layer", .width = 7},
                   {.title = "worst", .width = 6},
                   {.title = "%", .width = 8},
                   {.title = "%", .width = 6},
                   {.title = "ch", .width = 6},
                   {.title = "%", .width = 6},
                   {.title = "%", .width = 6},
                   exponents_column()},
                  {{.text = "", .columns = 2},
                   {.text = "SQNR"},
                   {.text = "clipped, %", .columns = 2},
                   {.text = "2^n loss, dB", .columns = 2},
                   {.text = "at ends"},
                   {.text = "dead"},
                   {.text = "zero"},
                   {.text = "ties"},
                   {.text = "moved"},
                   {.text = "exponents", .align = TextAlign::kLeft}});
  for (const std::size_t i : listing.order) {
    const LayerDiagnosis& layer = listing.diagnosis.layers[i];
    if (!layer.weights) continue;
    const WeightDiagnosis& w = *layer.weights;
    table.add_row({listing.names[i], fmt::format("{}", w.bits), decibel_text(w.noise.sqnr_db()),
                   percent_text(w.clipped, w.weights), percent_text(100 * w.noise.clipping_share()),
                   decibel_text(w.power_of_two_loss_db), decibel_text(w.worst_power_of_two_loss_db),
                   percent_text(w.saturated, w.weights), percent_text(w.dead_codes, w.codes),
                   count_text(w.zero_channels), percent_text(w.ties, w.weights), percent_text(w.moved, w.weights),
                   exponents_text(w.exponents_searched, w.exponents)});
  }
  return "Weights, in the same order\n" + table.text() +
         "clipped: weights more than half a step beyond the lowest or highest integer, and their part of the noise. "
         "The\n"
         "rest is rounding. 2^n loss: noise over that of the best free step and zero point, whole layer and worst "
         "channel.\n"
         "at ends: lowest or highest integer. dead: integers that a channel never uses. zero: channels without a "
         "weight\n"
         "left. ties: exactly between two integers. moved: not the nearest integer, by learning. (n): channels whose\n"
         "exponent learning moved.\n";
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

std::string code_table(const Listing& listing) {
  TextTable table({layer_column(),
                   {.title = "A", .width = 4},
                   {.title = "net", .width = 6},
                   {.title = "alone", .width = 5},
                   {.title = "values", .width = 7},
                   {.title = "noise", .width = 5},
                   {.title = "dB", .width = 8},
                   {.title = "%", .width = 7},
                   {.title = "codes", .width = 7},
                   {.title = "int/float", .width = 9},
                   {.title = "%", .width = 5},
                   {.title = "see below", .width = 9},
                   exponents_column()},
                  {{.text = "", .columns = 2},
                   {.text = "SQNR, dB", .columns = 2},
                   {.text = "clipped, %", .columns = 2},
                   {.text = "2^n loss"},
                   {.text = "at ends"},
                   {.text = "dead"},
                   {.text = "dead ch"},
                   {.text = "ties"},
                   {.text = "acc bits"},
                   {.text = "exponents", .align = TextAlign::kLeft}});
  for (const std::size_t i : listing.order) {
    const LayerDiagnosis& layer = listing.diagnosis.layers[i];
    if (!layer.codes && !layer.sums) continue;
    if (!layer.codes) {
      table.add_row({listing.names[i], "-", decibel_text(layer.error.sqnr_db()), "-", "-", "-", "-", "-", "-", "-", "-",
                     accumulator_text(layer), "-"});
      continue;
    }
    const CodeDiagnosis& c = *layer.codes;
    table.add_row({listing.names[i], bits_text(layer), decibel_text(layer.error.sqnr_db()),
                   decibel_text(c.local.sqnr_db()), percent_text(c.clipped, c.use.total()),
                   percent_text(100 * c.local.clipping_share()), decibel_text(c.power_of_two_loss_db),
                   percent_text(c.use.saturated, c.use.total()),
                   c.dead_codes == 0 ? "." : fmt::format("{}/{}", c.dead_codes, c.codes), dead_channel_text(layer),
                   layer.sums ? percent_text(layer.sums->ties, c.use.total()) : "-", accumulator_text(layer),
                   exponents_text(c.exponents_searched, c.exponents)});
  }
  return "Output codes, in the same order\n" + table.text() +
         "SQNR: of the quantized network's output, and of the float network's with only this tensor quantized. "
         "clipped\n"
         "and 2^n loss are of the latter. at ends: integers at the ends of the range (not ReLU's 0 nor ReLU6's 6). "
         "dead\n"
         "codes: never met. dead ch: channels that are always 0, in the quantized and in the float network. ties: "
         "sums\n"
         "exactly half way between two integers (round half up decides). acc bits: largest accumulator seen / any "
         "input\n"
         "can reach / there are.\n";
}

}  // namespace

std::string diagnosis_text(const Diagnosis& diagnosis) {
  const Listing listing(diagnosis);
  std::string text = noise_table(listing) + "\n" + weight_table(listing) + "\n" + code_table(listing);
  std::string advised;
  for (const std::size_t i : listing.order) {
    const std::vector<std::string> lines = advice(diagnosis.layers[i]);
    if (!lines.empty()) advised += fmt::format("{:<24} {}\n", listing.names[i], join(lines, "; "));
  }
  if (!advised.empty())
    text += "\nAdvice (what a layer loses its signal to: only where it adds 1 % or more)\n" + advised;
  return text;
}

}  // namespace shiftsim::quantizer
