#include "tests/qnet/random_conv.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/error.h"
#include "common/index.h"
#include "qnet/bounds.h"

namespace shiftsim::qnet {
namespace {

/// Exponent of the input channels that output channel k sums over.
int input_exponent(const Layer& layer, const Tensor& in, const Tensor& output, int k) {
  const int per_group = output.channels / layer.groups;
  const int inputs_per_group = in.channels / layer.groups;
  return in.exponent(k / per_group * inputs_per_group);
}

int half_steps(const Layer& layer) {
  return layer.has_offset() ? 1 : 0;
}

}  // namespace

void RandomConv::fill(Network& network, const Wish& wish) {
  Layer& layer = network.layers.back();
  Tensor& output = network.tensors.back();
  const Tensor& in = network.in(layer);
  const bool is_logits = output.bits == kLogitsBits;
  const std::size_t outputs = index(output.channels);

  fill_weights(in, output.channels, layer);
  if (layer.input == 0 && options_.pad_values && random_.chance(60)) fill_pad_values(network, layer);
  layer.bias.assign(outputs, 0);
  layer.shifts.assign(outputs, 0);
  layer.weight_exponents.assign(outputs, 0);
  output.bits = 8;
  fit_accumulator(network, layer);
  const Interval acc = bounds(network, layer).widened;  // exactly acc, layer by layer
  const auto reach = static_cast<int>(std::min<std::int64_t>(std::max(-acc.low, acc.high), 1 << 24));
  for (std::int32_t& b : layer.bias) b = random_.chance(80) ? random_.in(-reach / 4, reach / 4) : 0;

  if (is_logits) {
    fill_logits(in, layer, output);
    return;
  }
  fill_requantization(in, acc.bits(), wish.may_split, layer, output);
  if (options_.residuals && (wish.residual || random_.chance(60))) add_residual(network, layer);
}

void RandomConv::fill_weights(const Tensor& in, int outputs, Layer& layer) {
  layer.weight_bits = random_.of(options_.weight_bits);
  const int low = -(1 << (layer.weight_bits - 1));
  const int high = -low - 1;
  const int style = random_.in(0, 5);
  layer.weights.resize(index(outputs) * index(layer.kernel_h) * index(layer.kernel_w) *
                       index(in.channels / layer.groups));
  for (std::int8_t& w : layer.weights) w = static_cast<std::int8_t>(weight(low, high, style));
  layer.offsets.assign(index(outputs), 0);
  if (!options_.offsets || !random_.chance(60)) return;
  for (std::int8_t& c : layer.offsets) c = static_cast<std::int8_t>(random_.chance(30) ? 0 : random_.in(-8, 7));
}

int RandomConv::weight(int low, int high, int style) {
  if (style == 0) return random_.chance(50) ? low : high;                 // the ends
  if (style == 1) return random_.chance(70) ? 0 : random_.in(low, high);  // sparse
  return random_.in(low, high);
}

/// The image padded with its mean.
void RandomConv::fill_pad_values(Network& network, Layer& layer) {
  network.input_spec.mean.clear();
  for (int c = 0; c < network.in(layer).channels; ++c) {
    const bool first = layer.pad_values.empty() && random_.chance(20);
    layer.pad_values.push_back(static_cast<std::uint8_t>(first ? 255 : random_.in(0, 255)));
    network.input_spec.mean.push_back(layer.pad_values.back() / network.input_spec.scale);
  }
  network.input_spec.std_dev = {1.0};
}

/// Makes weights smaller until the accumulator fits.
void RandomConv::fit_accumulator(const Network& network, Layer& layer) const {
  const auto width = [&] {
    const LayerBounds b = bounds(network, layer);
    return std::max(b.accumulator.bits(),
                    layer.keeps_channels_apart(network.in(layer).channels) ? b.widened.bits() : 0);
  };
  while (width() > options_.acc_bits) {
    bool changed = false;
    for (std::int8_t& w : layer.weights) {
      changed = changed || w != 0;
      w = static_cast<std::int8_t>(w / 2);
    }
    if (!changed) std::fill(layer.offsets.begin(), layer.offsets.end(), 0);
    SHIFTSIM_CHECK(changed || layer.weights[0] == 0, "acc_bits {} too small", options_.acc_bits);
    if (!changed && width() > options_.acc_bits) throw InternalError("acc_bits too small for any weights");
  }
}

void RandomConv::fill_logits(const Tensor& in, Layer& layer, Tensor& output) {
  output.bits = kLogitsBits;
  std::vector<int> spread(index(output.channels));
  for (int& d : spread) d = random_.in(0, 3);
  const int least = *std::min_element(spread.begin(), spread.end());
  const int base = random_.in(-8, 0);
  for (std::size_t k = 0; k < spread.size(); ++k) {
    layer.weight_exponents[k] = static_cast<std::int8_t>(base + spread[k]);
    layer.shifts[k] = static_cast<std::int8_t>(least - spread[k]);
  }
  output.exponents = {input_exponent(layer, in, output, 0) + base + least - half_steps(layer)};
}

/// Activation, shifts and exponents of an output whose sums have 'sum_bits' bits.
void RandomConv::fill_requantization(const Tensor& in, int sum_bits, bool may_split, Layer& layer, Tensor& output) {
  choose_activation(layer, output);
  // A shift that brings the sums near the output's range, so that few outputs are all 0 or all clamped; sometimes to
  // the left.
  const int likely = random_.chance(10) ? random_.in(-2, 0) : std::max(0, sum_bits - output.bits - random_.in(0, 3));
  const int n = std::min(likely, 24);
  const bool split = may_split && options_.channel_exponents && random_.chance(25) && options_.depthwise;
  const int out_exponent = options_.views && random_.chance(60) ? -2 : random_.in(-6, 3);
  output.exponents.clear();
  for (int k = 0; k < (split ? output.channels : 1); ++k)
    output.exponents.push_back(out_exponent + (split ? random_.in(-1, 1) : 0));
  const int spread = random_.in(0, 2);
  for (int k = 0; k < output.channels; ++k) {
    const int shift = n + random_.in(-spread, spread);
    const int ea = output.exponent(k) - shift;
    layer.shifts[index(k)] = static_cast<std::int8_t>(shift);
    layer.weight_exponents[index(k)] =
        static_cast<std::int8_t>(ea - input_exponent(layer, in, output, k) + half_steps(layer));
    layer.hi.push_back(static_cast<std::uint8_t>(top_code(layer, output, k)));
  }
}

void RandomConv::choose_activation(Layer& layer, Tensor& output) {
  output.bits = random_.of(options_.activation_bits);
  const int activation = random_.in(0, 5);
  layer.activation = options_.signed_activations && activation < 2 ? Activation::kNone
                     : options_.relu6 && activation == 2           ? Activation::kRelu6
                                                                   : Activation::kRelu;
  output.is_signed = layer.activation == Activation::kNone;
  layer.lo = output.low();
}

/// Where the activation clamps the channel.
int RandomConv::top_code(const Layer& layer, const Tensor& output, int channel) {
  if (layer.activation != Activation::kRelu6) return output.high();
  // Its channel may have been multiplied by something.
  const double six = 6 * std::exp2(random_.in(-4, 4) / 8.0);
  return static_cast<int>(std::min<double>(output.high(), std::round(std::ldexp(six, -output.exponent(channel)))));
}

/// A residual from any earlier tensor of the output's shape, if the shifts allow it.
void RandomConv::add_residual(const Network& network, Layer& layer) {
  const Tensor& output = network.tensors.back();
  std::vector<int> candidates;
  for (int t = 0; t < layer.output; ++t) {
    const Tensor& r = network.tensors[index(t)];
    if (r.height == output.height && r.width == output.width && r.channels == output.channels) candidates.push_back(t);
  }
  if (candidates.empty()) return;
  layer.residual = random_.of(candidates);
  const Tensor& r = network.tensors[index(layer.residual)];
  for (int k = 0; k < output.channels; ++k) {
    const int shift = r.exponent(k) - (output.exponent(k) - layer.shifts[index(k)]);
    layer.residual_shifts.push_back(static_cast<std::int8_t>(std::clamp(shift, -100, 100)));
  }
  const bool in_range = std::all_of(layer.residual_shifts.begin(), layer.residual_shifts.end(),
                                    [](std::int8_t s) { return s >= -31 && s <= 31; });
  if (in_range && bounds(network, layer).ppu.bits() <= 32) return;
  layer.residual = -1;
  layer.residual_shifts.clear();
}

}  // namespace shiftsim::qnet
