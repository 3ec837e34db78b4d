#include "quantizer/evaluate/diagnosis_report.h"

#include <fmt/format.h>

namespace shiftsim::quantizer {

namespace {

constexpr double kWorthAdvice = 0.01;   // of the signal's power
constexpr double kDominates = 2.0 / 3;  // of the noise
constexpr double kWorthFreeing = 1;     // dB lost to powers of two

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

}  // namespace shiftsim::quantizer
