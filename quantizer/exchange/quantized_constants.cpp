#include "quantizer/exchange/quantized_constants.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "quantizer/import/onnx_constants.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kUint4 = 21, kInt4 = 22;  // of ONNX 1.16, newer than the header that is used here

constexpr int kMostWeightBits = 16;  // offsets widen weights of 8 bits

/// Calls use(i, c) for each element i of an array with these dimensions, c: its place along 'axis'.
template <typename Use>
void each_element(const std::vector<std::int64_t>& dims, std::size_t axis, Use use) {
  std::size_t inner = 1, size = 1;
  for (std::size_t d = 0; d < dims.size(); ++d) {
    size *= static_cast<std::size_t>(dims[d]);
    if (d > axis) inner *= static_cast<std::size_t>(dims[d]);
  }
  const std::size_t channels = axis < dims.size() ? static_cast<std::size_t>(dims[axis]) : 1;
  for (std::size_t i = 0; i < size; ++i) use(i, i / inner % channels);
}

/// One per tensor, or one per channel along an axis of a constant.
class PerChannel {
public:
  PerChannel(const OnnxNode& op, int input, const Constant& of, std::size_t axis, double fallback) {
    if (op.has_input(input)) {
      const Constant& value = op.constant(input);
      if (value.is_float)
        values_.assign(value.floats.begin(), value.floats.end());
      else
        values_.assign(value.ints.begin(), value.ints.end());
    } else {
      values_ = {fallback};
    }
    const std::size_t channels = axis < of.dims.size() ? static_cast<std::size_t>(of.dims[axis]) : 1;
    if (values_.size() != 1 && values_.size() != channels)
      op.fail("input {} has {} values, expected 1 or {}, one a channel", input, values_.size(), channels);
  }

  double operator[](std::size_t channel) const { return values_[values_.size() == 1 ? 0 : channel]; }
  const std::vector<double>& values() const { return values_; }
  double first_not_zero() const {
    const auto found = std::find_if(values_.begin(), values_.end(), [](double value) { return value != 0; });
    return found == values_.end() ? 0 : *found;
  }

private:
  std::vector<double> values_;
};

/// The axis of a constant along which a Quant's scales differ.
std::size_t quant_axis(const OnnxNode& op, const Constant& scale, const Constant& of) {
  if (scale.size() == 1) return 0;
  if (scale.dims.size() > of.dims.size()) op.fail("its scales have more dimensions than what they scale");
  const std::size_t missing = of.dims.size() - scale.dims.size();
  for (std::size_t d = 0; d < scale.dims.size(); ++d)
    if (scale.dims[d] == static_cast<std::int64_t>(scale.size())) return d + missing;
  op.fail("found scales along more than one dimension, expected one per output channel");
}

}  // namespace

std::map<std::string, int> constant_types(const onnx::ModelProto& model) {
  std::map<std::string, int> types;
  for (const auto& tensor : model.graph().initializer()) types[tensor.name()] = tensor.data_type();
  for (const auto& node : model.graph().node())
    for (const auto& attribute : node.attribute())
      if (node.op_type() == "Constant" && attribute.has_t() && node.output_size() == 1)
        types[node.output(0)] = attribute.t().data_type();
  return types;
}

std::pair<int, int> quant_range(const OnnxNode& op, int most_bits) {
  const std::string mode = op.attribute_string("rounding_mode", "ROUND");
  if (mode != "ROUND" && mode != "HALF_EVEN") op.fail("found the rounding mode {}, expected ROUND", mode);
  const double bits = op.scalar(3);
  if (bits != std::floor(bits) || bits < 2 || bits > most_bits)
    op.fail("found {} bits, expected 2 to {}", bits, most_bits);
  const bool is_signed = op.attribute_int("signed", 1) != 0;
  const int cut = op.attribute_int("narrow", 0) != 0 ? 1 : 0, half = 1 << (static_cast<int>(bits) - 1);
  return is_signed ? std::pair{-half + cut, half - 1} : std::pair{0, 2 * half - 1 - cut};
}

std::pair<int, int> QuantizedConstants::code_range(const OnnxNode& op) const {
  using Proto = onnx::TensorProto;
  int type = static_cast<int>(op.attribute_int("output_dtype", Proto::UNDEFINED));
  if (op.has_input(2)) {
    const auto found = types_.find(op.input_name(2));
    type = found == types_.end() ? Proto::UNDEFINED : found->second;
  } else if (type == Proto::UNDEFINED) {
    type = Proto::UINT8;
  }
  switch (type) {
    case Proto::INT8:
      return {-128, 127};
    case Proto::UINT8:
      return {0, 255};
    case kInt4:
      return {-8, 7};
    case kUint4:
      return {0, 15};
    default:
      op.fail("found codes of the element type {}, expected INT8, UINT8, INT4 or UINT4",
              Proto::DataType_IsValid(type) ? Proto::DataType_Name(static_cast<Proto::DataType>(type))
                                            : std::to_string(type));
  }
}

void QuantizedConstants::define(const OnnxNode& op, GraphBuilder& graph, Constant value, Quantizer quantizer) {
  by_value_[op.output_name(0)] = std::move(quantizer);
  graph.define(op, std::move(value));
}

