#include "quantizer/exchange/node_values.h"

#include <algorithm>
#include <cmath>

#include "common/index.h"
#include "quantizer/exchange/table_layer.h"

namespace shiftsim::quantizer {

namespace {

class NodeValues {
public:
  NodeValues(ImportState& state, const FunctionChains& chains) : state_(state), chains_(chains) {}

  ImportedValue value_of(int node) {
    const NodeKind kind = state_.at(node).kind;
    if (state_.file.quantizers.contains(node)) return quantized(node);
    if (kind == NodeKind::kConv) return convolution(node);
    if (kind == NodeKind::kAdd) return addition(node);
    if (kind == NodeKind::kAffine) return affine(node);
    if (kind == NodeKind::kClamp) return clamp(node);
    if (kind == NodeKind::kMaxPool) return maximum(node);
    if (kind == NodeKind::kGlobalPool || kind == NodeKind::kAveragePool) return mean(node);
    if (kind == NodeKind::kPad) return padding(node);
    if (kind == NodeKind::kView) return view(node);
    if (kind == NodeKind::kFunction || kind == NodeKind::kElementwise)
      state_.place(node).fail(
          "is not quantized behind it, expected QuantizeLinear or Quant: their codes are what an activation table "
          "holds");
    state_.place(node).fail("cannot be imported from a quantized file");
  }

private:
  ImportedValue quantized(int node) {
    const CodeQuantizer& quantizer = state_.file.quantizers.at(node);
    const ImportedValue& from = state_.input(node);
    const std::string& name = state_.file.labels.at(node);
    if (state_.at(node).inputs[0] == 0) return quantized_image(node, quantizer, name);
    if (const FunctionChain* chain = chains_.of(node)) return {append_table_layer(state_, node, *chain)};
    if (!from.sum && !from.pad && from.centre.empty()) {
      const int known = state_.tensor_of(node, from);
      if (holds(quantizer, known)) {
        if (state_.unnamed.erase(known) > 0) state_.tensor(known).name = state_.tensor_name(name);
        return from;
      }
    }
    SumLayer sum = from.sum ? *from.sum : state_.summed(node, from);
    state_.settle_mean(sum);
    return {append_sum_layer(sum, quantizer, state_.tensor_name(name), state_.facts, state_.network, state_.counts)};
  }

  /// Whether quantizing the tensor again leaves every code as it is.
  bool holds(const CodeQuantizer& quantizer, int number) const {
    const qnet::Tensor& known = state_.network.tensors[index(number)];
    if (number == 0) return quantizer == state_.image;
    return quantizer.exponents == known.exponents && quantizer.low <= known.low() && quantizer.high >= known.high();
  }

  ImportedValue quantized_image(int node, const CodeQuantizer& quantizer, const std::string& name) {
    if (!state_.network.tensors.empty()) {
      if (quantizer == state_.image) return {0};
      state_.place(node).fail("quantizes the input in a second way, expected one");
    }
    if (quantizer.exponents.size() != 1 || quantizer.high - quantizer.low != 255)
      state_.place(node).fail("found an input of codes from {} to {}, expected 8 bits and one scale", quantizer.low,
                              quantizer.high);
    state_.image = quantizer;
    const Shape& shape = state_.at(node).shape;
    state_.network.tensors.push_back({state_.tensor_name(name), shape.height, shape.width, shape.channels});
    return {0};
  }

  ImportedValue convolution(int node) {
    const Node& source = state_.at(node);
    const ImportedValue& from = state_.input(node);
    Window window = source.window;
    if (from.pad) {
      if (*from.pad != 0) state_.place(node).fail("reads a value padded with {}, expected 0", *from.pad);
      add_pads(window, from.pads);
    }
    SumLayer sum = state_.new_sum(node, from, window, source.groups);
    const qnet::Tensor& in = state_.tensor(sum.input.tensor);
    if (in.exponents.size() > 1 && !qnet::is_depthwise(source.groups, in.channels))
      state_.place(node).fail("sums over channels of '{}', whose scales are one per channel", in.name);
    for (const float code : source.weight) sum.codes.push_back(static_cast<int>(code));
    sum.exponents = state_.file.weight_exponents.at(node);
    sum.bias.assign(source.bias.begin(), source.bias.end());
    ImportedValue value;
    value.sum = std::move(sum);
    return value;
  }

  static void add_pads(Window& window, const Window& more) {
    window.pad_top += more.pad_top;
    window.pad_left += more.pad_left;
    window.pad_bottom += more.pad_bottom;
    window.pad_right += more.pad_right;
  }

