// The tensor that a quantization makes: its width, its sign and each channel's clamp.
#pragma once

#include <vector>

#include "qnet/network.h"
#include "quantizer/exchange/exchange_facts.h"
#include "quantizer/exchange/sum_layer.h"

namespace shiftsim::quantizer {

struct OutputCodes {
  qnet::Tensor tensor;
  std::vector<int> high;  ///< largest code of each channel
};

/// Codes that quantizer and clamps leave, in the least width that holds them. Throws UserError where they do not begin
/// at 0 or at a width's least code, or end elsewhere than at its largest while signed.
OutputCodes output_codes(const SumLayer& layer, const CodeQuantizer& quantizer, const std::string& name,
                         const ExchangeFacts& facts);

/// The code of a value, as ONNX rounds: half to even.
int nearest_code(const CodeQuantizer& quantizer, double value);

/// Gives a tensor exponent, bits and sign for a table's entries: the least width that holds them, or what the facts
/// say.
void set_table_output(qnet::Tensor& tensor, const std::vector<int>& entries, const CodeQuantizer& quantizer,
                      const ExchangeFacts& facts);

}  // namespace shiftsim::quantizer