bool QuantizedConstants::quantize(const OnnxNode& op, GraphBuilder& graph) {
  const Constant& x = op.floats(0);
  const auto [low, high] = code_range(op);
  const std::size_t axis =
      x.dims.empty() ? 0 : op.axis_index(op.attribute_int("axis", 1), std::max<std::size_t>(x.dims.size(), 2));
  const PerChannel scale(op, 1, x, axis, 1), zero(op, 2, x, axis, 0);
  Constant codes{x.dims, {}, std::vector<std::int64_t>(x.size()), false};
  each_element(x.dims, axis, [&, low = low, high = high](std::size_t i, std::size_t c) {
    const double code = std::nearbyint(static_cast<double>(x.floats[i]) / scale[c]) + zero[c];
    codes.ints[i] = static_cast<std::int64_t>(std::clamp<double>(code, low, high));
  });
  graph.define(op, std::move(codes));
  return true;
}

bool QuantizedConstants::dequantize(const OnnxNode& op, GraphBuilder& graph) {
  const Constant& codes = op.constant(0);
  if (codes.is_float) op.fail("dequantizes floats, expected integers");
  if (op.attribute_int("block_size", 0) != 0) op.fail("found scales of blocks, expected one per output channel");
  const std::size_t axis = codes.dims.size() < 2 ? 0 : op.axis_index(op.attribute_int("axis", 1), codes.dims.size());
  const PerChannel scale(op, 1, codes, axis, 1), zero(op, 2, codes, axis, 0);
  Constant values{codes.dims, std::vector<float>(codes.size()), {}, true};
  each_element(codes.dims, axis, [&](std::size_t i, std::size_t c) {
    values.floats[i] = static_cast<float>((static_cast<double>(codes.ints[i]) - zero[c]) * scale[c]);
  });
  define(op, graph, std::move(values), {scale.values(), axis, zero.first_not_zero(), Place::of(op)});
  return true;
}

bool QuantizedConstants::quant(const OnnxNode& op, GraphBuilder& graph) {
  const Constant& x = op.floats(0);
  const auto [low, high] = quant_range(op, kMostWeightBits);
  const std::size_t axis = quant_axis(op, op.floats(1), x);
  const PerChannel scale(op, 1, x, axis, 1), zero(op, 2, x, axis, 0);
  Constant values = x;
  each_element(x.dims, axis, [&, low = low, high = high](std::size_t i, std::size_t c) {
    const double code =
        std::nearbyint(std::clamp<double>(static_cast<double>(x.floats[i]) / scale[c] + zero[c], low, high));
    values.floats[i] = static_cast<float>((code - zero[c]) * scale[c]);
  });
  define(op, graph, std::move(values), {scale.values(), axis, zero.first_not_zero(), Place::of(op)});
  return true;
}

bool QuantizedConstants::transpose(const OnnxNode& op, GraphBuilder& graph) {
  const auto known = by_value_.find(op.input_name(0));
  if (known == by_value_.end() || op.constant(0).dims.size() != 2) return false;
  Quantizer quantizer = known->second;
  const std::vector<std::int64_t> order = op.attribute_ints("perm", {1, 0});
  if (order == std::vector<std::int64_t>{1, 0}) quantizer.axis = 1 - quantizer.axis;
  auto result = evaluate_constant(op.proto(), {&op.constant(0)}, [&](const std::string& text) { op.fail("{}", text); });
  define(op, graph, std::move(*result), std::move(quantizer));
  return true;
}

std::vector<int> QuantizedConstants::take_codes(const OnnxNode& op, Node& node) {
  const auto known = by_value_.find(op.input_name(1));
  if (known == by_value_.end())
    op.fail("its weights '{}' are not quantized, expected DequantizeLinear or Quant in front of them",
            op.input_name(1));
  const Quantizer& quantizer = known->second;
  const bool columns = op.type() == "MatMul" || (op.type() == "Gemm" && op.attribute_int("transB", 0) == 0);
  if (quantizer.scales.size() > 1 && quantizer.axis != (columns ? 1U : 0U))
    quantizer.place.fail("found scales along dimension {} of the weights of '{}', expected {}, the output channels",
                         quantizer.axis, op.label(), columns ? 1 : 0);
  if (quantizer.zero_point != 0)
    scales_.zero_point(quantizer.place, quantizer.zero_point, "0", "the weights are quantized around 0");
  const LegalScales::Exponents legal = scales_.exponents(quantizer.place, quantizer.scales);
  const auto outputs = static_cast<std::size_t>(node.shape.channels);
  const bool rounds = !legal.replaced.empty() || quantizer.zero_point != 0;
  // What is rounded stays in its width.
  constexpr double kLargest = 127;
  double signal = 0, noise = 0;
  std::vector<int> exponents;
  const std::size_t fan = node.weight.size() / outputs;
  for (std::size_t k = 0; k < outputs; ++k) {
    exponents.push_back(legal.values[legal.values.size() == 1 ? 0 : k]);
    for (std::size_t i = k * fan; i < (k + 1) * fan; ++i) {
      const double value = std::ldexp(static_cast<double>(node.weight[i]), -exponents[k]);
      double code = std::nearbyint(value);
      if (rounds) code = std::clamp(code, -kLargest - 1, kLargest);
      if (!rounds && code != value) op.fail("found a weight of {} steps, expected a whole number", value);
      signal += std::ldexp(value * value, 2 * exponents[k]);
      noise += std::ldexp((value - code) * (value - code), 2 * exponents[k]);
      node.weight[i] = static_cast<float>(code);
    }
  }
  if (!legal.replaced.empty())
    scales_.replace(quantizer.place, "weights of '" + op.label() + "': " + legal.replaced,
                    noise > 0 ? fmt::format("{:.1f} dB of the weights are left", 10 * std::log10(signal / noise))
                              : "nothing: the same weights");
  return exponents;
}

}  // namespace shiftsim::quantizer