  /// One operand is summed further, the other must be a tensor: the residual.
  ImportedValue addition(int node) {
    const ImportedValue *a = &state_.input(node, 0), *b = &state_.input(node, 1);
    if (a->sum && b->sum) state_.place(node).fail("adds two sums, expected one of them to be quantized before");
    if (b->sum) std::swap(a, b);
    // Of two tensors the one with the finer steps is summed: the other is a multiple of them.
    if (!a->sum && least_exponent(node, *b) < least_exponent(node, *a)) std::swap(a, b);
    SumLayer sum = state_.summed(node, *a);
    if (sum.residual >= 0)
      state_.place(node).fail("adds a third operand to '{}', expected it to be quantized before", sum.name);
    sum.residual = state_.plain_tensor(node, *b);
    if (state_.is_moved_image(sum.residual))
      state_.place(node).fail("adds the input, expected an input of unsigned codes with scale 1");
    ImportedValue value;
    value.sum = std::move(sum);
    return value;
  }

  int least_exponent(int node, const ImportedValue& value) const {
    const auto& exponents = state_.network.tensors[index(state_.plain_tensor(node, value))].exponents;
    return *std::min_element(exponents.begin(), exponents.end());
  }

  ImportedValue affine(int node) {
    const Node& source = state_.at(node);
    const ImportedValue& from = state_.input(node);
    const bool adds = std::all_of(source.weight.begin(), source.weight.end(), [](float w) { return w == 1; });
    const auto is_pixel = [](float value) { return value <= 0 && value == std::floor(value); };
    if (adds && from.tensor == 0 && !from.pad && from.centre.empty() &&
        std::all_of(source.bias.begin(), source.bias.end(), is_pixel)) {
      ImportedValue centred{0};
      for (const float value : source.bias) centred.centre.push_back(-static_cast<double>(value));
      return centred;
    }
    if (from.tensor < 0 && !from.sum)
      state_.place(node).fail("changes the input before it is quantized: leave it to the images");
    SumLayer sum;
    if (from.sum && from.sum->mean && !from.sum->is_clamped())
      sum = *from.sum;
    else
      sum = state_.summed(node, from);
    scale(node, source.weight, sum);
    if (std::any_of(source.bias.begin(), source.bias.end(), [](float b) { return b != 0; })) state_.settle_mean(sum);
    for (std::size_t k = 0; k < source.bias.size(); ++k) sum.bias[k] += static_cast<double>(source.bias[k]);
    ImportedValue value;
    value.sum = std::move(sum);
    return value;
  }

  /// Multiplies sums by a constant of each channel: any one for a mean, otherwise powers of two.
  void scale(int node, const std::vector<float>& factors, SumLayer& sum) const {
    if (sum.mean && std::all_of(factors.begin(), factors.end(), [&](float f) { return f == factors[0]; })) {
      *sum.mean *= static_cast<double>(factors[0]);
      return;
    }
    for (std::size_t k = 0; k < factors.size(); ++k) {
      if (factors[k] == 1) continue;
      int exponent = 0;
      if (std::frexp(factors[k], &exponent) != 0.5f || sum.residual >= 0)
        state_.place(node).fail("multiplies by {}, expected a power of two, and nothing added before", factors[k]);
      sum.exponents[k] += exponent - 1;
      sum.bias[k] *= static_cast<double>(factors[k]);
    }
  }

  ImportedValue clamp(int node) {
    const Node& source = state_.at(node);
    const auto own = state_.file.channel_clamps.find(node);
    const auto bounds = [&](int k) {
      return own == state_.file.channel_clamps.end() ? source.clamp : own->second[index(k)];
    };
    const ImportedValue& from = state_.input(node);
    if (!from.sum) {
      const qnet::Tensor& known = state_.tensor(state_.plain_tensor(node, from));
      bool changes = from.tensor == 0 && state_.image.low != 0;
      for (int k = 0; k < known.channels; ++k)
        changes = changes || std::ldexp(known.low(), known.exponent(k)) < bounds(k).low ||
                  std::ldexp(known.high(), known.exponent(k)) > bounds(k).high;
      if (!changes) return from;
    }
    ImportedValue value;
    value.sum = from.sum ? *from.sum : state_.summed(node, from);
    for (int k = 0; k < value.sum->shape.channels; ++k) {
      Clamp& clamp = value.sum->clamps[index(k)];
      clamp = clamp.then(bounds(k));
    }
    return value;
  }

