#include "quantizer/exchange/table_layer.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "quantizer/exchange/output_codes.h"
#include "quantizer/export/activation_table.h"
#include "quantizer/import/scalar_functions.h"

namespace shiftsim::quantizer {

namespace {

/// Nearer to a tie than this, relative to its value, an entry depends on how single precision computes a function.
constexpr double kNearTie = 0x1p-20;

float of_two(ScalarOp op, float a, float b) {
  switch (op) {
    case ScalarOp::kAdd:
      return a + b;
    case ScalarOp::kSubtract:
      return a - b;
    case ScalarOp::kMultiply:
      return a * b;
    case ScalarOp::kDivide:
      return a / b;
    case ScalarOp::kMinimum:
      return std::min(a, b);
    case ScalarOp::kMaximum:
      return std::max(a, b);
    default:
      SHIFTSIM_CHECK(false, "scalar operator {} has no two arguments", static_cast<int>(op));
  }
}

/// The values of a chain's nodes, one for each code of the root.
class ChainValues {
public:
  ChainValues(const ImportState& state, const FunctionChain& chain, const qnet::Tensor& root, int number)
      : state_(state) {
    std::vector<float>& values = by_node_[chain.root];
    const int moved = number == 0 ? state.image.low : 0;
    const int exponent = number == 0 ? state.image.exponents[0] : root.exponent(0);
    for (int code = root.low(); code <= root.high(); ++code)
      values.push_back(std::ldexp(static_cast<float>(code + moved), exponent));
    for (const int node : chain.nodes) by_node_[node] = values_of(node);
  }

  /// Of a quantization in the chain.
  const std::vector<float>& in_front_of(int node) const { return by_node_.at(state_.at(node).inputs[0]); }

private:
  std::vector<float> values_of(int node) const {
    std::vector<float> values = in_front_of(node);
    const Node& source = state_.at(node);
    if (state_.file.quantizers.contains(node)) {
      quantize(node, values);
    } else if (source.kind == NodeKind::kAffine) {
      scale_and_shift(node, values);
    } else if (source.kind == NodeKind::kClamp) {
      if (state_.file.channel_clamps.contains(node)) differs_by_channel(node);
      for (float& value : values)
        value = static_cast<float>(std::clamp(static_cast<double>(value), source.clamp.low, source.clamp.high));
    } else if (source.kind == NodeKind::kFunction) {
      apply(node, values);
    } else {
      const ScalarOp op = source.kind == NodeKind::kAdd ? ScalarOp::kAdd : source.elementwise;
      const std::vector<float>& second = by_node_.at(source.inputs[1]);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = of_two(op, values[i], second[i]);
    }
    const auto bad = std::find_if(values.begin(), values.end(), [](float value) { return std::isnan(value); });
    if (bad != values.end())
      state_.place(node).fail("gives no number for code {} of {} of the quantized value, expected one for each",
                              bad - values.begin() + 1, values.size());
    return values;
  }

  void quantize(int node, std::vector<float>& values) const {
    const CodeQuantizer& quantizer = state_.file.quantizers.at(node);
    if (quantizer.exponents.size() > 1) differs_by_channel(node);
    for (float& value : values)
      value =
          std::ldexp(static_cast<float>(nearest_code(quantizer, static_cast<double>(value))), quantizer.exponents[0]);
  }

  void scale_and_shift(int node, std::vector<float>& values) const {
    const auto found = uniform_affine(state_.at(node));
    if (!found) differs_by_channel(node);
    const auto divisor = state_.file.divisors.find(node);
    const auto scale = static_cast<float>(found->first), shift = static_cast<float>(found->second);
    for (float& value : values) {
      value = divisor == state_.file.divisors.end() ? value * scale : value / divisor->second;
      value += shift;
    }
  }

  void apply(int node, std::vector<float>& values) const {
    if (state_.file.truncations.contains(node)) {
      for (float& value : values) value = std::trunc(value);
      return;
    }
    const auto entries = state_.file.lookups.find(node);
    if (entries == state_.file.lookups.end()) {
      state_.at(node).function->evaluate_in_single(values.data(), values.data(), values.size());
      return;
    }
    const auto size = static_cast<float>(entries->second.size());
    for (float& value : values) {
      if (value < -size || value >= size) state_.place(node).fail("picks the entry {} of {}", value, size);
      value = entries->second[static_cast<std::size_t>(value < 0 ? value + size : value)];
    }
  }

  [[noreturn]] void differs_by_channel(int node) const {
    state_.place(node).fail("has a value for each channel, expected one: an activation table is one for all channels");
  }

  const ImportState& state_;
  std::map<int, std::vector<float>> by_node_;
};

/// Entries that are no exact ties, but so near to one that single precision decides.
int near_ties(const CodeQuantizer& quantizer, const std::vector<float>& values) {
  return static_cast<int>(std::count_if(values.begin(), values.end(), [&](float value) {
    const double steps = std::ldexp(static_cast<double>(value), -quantizer.exponents[0]);
    const double gap = std::abs(steps - std::floor(steps) - 0.5);
    return steps > quantizer.low - 1 && steps < quantizer.high + 1 && gap != 0 && gap < std::abs(steps) * kNearTie;
  }));
}

}  // namespace

int append_table_layer(ImportState& state, int quantization, const FunctionChain& chain) {
  const int read = state.plain_tensor(chain.function, state.values[static_cast<std::size_t>(chain.root)]);
  const qnet::Tensor in = state.tensor(read);
  if (in.exponents.size() > 1)
    state.place(chain.function).fail("reads '{}', whose scales are one per channel, expected one", in.name);
  const CodeQuantizer& quantizer = state.file.quantizers.at(quantization);
  const ChainValues values(state, chain, in, read);
  if (quantizer.exponents.size() > 1)
    state.place(quantization).fail("has a scale for each channel behind a function, expected one");
  std::vector<int> codes;
  for (const float value : values.in_front_of(quantization))
    codes.push_back(nearest_code(quantizer, static_cast<double>(value)));

  qnet::Layer layer;
  layer.name = state.layer_name(chain.function);
  layer.input = read;
  layer.output = static_cast<int>(state.network.tensors.size());
  become_table(layer, in);
  for (int i = 0; i < static_cast<int>(qnet::kTableEntries); ++i) {
    const int code = layer.lo < 0 ? static_cast<std::int8_t>(i) : i;
    // A tensor of fewer bits has not all of them.
    const int known = std::clamp(code, in.low(), in.high()) - in.low();
    layer.table.push_back(static_cast<std::uint8_t>(codes[static_cast<std::size_t>(known)]));
  }
  qnet::Tensor out = in;
  out.name = state.tensor_name(state.file.labels.at(quantization));
  set_table_output(out, codes, quantizer, state.facts);
  state.counts.near_ties += near_ties(quantizer, values.in_front_of(quantization));
  state.network.tensors.push_back(std::move(out));
  state.network.layers.push_back(std::move(layer));
  return state.network.layers.back().output;
}

}  // namespace shiftsim::quantizer
