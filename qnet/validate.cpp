// What the contract promises of a network, checked before any engine sees it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "common/error.h"
#include "qnet/bounds.h"
#include "qnet/network.h"

namespace shiftsim::qnet {
namespace {

constexpr int kMaxExtent = 1 << 16;               // of a tensor's height, width or channels
constexpr std::size_t kMaxTensor = 1U << 28;      // codes
constexpr int kMaxKernel = 1024, kMaxStep = 255;  // kernel; stride, dilation and padding
constexpr int kMaxShift = 31;
constexpr int kMaxExponent = 127;

/// "FOLDER: layer 'conv1': " in front of every message.
class Reporter {
public:
  Reporter(std::string where, const char* kind, const std::string& name)
      : prefix_(fmt::format("{}: {} '{}'", where, kind, name)) {}

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw UserError(prefix_ + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
  void range(const char* what, std::int64_t found, std::int64_t low, std::int64_t high) const {
    if (found < low || found > high) fail("{}: found {}, expected {} to {}", what, found, low, high);
  }
  /// Every element of an array in [low, high].
  template <typename T>
  void ranges(const char* what, const std::vector<T>& values, int low, int high) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < low || values[i] > high) {
        fail("{}[{}]: found {}, expected {} to {}", what, i, static_cast<int>(values[i]), low, high);
      }
    }
  }
  void size(const char* what, std::size_t found, std::size_t expected) const {
    if (found != expected) fail("{}: found {} elements, expected {}", what, found, expected);
  }

private:
  std::string prefix_;
};

class Validator {
public:
  Validator(const Network& network, std::string where) : network_(network), where_(std::move(where)) {}

  void run() {
    if (network_.tensors.empty()) fail("{}: found a network without tensors", where_);
    if (network_.layers.empty()) fail("{}: found a network without layers", where_);
    check_names();
    for (std::size_t i = 0; i < network_.tensors.size(); ++i) check_tensor(i);
    check_input();
    check_order();
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      check_layer(network_.layers[i], i + 1 == network_.layers.size());
    }
    check_exponents_of_readers();
  }