  ImportedValue maximum(int node) {
    const Node& source = state_.at(node);
    const ImportedValue& from = state_.input(node);
    const int read = state_.tensor_of(node, from);
    if (!from.centre.empty() || state_.is_moved_image(read))
      state_.place(node).fail("reads the input, expected an input of unsigned codes with scale 1");
    const qnet::Tensor in = state_.tensor(read);
    Window window = source.window;
    if (from.pad) {
      for (int c = 0; c < in.channels; ++c)
        if (*from.pad > std::ldexp(in.low(), in.exponent(c)))
          state_.place(node).fail("reads a value padded with {}, expected the least value of '{}' or less", *from.pad,
                                  in.name);
      add_pads(window, from.pads);
    }
    qnet::Layer layer;
    layer.name = state_.layer_name(node);
    layer.kind = qnet::LayerKind::kMaxPool;
    layer.input = read;
    layer.output = static_cast<int>(state_.network.tensors.size());
    set_window(layer, window);
    qnet::Tensor out = in;
    out.name = "";
    out.height = source.shape.height;
    out.width = source.shape.width;
    out.bits = in.bits <= 2 ? 2 : in.bits <= 4 ? 4 : 8;  // a view's may be any
    state_.network.layers.push_back(std::move(layer));
    state_.network.tensors.push_back(std::move(out));
    state_.unnamed.insert(state_.network.layers.back().output);
    return {state_.network.layers.back().output};
  }

  ImportedValue mean(int node) {
    const Node& source = state_.at(node);
    const ImportedValue& from = state_.input(node);
    const qnet::Tensor& in = state_.tensor(state_.plain_tensor(node, from));
    Window window = source.window;
    if (source.kind == NodeKind::kGlobalPool) {
      window.kernel_h = in.height;
      window.kernel_w = in.width;
    } else if (window.padded() && (!source.count_pads || source.over_bottom > 0 || source.over_right > 0)) {
      state_.place(node).fail("averages without the padding that lies in the window, expected count_include_pad");
    }
    ImportedValue value;
    value.sum = state_.ones(node, from, window);
    value.sum->mean = 1.0 / static_cast<double>(window.taps());
    return value;
  }

  /// Tensors joined, channels picked out: codes as they stand.
  ImportedValue view(int node) {
    const Node& source = state_.at(node);
    qnet::Layer layer;
    layer.name = state_.layer_name(node);
    layer.kind = qnet::LayerKind::kView;
    layer.input = read_by_view(node, 0);
    if (source.view.joins()) layer.residual = read_by_view(node, 1);
    layer.output = static_cast<int>(state_.network.tensors.size());
    layer.channels = source.view.channels;
    layer.view = source.view.geometry;
    state_.network.tensors.push_back(viewed_tensor(node, layer));
    state_.network.layers.push_back(std::move(layer));
    state_.unnamed.insert(state_.network.layers.back().output);
    return {state_.network.layers.back().output};
  }

  int read_by_view(int node, std::size_t which) {
    const int tensor = state_.plain_tensor(node, state_.input(node, which));
    if (tensor == 0) state_.place(node).fail("rearranges the input, expected a value that a layer makes");
    return tensor;
  }

  /// The exponents of the sources, and the least width that holds their codes.
  qnet::Tensor viewed_tensor(int node, const qnet::Layer& layer) {
    const Node& source = state_.at(node);
    qnet::Tensor out{"", source.shape.height, source.shape.width, source.shape.channels, 2, false, {}};
    int low = 0, high = 0;
    for (std::size_t k = 0; k < source.view.channels.size(); ++k) {
      const qnet::Tensor& from = state_.tensor(source.view.is_joined(k) ? layer.residual : layer.input);
      low = std::min(low, from.low());
      high = std::max(high, from.high());
      out.exponents.push_back(from.exponent(static_cast<int>(source.view.source(k))));
      if (!source.view.geometry.joins_pixels()) continue;
      const qnet::Tensor& joined = state_.tensor(layer.residual);
      low = std::min(low, joined.low());
      high = std::max(high, joined.high());
      const int exponent = joined.exponent(static_cast<int>(source.view.source(k)));
      if (exponent != out.exponents.back())
        state_.place(node).fail("joins maps with scales 2^{} and 2^{} of channel {}, expected one",
                                out.exponents.back(), exponent, k);
    }
    out.is_signed = low < 0;
    while (out.bits < 8 && (low < out.low() || high > out.high())) ++out.bits;
    if (low < out.low() || high > out.high())
      state_.place(node).fail("joins codes from {} to {}, expected what 8 bits hold", low, high);
    const bool one = std::all_of(out.exponents.begin(), out.exponents.end(),
                                 [&](int exponent) { return exponent == out.exponents[0]; });
    if (one) out.exponents.resize(1);
    return out;
  }

  ImportedValue padding(int node) {
    ImportedValue value = state_.input(node);
    state_.plain_tensor(node, value);
    value.pads = state_.at(node).window;
    const auto found = state_.file.pad_values.find(node);
    value.pad = found == state_.file.pad_values.end() ? 0.0 : found->second;
    return value;
  }

  ImportState& state_;
  const FunctionChains& chains_;
};

}  // namespace

ImportedValue value_of_node(ImportState& state, const FunctionChains& chains, int node) {
  return NodeValues(state, chains).value_of(node);
}

}  // namespace shiftsim::quantizer
