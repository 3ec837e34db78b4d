#include "tests/qnet/named_networks.h"

#include <random>

#include "common/error.h"

namespace shiftsim::qnet {
namespace {

struct ConvShape {
  int channels, kernel, stride, weight_bits, out_bits;
  bool relu = true;
  int groups = 1;
  int residual = -1;  ///< tensor
};

/// Adds layers one after the other; each returns the tensor that it writes.
class Builder {
public:
  Builder(const std::string& name, int size, int channels) {
    network_.name = name;
    network_.tensors.push_back({"image", size, size, channels, 8, false, {0}});
  }

  Network finish() {
    validate(network_, network_.name);
    return network_;
  }

  int conv(int input, const ConvShape& shape) {
    Layer layer = begin(input, shape.kernel, shape.stride, shape.kernel / 2);
    layer.residual = shape.residual;
    layer.groups = shape.groups;
    Tensor out = output_of(layer, shape.channels, shape.out_bits, !shape.relu);
    layer.activation = shape.relu ? Activation::kRelu : Activation::kNone;
    return add_conv(layer, out, shape.weight_bits);
  }

  int max_pool(int input, int kernel, int stride) {
    Layer layer = begin(input, kernel, stride, kernel / 2);
    layer.kind = LayerKind::kMaxPool;
    const Tensor in = network_.in(layer);
    Tensor out = output_of(layer, in.channels, in.bits, in.is_signed);
    out.exponents = in.exponents;
    return add(layer, out);
  }

  int global_average_pool(int input) {
    Layer layer = begin(input, at(input).height, 1, 0);
    layer.kind = LayerKind::kSumPool;
    const Tensor in = network_.in(layer);
    Tensor out = output_of(layer, in.channels, in.bits, in.is_signed);
    constexpr int kShift = 6;  // 7x7 pixels
    out.exponents = {in.exponents[0] + kShift};
    set_clamp(layer, out);
    layer.shifts.assign(channels(out), kShift);
    return add(layer, out);
  }

  int linear(int input, int outputs) {
    Layer layer = begin(input, at(input).height, 1, 0);
    return add_conv(layer, output_of(layer, outputs, kLogitsBits, true), 8);
  }

  const Tensor& at(int tensor) const { return network_.tensors[static_cast<std::size_t>(tensor)]; }

private:
  static std::size_t channels(const Tensor& tensor) { return static_cast<std::size_t>(tensor.channels); }

  Layer begin(int input, int kernel, int stride, int pad) const {
    Layer layer;
    layer.name = "layer" + std::to_string(network_.layers.size());
    layer.input = input;
    layer.output = static_cast<int>(network_.tensors.size());
    layer.kernel_h = layer.kernel_w = kernel;
    layer.stride_h = layer.stride_w = stride;
    layer.pad_top = layer.pad_left = layer.pad_bottom = layer.pad_right = pad;
    return layer;
  }

  Tensor output_of(const Layer& layer, int out_channels, int bits, bool is_signed) const {
    const Tensor& in = network_.in(layer);
    const auto size = [&](int input) { return (input + 2 * layer.pad_top - layer.kernel_h) / layer.stride_h + 1; };
    return {layer.name + "_out", size(in.height), size(in.width), out_channels, bits, is_signed, {0}};
  }

  static void set_clamp(Layer& layer, const Tensor& out) {
    layer.lo = out.low();
    layer.hi.assign(channels(out), static_cast<std::uint8_t>(out.high()));
  }

  int add(const Layer& layer, const Tensor& out) {
    network_.tensors.push_back(out);
    network_.layers.push_back(layer);
    return layer.output;
  }

  int add_conv(Layer& layer, Tensor out, int weight_bits) {
    const Tensor& in = network_.in(layer);
    const bool logits = out.bits == kLogitsBits;
    const std::size_t outputs = channels(out);
    if (!logits) set_clamp(layer, out);
    layer.weight_bits = weight_bits;
    layer.weights.resize(outputs * static_cast<std::size_t>(layer.kernel_h * layer.kernel_w) *
                         static_cast<std::size_t>(in.channels / layer.groups));
    const int range = 1 << weight_bits;
    for (std::int8_t& w : layer.weights) w = static_cast<std::int8_t>(static_cast<int>(random_() % range) - range / 2);
    layer.offsets.assign(outputs, 0);
    if (weight_bits < 8)
      for (std::int8_t& c : layer.offsets) c = static_cast<std::int8_t>(random_() % 3);
    layer.bias.assign(outputs, 0);
    // All tensors but the pool's have exponent 0.
    const int n = logits ? 0 : 7;
    const int ea = -n;
    const int half_step = layer.has_offset() ? 1 : 0;
    layer.weight_exponents.assign(outputs, static_cast<std::int8_t>(ea - in.exponents[0] + half_step));
    layer.shifts.assign(outputs, static_cast<std::int8_t>(n));
    out.exponents = {ea + n};
    if (layer.residual >= 0)
      layer.residual_shifts.assign(outputs, static_cast<std::int8_t>(at(layer.residual).exponents[0] - ea));
    return add(layer, out);
  }

