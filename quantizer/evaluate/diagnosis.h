// Where a quantized network loses its signal, layer by layer, and to what. docs/diagnosis.md explains every figure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/images.h"
#include "qnet/network.h"
#include "quantizer/evaluate/tensor_diagnosis.h"
#include "quantizer/evaluate/weight_diagnosis.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// The output's error against the float network's output y, as sums of squares. x: the layer's input in the float
/// network, x': in the quantized one.
struct OutputError {
  double signal = 0;     ///< of y
  double inherited = 0;  ///< of float layer(x') - y: what the layers before lost
  double unrounded = 0;  ///< of quantized layer(x') before its requantization - y
  double total = 0;      ///< of quantized layer(x') - y

  /// Parts of the signal's power that the layer's weights (and bias) and its output's codes add; negative where they
  /// happen to undo what was inherited.
  double added_by_weights() const { return relative(unrounded - inherited); }
  double added_by_codes() const { return relative(total - unrounded); }
  double added() const { return relative(total - inherited); }
  double inherited_sqnr_db() const { return decibels(signal, inherited); }
  double sqnr_db() const { return decibels(signal, total); }
  double relative(double noise) const { return signal > 0 ? noise / signal : 0; }
  OutputError& operator+=(const OutputError& other);
};

/// Of a tensor that its layer quantizes: not of logits, nor of a max pool's output.
struct CodeDiagnosis {
  int bits = 8;
  bool is_signed = false;
  Noise local;              ///< of the float network's values, only this tensor quantized
  std::size_t clipped = 0;  ///< of these values
  double power_of_two_loss_db = 0;
  CodeUse use;                                     ///< in the quantized network
  std::size_t dead_codes = 0;                      ///< never used, of 'codes'
  std::size_t codes = 0;                           ///< that the clamp lets through
  std::vector<int> exponents_searched, exponents;  ///< one or per channel, before and after learning
};

/// Of what the hardware's accumulators and requantization see.
struct SumDiagnosis {
  std::size_t ties = 0;  ///< values whose code the rule for ties decides
  int bits_seen = 0;     ///< of two's complement, for the largest accumulator of these images
  int bits_proven = 0;   ///< for the largest that any input can reach
  int bits_available = 0;
};

struct LayerDiagnosis {
  std::string name;
  qnet::LayerKind kind = qnet::LayerKind::kConv;
  bool is_logits = false;
  int output_bits = 8;
  OutputError error;
  Moments float_values, quantized_values;             ///< of the output tensor
  std::size_t float_dead_channels = 0, channels = 0;  ///< always 0 in the float network, too
  std::optional<WeightDiagnosis> weights;             ///< conv
  std::optional<CodeDiagnosis> codes;
  std::optional<SumDiagnosis> sums;  ///< none with free scales, nor of max pools
};

struct Diagnosis {
  std::size_t images = 0;
  std::vector<LayerDiagnosis> layers;  ///< as Plan::layers

  /// Indices of the layers, by the noise each adds relative to its output's signal; the earlier of equals first.
  std::vector<std::size_t> worst_first() const;
};

/// Runs the first of the chosen images, 64 or fewer where maps are large, through the float network and the integers
/// (none with free scales: through the fake-quantized network). The same at any number of threads.
Diagnosis diagnose(const QuantizedNetwork& network, const std::optional<qnet::Network>& integers, const Recipe& recipe,
                   const ImageSet& images, const std::vector<std::size_t>& chosen, int threads);

}  // namespace shiftsim::quantizer
