// A layer of sums while a quantized file is read: its nodes gathered as real values, then written out as integers.
#pragma once

#include <optional>
#include <vector>

#include "qnet/network.h"
#include "quantizer/exchange/exchange_facts.h"
#include "quantizer/exchange/legal_scales.h"
#include "quantizer/exchange/quantized_file.h"

namespace shiftsim::quantizer {

/// What a value of an input tensor means: (code - zero[c]) * 2^exponent. Only the image has zeros that are not 0.
struct SumInput {
  int tensor = -1;
  std::vector<int> exponents;   ///< one, or one per channel
  std::vector<int> pad_values;  ///< of the image, per channel: codes that stand for 0; empty: 0
};

struct SumLayer {
  std::string name;
  Place place;
  Shape shape;  ///< of the output
  Window window;
  int groups = 1;
  SumInput input;
  int residual = -1;
  std::vector<int> codes;      ///< [k][channels / groups][ky][kx]
  std::vector<int> exponents;  ///< [k] of the codes
  std::vector<double> bias;    ///< [k] real values
  std::vector<Clamp> clamps;   ///< [k]
  std::optional<double> mean;  ///< factor of a mean that is not in the exponents yet

  bool is_clamped() const;
};

/// Channels and table entries by what became of their numbers.
struct ImportCounts {
  int channels = 0;        ///< of layers that sum
  int ties = 0;            ///< whose ties ONNX rounds to even, and the contract up
  int near_ties = 0;       ///< entries of tables that lie so near a tie that single precision decides
  int rounded_biases = 0;  ///< whose bias lies between the accumulator's steps where nothing rounds behind it
};

/// The layer that ends in a tensor with this quantizer (none: in the logits), appended with its tensor to the network.
/// Returns the tensor's index. Throws UserError naming the node where the contract does not hold it.
int append_sum_layer(const SumLayer& layer, const std::optional<CodeQuantizer>& quantizer,
                     const std::string& tensor_name, const ExchangeFacts& facts, qnet::Network& network,
                     ImportCounts& counts);

}  // namespace shiftsim::quantizer