  Network network_;
  std::mt19937 random_{1};
};

constexpr int kShortcutBits = 8;

int basic_block(Builder& net, int input, int channels, int stride, int weight_bits, int bits) {
  const int first = net.conv(input, {channels, 3, stride, weight_bits, bits});
  const bool same = stride == 1 && net.at(input).channels == channels;
  const int shortcut = same ? input : net.conv(input, {channels, 1, stride, weight_bits, kShortcutBits, false});
  return net.conv(first, {channels, 3, 1, weight_bits, bits, true, 1, shortcut});
}

int bottleneck(Builder& net, int input, int channels, int stride, int weight_bits, int bits) {
  const int first = net.conv(input, {channels, 1, 1, weight_bits, bits});
  const int second = net.conv(first, {channels, 3, stride, weight_bits, bits});
  const bool same = stride == 1 && net.at(input).channels == 4 * channels;
  const int shortcut = same ? input : net.conv(input, {4 * channels, 1, stride, weight_bits, kShortcutBits, false});
  return net.conv(second, {4 * channels, 1, 1, weight_bits, bits, true, 1, shortcut});
}

int inverted_residual(Builder& net, int input, int channels, int stride, int expansion, int weight_bits, int bits) {
  const int hidden = net.at(input).channels * expansion;
  const int wide = expansion == 1 ? input : net.conv(input, {hidden, 1, 1, weight_bits, bits});
  const int deep = net.conv(wide, {hidden, 3, stride, weight_bits, bits, true, hidden});
  const bool same = stride == 1 && net.at(input).channels == channels;
  return net.conv(deep, {channels, 1, 1, weight_bits, bits, false, 1, same ? input : -1});
}

using Block = int (*)(Builder&, int, int, int, int, int);

Network resnet(const std::string& name, const std::vector<int>& blocks, Block block, int weight_bits, int bits) {
  Builder net(name, 224, 3);
  int tensor = net.max_pool(net.conv(0, {64, 7, 2, 8, bits}), 3, 2);
  int channels = 64;
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    for (int i = 0; i < blocks[stage]; ++i)
      tensor = block(net, tensor, channels, i == 0 && stage > 0 ? 2 : 1, weight_bits, bits);
    channels *= 2;
  }
  net.linear(net.global_average_pool(tensor), 1000);
  return net.finish();
}

Network mobilenet_v2(int weight_bits, int bits) {
  Builder net("mobilenet_v2", 224, 3);
  int tensor = net.conv(0, {32, 3, 2, 8, bits});
  struct Stage {
    int expansion, channels, blocks, stride;
  };
  for (const Stage& stage : {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2}, Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
                             Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}})
    for (int i = 0; i < stage.blocks; ++i)
      tensor =
          inverted_residual(net, tensor, stage.channels, i == 0 ? stage.stride : 1, stage.expansion, weight_bits, bits);
  net.linear(net.global_average_pool(net.conv(tensor, {1280, 1, 1, weight_bits, bits})), 1000);
  return net.finish();
}

}  // namespace

Network residual_network() {
  Builder net("residual", 28, 1);
  int tensor = net.conv(0, {16, 3, 1, 8, 4});
  for (const int channels : {16, 32, 64, 128})
    for (int i = 0; i < 2; ++i) tensor = basic_block(net, tensor, channels, i == 0 && channels > 16 ? 2 : 1, 4, 4);
  net.linear(tensor, 10);
  return net.finish();
}

Network imagenet_network(const std::string& name, int weight_bits, int activation_bits) {
  if (name == "resnet18") return resnet(name, {2, 2, 2, 2}, basic_block, weight_bits, activation_bits);
  if (name == "resnet50") return resnet(name, {3, 4, 6, 3}, bottleneck, weight_bits, activation_bits);
  SHIFTSIM_CHECK(name == "mobilenet_v2", "no network {}", name);
  return mobilenet_v2(weight_bits, activation_bits);
}

}  // namespace shiftsim::qnet