private:
  void check_names() const {
    std::set<std::string> names;
    for (const Tensor& tensor : network_.tensors) {
      if (tensor.name.empty() || !names.insert(tensor.name).second) {
        fail("{}: tensor '{}': found an empty name or one that another tensor has", where_, tensor.name);
      }
    }
    names.clear();
    for (const Layer& layer : network_.layers) {
      if (layer.name.empty() || !names.insert(layer.name).second) {
        fail("{}: layer '{}': found an empty name or one that another layer has", where_, layer.name);
      }
    }
  }

  void check_tensor(std::size_t index) const {
    const Tensor& tensor = network_.tensors[index];
    const Reporter report(where_, "tensor", tensor.name);
    report.range("height", tensor.height, 1, kMaxExtent);
    report.range("width", tensor.width, 1, kMaxExtent);
    report.range("channels", tensor.channels, 1, kMaxExtent);
    if (tensor.size() > kMaxTensor) report.fail("found {} codes, expected at most {}", tensor.size(), kMaxTensor);
    const bool logits = static_cast<int>(index) == network_.layers.back().output;
    if (logits && (tensor.bits != kLogitsBits || !tensor.is_signed)) {
      report.fail("found {} bits, {}, expected {} bits, signed, as the last layer's output holds the logits",
                  tensor.bits, tensor.is_signed ? "signed" : "unsigned", kLogitsBits);
    }
    if (logits && (tensor.height != 1 || tensor.width != 1)) {
      report.fail("found {}x{} logits, expected 1x1", tensor.height, tensor.width);
    }
    if (!logits && tensor.bits != 2 && tensor.bits != 4 && tensor.bits != 8) {
      report.fail("bits: found {}, expected 2, 4 or 8", tensor.bits);
    }
    if (tensor.exponents.size() != 1 && (logits || tensor.exponents.size() != channels(tensor))) {
      report.fail("exponents: found {} of them, expected 1{}", tensor.exponents.size(),
                  logits ? "" : fmt::format(" or {}, one a channel", tensor.channels));
    }
    report.ranges("exponents", tensor.exponents, -kMaxExponent, kMaxExponent);
  }

  void check_input() const {
    const Tensor& image = network_.input();
    const Reporter report(where_, "tensor", image.name);
    if (image.bits != 8 || image.is_signed || image.exponents != std::vector<int>{0}) {
      report.fail("found {} bits, {}, exponent {}, expected the network's input to be 8 bits, unsigned, exponent 0",
                  image.bits, image.is_signed ? "signed" : "unsigned", image.exponents[0]);
    }
    const InputSpec& spec = network_.input_spec;
    for (const auto* values : {&spec.mean, &spec.std_dev}) {
      if (values->size() != 1 && values->size() != channels(image)) {
        fail("{}: input_spec: found {} means or standard deviations, expected 1 or {}", where_, values->size(),
             image.channels);
      }
    }
    bool positive = std::isfinite(spec.scale) && spec.scale > 0;
    for (const double value : spec.std_dev) positive = positive && std::isfinite(value) && value > 0;
    for (const double value : spec.mean) positive = positive && std::isfinite(value);
    if (!positive) fail("{}: input_spec: expected finite numbers, scale and std above 0", where_);
  }

  /// Every tensor but the image is written once, and before it is read.
  void check_order() const {
    const int count = static_cast<int>(network_.tensors.size());
    std::vector<bool> written(network_.tensors.size(), false);
    written[0] = true;
    for (const Layer& layer : network_.layers) {
      const Reporter report(where_, "layer", layer.name);
      report.range("input", layer.input, 0, count - 1);
      report.range("output", layer.output, 0, count - 1);
      report.range("residual", layer.residual, -1, count - 1);
      for (const int read : {layer.input, layer.residual}) {
        if (read >= 0 && !written[static_cast<std::size_t>(read)]) {
          report.fail("reads tensor '{}', which no layer before it writes", name(read));
        }
        if (read >= 0 && read == network_.layers.back().output) report.fail("reads the logits '{}'", name(read));
      }
      if (written[static_cast<std::size_t>(layer.output)]) {
        report.fail("writes tensor '{}', which {}", name(layer.output),
                    layer.output == 0 ? "is the network's input" : "another layer writes");
      }
      written[static_cast<std::size_t>(layer.output)] = true;
    }
    for (int i = 0; i < count; ++i) {
      if (!written[static_cast<std::size_t>(i)]) fail("{}: tensor '{}': no layer writes it", where_, name(i));
    }
  }

  void check_layer(const Layer& layer, bool last) const {
    const Reporter report(where_, "layer", layer.name);
    check_geometry(layer, report);
    switch (layer.kind) {
      case LayerKind::kConv:
        check_conv(layer, last, report);
        break;
      case LayerKind::kMaxPool:
        check_max_pool(layer, last, report);
        break;
      case LayerKind::kSumPool:
        check_sum_pool(layer, last, report);
        break;
    }
    const LayerBounds proved = bounds(network_, layer);
    const int width = std::max(proved.accumulator.bits(), proved.ppu.bits());
    if (width > 32) report.fail("some input needs {} bits, expected at most 32 (see docs/integer-contract.md)", width);
  }

  void check_geometry(const Layer& layer, const Reporter& report) const {
    report.range("kernel height", layer.kernel_h, 1, kMaxKernel);
    report.range("kernel width", layer.kernel_w, 1, kMaxKernel);
    for (const int step : {layer.stride_h, layer.stride_w}) report.range("stride", step, 1, kMaxStep);
    for (const int step : {layer.dilation_h, layer.dilation_w}) report.range("dilation", step, 1, kMaxStep);
    for (const int pad : {layer.pad_top, layer.pad_left, layer.pad_bottom, layer.pad_right}) {
      report.range("padding", pad, 0, kMaxStep);
    }
    const Tensor& input = network_.in(layer);
    const Tensor& output = network_.out(layer);
    auto extent = [&](int size, int pads, int kernel, int dilation, int stride) {
      const int room = size + pads - dilation * (kernel - 1) - 1;
      return room < 0 ? 0 : room / stride + 1;
    };
    const int height =
        extent(input.height, layer.pad_top + layer.pad_bottom, layer.kernel_h, layer.dilation_h, layer.stride_h);
    const int width =
        extent(input.width, layer.pad_left + layer.pad_right, layer.kernel_w, layer.dilation_w, layer.stride_w);
    if (output.height != height || output.width != width) {
      report.fail("output '{}': found {}x{}, expected {}x{} from the input's {}x{}", output.name, output.height,
                  output.width, height, width, input.height, input.width);
    }
  }

  void check_conv(const Layer& layer, bool last, const Reporter& report) const {
    const Tensor& input = network_.in(layer);
    const Tensor& output = network_.out(layer);
    const std::size_t outputs = channels(output);
    if (layer.groups < 1 || input.channels % layer.groups != 0 || output.channels % layer.groups != 0) {
      report.fail("groups: found {}, expected a divisor of {} input and {} output channels", layer.groups,
                  input.channels, output.channels);
    }
    if (layer.weight_bits != 2 && layer.weight_bits != 4 && layer.weight_bits != 8) {
      report.fail("weight_bits: found {}, expected 2, 4 or 8", layer.weight_bits);
    }
    const std::size_t per_output = static_cast<std::size_t>(layer.kernel_h) * static_cast<std::size_t>(layer.kernel_w) *
                                   static_cast<std::size_t>(input.channels / layer.groups);
    report.size("weights", layer.weights.size(), outputs * per_output);
    report.ranges("weights", layer.weights, -(1 << (layer.weight_bits - 1)), (1 << (layer.weight_bits - 1)) - 1);
    report.size("weight_exponents", layer.weight_exponents.size(), outputs);
    report.size("offsets", layer.offsets.size(), outputs);
    report.ranges("offsets", layer.offsets, -8, 7);
    report.size("bias", layer.bias.size(), outputs);
    report.size("shifts", layer.shifts.size(), outputs);
    report.ranges("shifts", layer.shifts, -kMaxShift, last ? 0 : kMaxShift);
    check_pad_values(layer, report);

    if (last) {
      if (layer.activation != Activation::kNone) report.fail("activation: found one on the logits, expected none");
      if (layer.lo != 0) report.fail("lo: found {}, expected 0 as logits are not clamped", layer.lo);
      report.size("hi", layer.hi.size(), 0);
    } else {
      const bool relu = layer.activation != Activation::kNone;
      if (output.is_signed == relu) {
        report.fail("output '{}': found {} codes, expected {} ones with activation {}", output.name,
                    output.is_signed ? "signed" : "unsigned", relu ? "unsigned" : "signed",
                    to_string(layer.activation));
      }
      check_clamps(layer, report);
    }

    // Exponents: ea[k] follows from input and weights, and the shift tables from that.
    const int half_steps = layer.has_offset() ? 1 : 0;
    const int per_group_in = input.channels / layer.groups, per_group_out = output.channels / layer.groups;
    int smallest = std::numeric_limits<int>::max();
    std::vector<int> ea(outputs);
    for (int k = 0; k < output.channels; ++k) {
      const auto i = static_cast<std::size_t>(k);
      ea[i] = input.exponent(k / per_group_out * per_group_in) + layer.weight_exponents[i] - half_steps;
      smallest = std::min(smallest, ea[i]);
      check_shift("shifts", i, layer.shifts[i], output.exponent(k), ea[i], report);
    }
    if (last && output.exponents[0] != smallest) {
      report.fail("output '{}': found exponent {}, expected {}, the smallest of the accumulators'", output.name,
                  output.exponents[0], smallest);
    }
    if (layer.residual < 0) {
      report.size("residual_shifts", layer.residual_shifts.size(), 0);
      return;
    }
    const Tensor& residual = network_.tensors[static_cast<std::size_t>(layer.residual)];
    if (residual.height != output.height || residual.width != output.width || residual.channels != output.channels) {
      report.fail("residual '{}': found {}x{}x{}, expected {}x{}x{} as the output has", residual.name, residual.height,
                  residual.width, residual.channels, output.height, output.width, output.channels);
    }
    report.size("residual_shifts", layer.residual_shifts.size(), outputs);
    report.ranges("residual_shifts", layer.residual_shifts, -kMaxShift, kMaxShift);
    for (int k = 0; k < output.channels; ++k) {
      const auto i = static_cast<std::size_t>(k);
      check_shift("residual_shifts", i, layer.residual_shifts[i], residual.exponent(k), ea[i], report);
    }
  }

  void check_max_pool(const Layer& layer, bool last, const Reporter& report) const {
    const Tensor& input = network_.in(layer);
    const Tensor& output = network_.out(layer);
    check_pool(layer, last, report);
    if (output.bits != input.bits || output.is_signed != input.is_signed || output.exponents != input.exponents) {
      report.fail("output '{}': expected bits, sign and exponents of the input '{}', which max pooling keeps",
                  output.name, input.name);
    }
    if (layer.lo != 0) report.fail("lo: found {}, expected 0 as max pooling does not clamp", layer.lo);
    report.size("shifts", layer.shifts.size(), 0);
    report.size("hi", layer.hi.size(), 0);
  }

  void check_sum_pool(const Layer& layer, bool last, const Reporter& report) const {
    const Tensor& input = network_.in(layer);
    const Tensor& output = network_.out(layer);
    check_pool(layer, last, report);
    // A sum has its input's sign; only an activation may take it away.
    if (output.is_signed != (input.is_signed && layer.activation == Activation::kNone)) {
      report.fail("output '{}': found {} codes, expected the sign of the input '{}', or unsigned with an activation",
                  output.name, output.is_signed ? "signed" : "unsigned", input.name);
    }
    report.size("shifts", layer.shifts.size(), channels(output));
    report.ranges("shifts", layer.shifts, -kMaxShift, kMaxShift);
    for (int k = 0; k < output.channels; ++k) {
      const auto i = static_cast<std::size_t>(k);
      check_shift("shifts", i, layer.shifts[i], output.exponent(k), input.exponent(k), report);
    }
    check_clamps(layer, report);
  }

  /// What max and sum pooling have in common: channels pass through, and there is nothing but the window.
  void check_pool(const Layer& layer, bool last, const Reporter& report) const {
    if (last) report.fail("found a pooling layer at the end, expected a conv layer that gives the logits");
    const Tensor& input = network_.in(layer);
    const Tensor& output = network_.out(layer);
    if (input.channels != output.channels) {
      report.fail("output '{}': found {} channels, expected the input's {}", output.name, output.channels,
                  input.channels);
    }
    if (layer.residual >= 0) report.fail("residual: found one on a pooling layer, expected none");
    if (layer.groups != 1) report.fail("groups: found {} on a pooling layer, expected 1", layer.groups);
    if (layer.kind == LayerKind::kMaxPool && layer.activation != Activation::kNone) {
      report.fail("activation: found one on max pooling, expected none");
    }
    report.size("weights", layer.weights.size(), 0);
    report.size("weight_exponents", layer.weight_exponents.size(), 0);
    report.size("offsets", layer.offsets.size(), 0);
    report.size("bias", layer.bias.size(), 0);
    report.size("residual_shifts", layer.residual_shifts.size(), 0);
    report.size("pad_values", layer.pad_values.size(), 0);
  }

  /// The padding of pixels is the pixel that the normalization turns into 0.
  void check_pad_values(const Layer& layer, const Reporter& report) const {
    if (layer.pad_values.empty()) return;
    if (layer.input != 0) report.fail("pad_values: found some, expected none but where the network's input is read");
    const Tensor& image = network_.input();
    report.size("pad_values", layer.pad_values.size(), channels(image));
    const InputSpec& spec = network_.input_spec;
    for (std::size_t c = 0; c < layer.pad_values.size(); ++c) {
      const double mean = spec.mean[spec.mean.size() == 1 ? 0 : c] * spec.scale;
      if (std::abs(layer.pad_values[c] - mean) > 0.5 + 1e-6) {
        report.fail("pad_values[{}]: found {}, expected round(scale * mean) = round({})", c, layer.pad_values[c], mean);
      }
    }
  }

  void check_clamps(const Layer& layer, const Reporter& report) const {
    const Tensor& output = network_.out(layer);
    if (layer.lo != output.low()) report.fail("lo: found {}, expected {}", layer.lo, output.low());
    report.size("hi", layer.hi.size(), channels(output));
    for (int k = 0; k < output.channels; ++k) {
      const int top = output.high(), found = layer.hi[static_cast<std::size_t>(k)];
      // Where ReLU6's 6 lies among the codes depends on what the channel was multiplied by.
      const bool good = layer.activation == Activation::kRelu6 ? found <= top : found == top;
      if (!good)
        report.fail("hi[{}]: found {}, expected {}{}", k, found,
                    layer.activation == Activation::kRelu6 ? "at most " : "", top);
    }
  }

  void check_shift(const char* what, std::size_t k, int found, int from, int accumulator,
                   const Reporter& report) const {
    if (found == from - accumulator) return;
    report.fail("{}[{}]: found {}, expected {} from exponents {} and {}", what, k, found, from - accumulator, from,
                accumulator);
  }

  /// Exponents that differ between channels cannot be summed over: each reader must keep the channels apart.
  void check_exponents_of_readers() const {
    for (const Layer& layer : network_.layers) {
      const Tensor& input = network_.in(layer);
      if (input.exponents.size() > 1 && !layer.is_depthwise(input.channels)) {
        Reporter(where_, "layer", layer.name)
            .fail("sums over the channels of '{}', whose exponents are one per channel", input.name);
      }
    }
  }

  const std::string& name(int tensor) const { return network_.tensors[static_cast<std::size_t>(tensor)].name; }
  static std::size_t channels(const Tensor& tensor) { return static_cast<std::size_t>(tensor.channels); }

  const Network& network_;
  std::string where_;
};

}  // namespace

void validate(const Network& network, const std::string& where) {
  Validator(network, where).run();
}

}  // namespace shiftsim::qnet
