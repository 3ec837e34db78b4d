#include "quantizer/exchange/output_codes.h"

#include <algorithm>
#include <cmath>

namespace shiftsim::quantizer {

namespace {

/// The code that a bound is rounded to, as ONNX rounds; an infinite one is beyond every code.
int code_of(double bound, int exponent) {
  constexpr double kBeyond = 1 << 20;
  return static_cast<int>(std::clamp(std::nearbyint(std::ldexp(bound, -exponent)), -kBeyond, kBeyond));
}

/// The least width of the contract that holds the codes, or what the facts say where it holds them.
int width_of(int low, int high, const std::string& name, const ExchangeFacts& facts) {
  qnet::Tensor tensor;
  tensor.is_signed = low < 0;
  const auto holds = [&](int bits) {
    tensor.bits = bits;
    return low >= tensor.low() && high <= tensor.high();
  };
  const auto told = facts.tensors.find(name);
  if (told != facts.tensors.end() && told->second.bits <= 8 && holds(told->second.bits)) return told->second.bits;
  return holds(2) ? 2 : holds(4) ? 4 : 8;
}

}  // namespace

int nearest_code(const CodeQuantizer& quantizer, double value) {
  const double steps = std::nearbyint(std::ldexp(value, -quantizer.exponents[0]));
  return static_cast<int>(std::clamp<double>(steps, quantizer.low, quantizer.high));
}

void set_table_output(qnet::Tensor& tensor, const std::vector<int>& entries, const CodeQuantizer& quantizer,
                      const ExchangeFacts& facts) {
  const auto [low, high] = std::minmax_element(entries.begin(), entries.end());
  tensor.exponents = quantizer.exponents;
  const auto holds = [&, low = *low, high = *high](int bits, bool is_signed) {
    tensor.bits = bits;
    tensor.is_signed = is_signed;
    return bits <= qnet::kTableInputBits && low >= tensor.low() && high <= tensor.high();
  };
  const auto told = facts.tensors.find(tensor.name);
  if (told != facts.tensors.end() && holds(told->second.bits, told->second.is_signed)) return;
  // 8 bits keep their sign: views join no unsigned ones to signed ones.
  for (const int bits : {2, 4})
    if (holds(bits, *low < 0)) return;
  holds(8, quantizer.low < 0);
}

OutputCodes output_codes(const SumLayer& layer, const CodeQuantizer& quantizer, const std::string& name,
                         const ExchangeFacts& facts) {
  OutputCodes result;
  result.tensor = {name, layer.shape.height, layer.shape.width, layer.shape.channels, 8, false, quantizer.exponents};
  int low = 0, most = 0;
  for (int k = 0; k < layer.shape.channels; ++k) {
    const Clamp& clamp = layer.clamps[static_cast<std::size_t>(k)];
    const int exponent = result.tensor.exponent(k);
    const int least = std::max(quantizer.low, code_of(clamp.low, exponent));
    const int high = std::min(quantizer.high, code_of(clamp.high, exponent));
    if (k > 0 && least != low)
      layer.place.fail("found codes from {} in channel 0 and from {} in channel {}", low, least, k);
    if (high < least) layer.place.fail("found codes from {} to {}", least, high);
    low = least;
    most = std::max(most, high);
    result.high.push_back(high);
  }
  result.tensor.is_signed = low < 0;
  result.tensor.bits = width_of(low, most, name, facts);
  const qnet::Tensor& tensor = result.tensor;
  const bool full =
      std::all_of(result.high.begin(), result.high.end(), [&](int high) { return high == tensor.high(); });
  if (low != tensor.low() || (tensor.is_signed && !full))
    layer.place.fail("found codes from {} to {}, expected from 0, or all signed codes of 2, 4 or 8 bits", low, most);
  return result;
}

}  // namespace shiftsim::quantizer
