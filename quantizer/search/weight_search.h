// Quantizing weights with a power-of-two step, and the exhaustive search for the quantizer of each output channel.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/error.h"

namespace shiftsim::quantizer {

/// One channel's quantizer: value = (q + offset/2) * step, q two's complement of 'bits' bits, step = mantissa *
/// 2^exponent.
struct WeightQuantizer {
  int bits = 4;
  int exponent = 0;
  int offset = 0;       ///< half steps; [-8, 7] in a quantizer that becomes integers
  double mantissa = 1;  ///< [1, 2); other than 1 only with free scales, which are never exported

  static WeightQuantizer free(int bits, double step, int offset);

  double step() const;
  bool power_of_two() const { return mantissa == 1; }

  int low() const { return -(1 << (bits - 1)); }
  int high() const { return (1 << (bits - 1)) - 1; }
  /// The nearest integer weight, ties away from minus infinity (round half up), clamped to the range.
  int quantize(double weight) const;
  double value(int integer) const;
};

/// Sum over a channel of |w - Q(w)|^norm.
double quantization_error(std::span<const float> weights, const WeightQuantizer& quantizer, double norm);

struct WeightSearch {
  int bits = 4;
  bool offsets = true;  ///< search offsets too; else 0
  double norm = 2.4;    ///< exponent of the error, as in RAPQ's and BRECQ's scale search
};

/// No step that the hardware can hold stands for a channel's weights. Who knows the layer puts its name in front.
class NoLegalQuantizer : public UserError {
public:
  using UserError::UserError;
};

/// Whether a quantizer may be used (accumulator and shift ranges); see integer_layer.h.
using QuantizerFilter = std::function<bool(const WeightQuantizer&)>;

/// The quantizer with the least quantization_error among those the filter lets pass (an empty filter lets all pass):
/// every offset [-8, 7] (or 0) with every exponent from 'highest' down to 'lowest' = candidate_exponents(). On equal
/// errors the offset nearer 0, then the larger exponent wins. If the filter rejects every candidate, larger exponents
/// are tried, up to 2^8 times the weights: coarser quantizers make smaller integer weights. Throws NoLegalQuantizer if
/// none passes.
WeightQuantizer search_quantizer(std::span<const float> weights, const WeightSearch& search,
                                 const QuantizerFilter& filter = {});

/// The 'count' quantizers (or all) of search_quantizer()'s that have the least quantization_error, that first. None
/// where all weights are 0.
std::vector<WeightQuantizer> best_quantizers(std::span<const float> weights, const WeightSearch& search,
                                             std::size_t count);

/// The quantizer of free scale with the least error as RAPQ's and BRECQ's programs search it: the channel's
/// range, shrunk in 80 steps of 1 %, with an integer zero point.
WeightQuantizer search_free_quantizer(std::span<const float> weights, int bits, double norm);

/// The same quantizer made a power of two without a second look, as post-training quantizers did before RAPQ: the
/// nearest exponent in log2, the nearest integer zero point that keeps the middle of the range.
WeightQuantizer static_quantizer(const WeightQuantizer& free);

/// The step, not bound to powers of two, with the least error for this quantizer's offset within a factor of 2 of its
/// own.
double best_free_step(std::span<const float> weights, const WeightQuantizer& quantizer, double norm);

/// The offset, in half steps, with the least error at this quantizer's exponent; the nearest to 0 of equals.
int best_offset(std::span<const float> weights, const WeightQuantizer& quantizer, double norm);

struct ExponentRange {
  int lowest = 0, highest = 0;
};

/// Exponents worth trying for weights of this largest magnitude (> 0): from steps so coarse that it is a quarter of the
/// range to steps so fine that it is clipped to a 32nd of itself or less.
ExponentRange candidate_exponents(double largest, int bits);

}  // namespace shiftsim::quantizer
