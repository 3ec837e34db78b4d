#include "qnet/validate_layer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "qnet/bounds.h"
#include "qnet/layer_kind.h"
#include "qnet/validation_reporter.h"

namespace shiftsim::qnet {
namespace {

constexpr int kMaxKernel = 1024, kMaxStep = 255;  // kernel; stride, dilation and padding
constexpr int kMaxShift = 31;

std::size_t channels(const Tensor& tensor) {
  return static_cast<std::size_t>(tensor.channels);
}

class LayerValidator {
public:
  LayerValidator(const Network& network, const Layer& layer, bool last, const std::string& where)
      : network_(network),
        layer_(layer),
        input_(network.in(layer)),
        output_(network.out(layer)),
        last_(last),
        report_(where, "layer", layer.name) {}

  void run() const {
    if (layer_.is_view()) return check_view();
    check_geometry();
    if (row_of(layer_.kind).has_weights)
      check_conv();
    else if (row_of(layer_.kind).requantizes)
      check_fixed_sum();
    else
      check_max_pool();
    const LayerBounds proved = bounds(network_, layer_);
    const int width = std::max(proved.accumulator.bits(), proved.ppu.bits());
    if (width > 32) report_.fail("some input needs {} bits, expected at most 32 (see docs/integer-contract.md)", width);
  }

private:
  void check_geometry() const {
    report_.range("kernel height", layer_.kernel_h, 1, kMaxKernel);
    report_.range("kernel width", layer_.kernel_w, 1, kMaxKernel);
    for (const int step : {layer_.stride_h, layer_.stride_w}) report_.range("stride", step, 1, kMaxStep);
    for (const int step : {layer_.dilation_h, layer_.dilation_w}) report_.range("dilation", step, 1, kMaxStep);
    for (const int pad : {layer_.pad_top, layer_.pad_left, layer_.pad_bottom, layer_.pad_right}) {
      report_.range("padding", pad, 0, kMaxStep);
    }
    auto extent = [&](int size, int pads, int kernel, int dilation, int stride) {
      const int room = size + pads - dilation * (kernel - 1) - 1;
      return room < 0 ? 0 : room / stride + 1;
    };
    const int height =
        extent(input_.height, layer_.pad_top + layer_.pad_bottom, layer_.kernel_h, layer_.dilation_h, layer_.stride_h);
    const int width =
        extent(input_.width, layer_.pad_left + layer_.pad_right, layer_.kernel_w, layer_.dilation_w, layer_.stride_w);
    if (output_.height != height || output_.width != width) {
      report_.fail("output '{}': found {}x{}, expected {}x{} from the input's {}x{}", output_.name, output_.height,
                   output_.width, height, width, input_.height, input_.width);
    }
  }

  void check_conv() const {
    const std::size_t outputs = channels(output_);
    if (layer_.groups < 1 || input_.channels % layer_.groups != 0 || output_.channels % layer_.groups != 0) {
      report_.fail("groups: found {}, expected a divisor of {} input and {} output channels", layer_.groups,
                   input_.channels, output_.channels);
    }
    if (layer_.weight_bits != 2 && layer_.weight_bits != 4 && layer_.weight_bits != 8) {
      report_.fail("weight_bits: found {}, expected 2, 4 or 8", layer_.weight_bits);
    }
    const std::size_t per_output = static_cast<std::size_t>(layer_.kernel_h) *
                                   static_cast<std::size_t>(layer_.kernel_w) *
                                   static_cast<std::size_t>(input_.channels / layer_.groups);
    report_.size("weights", layer_.weights.size(), outputs * per_output);
    report_.ranges("weights", layer_.weights, -(1 << (layer_.weight_bits - 1)), (1 << (layer_.weight_bits - 1)) - 1);
    report_.size("weight_exponents", layer_.weight_exponents.size(), outputs);
    report_.size("offsets", layer_.offsets.size(), outputs);
    report_.ranges("offsets", layer_.offsets, -8, 7);
    report_.size("bias", layer_.bias.size(), outputs);
    report_.size("shifts", layer_.shifts.size(), outputs);
    report_.ranges("shifts", layer_.shifts, -kMaxShift, last_ ? 0 : kMaxShift);
    check_pad_values();

    if (last_) {
      if (layer_.activation != Activation::kNone) report_.fail("activation: found one on the logits, expected none");
      if (layer_.lo != 0) report_.fail("lo: found {}, expected 0 as logits are not clamped", layer_.lo);
      report_.size("hi", layer_.hi.size(), 0);
      report_.size("table", layer_.table.size(), 0);
    } else {
      // With an activation the codes may be signed, too: for those who read them joined to signed ones.
      if (!layer_.has_table() && !output_.is_signed && !row_of(layer_.activation).non_negative)
        report_.fail("output '{}': found unsigned codes, expected signed ones with activation {}", output_.name,
                     to_string(layer_.activation));
      check_clamps();
    }

    // Exponents: ea[k] follows from input and weights, and the shift tables from that.
    const int half_steps = layer_.has_offset() ? 1 : 0;
    const int per_group_in = input_.channels / layer_.groups, per_group_out = output_.channels / layer_.groups;
    int smallest = std::numeric_limits<int>::max();
    std::vector<int> ea(outputs);
    for (int k = 0; k < output_.channels; ++k) {
      const auto i = static_cast<std::size_t>(k);
      ea[i] = input_.exponent(k / per_group_out * per_group_in) + layer_.weight_exponents[i] - half_steps;
      smallest = std::min(smallest, ea[i]);
      check_shift("shifts", i, layer_.shifts[i], requantized_exponent(k), ea[i]);
    }
    if (last_ && output_.exponents[0] != smallest) {
      report_.fail("output '{}': found exponent {}, expected {}, the smallest of the accumulators'", output_.name,
                   output_.exponents[0], smallest);
    }
    if (layer_.residual < 0) {
      report_.size("residual_shifts", layer_.residual_shifts.size(), 0);
      return;
    }
    const Tensor& residual = network_.tensors[static_cast<std::size_t>(layer_.residual)];
    if (residual.height != output_.height || residual.width != output_.width || residual.channels != output_.channels) {
      report_.fail("residual '{}': found {}x{}x{}, expected {}x{}x{} as the output has", residual.name, residual.height,
                   residual.width, residual.channels, output_.height, output_.width, output_.channels);
    }
    report_.size("residual_shifts", layer_.residual_shifts.size(), outputs);
    report_.ranges("residual_shifts", layer_.residual_shifts, -kMaxShift, kMaxShift);
    for (int k = 0; k < output_.channels; ++k) {
      const auto i = static_cast<std::size_t>(k);
      check_shift("residual_shifts", i, layer_.residual_shifts[i], residual.exponent(k), ea[i]);
    }
  }

  void check_max_pool() const {
    check_pool();
    const int bits = input_.bits <= 2 ? 2 : input_.bits <= 4 ? 4 : 8;  // a view's may be any
    if (output_.bits != bits || output_.is_signed != input_.is_signed || output_.exponents != input_.exponents) {
      report_.fail("output '{}': expected bits, sign and exponents of the input '{}', which max pooling keeps",
                   output_.name, input_.name);
    }
    if (layer_.lo != 0) report_.fail("lo: found {}, expected 0 as max pooling does not clamp", layer_.lo);
    report_.size("table", layer_.table.size(), 0);
    report_.size("shifts", layer_.shifts.size(), 0);
    report_.size("hi", layer_.hi.size(), 0);
  }

  void check_fixed_sum() const {
    check_pool();
    // A sum of positive weights has its input's sign; only an activation may take it away.
    const bool negative = input_.is_signed || row_of(layer_.kind).fixed_weight < 0;
    if (!layer_.has_table() && output_.is_signed != (negative && !row_of(layer_.activation).non_negative)) {
      report_.fail("output '{}': found {} codes, expected the sign of the input '{}', or unsigned with an activation",
                   output_.name, output_.is_signed ? "signed" : "unsigned", input_.name);
    }
    report_.size("shifts", layer_.shifts.size(), channels(output_));
    report_.ranges("shifts", layer_.shifts, -kMaxShift, kMaxShift);
    for (int k = 0; k < output_.channels; ++k) {
      const auto i = static_cast<std::size_t>(k);
      check_shift("shifts", i, layer_.shifts[i], requantized_exponent(k), input_.exponent(k));
    }
    check_clamps();
  }

  /// Only values of other tensors.
  void check_view() const {
    if (last_) report_.fail("found a view at the end, expected a conv layer that gives the logits");
    if (layer_.input == 0 || layer_.residual == 0)
      report_.fail("found a view of the image, expected one of what a layer writes");
    const ViewGeometry& view = layer_.view;
    report_.range("upsample height", view.upsample_h, 1, kMaxStep);
    report_.range("upsample width", view.upsample_w, 1, kMaxStep);
    int joined_channels = 0;
    int height = input_.height;
    int width = input_.width;
    if (layer_.residual >= 0) {
      const Tensor& joined = network_.tensors[static_cast<std::size_t>(layer_.residual)];
      check_joined(joined);
      if (view.join == JoinAxis::kHeight) height += joined.height;
      if (view.join == JoinAxis::kWidth) width += joined.width;
      if (view.join == JoinAxis::kChannels) joined_channels = joined.channels;
    } else if (view.joins_pixels()) {
      report_.fail("join: found {}, but nothing is joined", row_of(view.join).name);
    }
    check_side("height", output_.height, view.upsample_h, view.crop_top, height);
    check_side("width", output_.width, view.upsample_w, view.crop_left, width);
    report_.size("channels", layer_.channels.size(), channels(output_));
    report_.ranges("channels", layer_.channels, 0, input_.channels + joined_channels - 1);
    for (int k = 0; k < output_.channels; ++k) check_view_channel(k);
  }

  /// What is joined has the sizes of the input, but for the one along which it follows it.
  void check_joined(const Tensor& joined) const {
    const JoinAxis axis = layer_.view.join;
    const auto check = [&](const char* what, JoinAxis free, int found, int expected) {
      if (axis != free && found != expected)
        report_.fail("joined '{}': found {} {}, expected {} as '{}' has", joined.name, what, found, expected,
                     input_.name);
    };
    check("height", JoinAxis::kHeight, joined.height, input_.height);
    check("width", JoinAxis::kWidth, joined.width, input_.width);
    check("channels", JoinAxis::kChannels, joined.channels, input_.channels);
  }

  /// 'found': of the output; 'size': of what is joined, of which 'skipped' are left out in front.
  void check_side(const char* side, int found, int times, int skipped, int size) const {
    if (skipped < 0 || found % times != 0 || found / times > size - skipped)
      report_.fail("output '{}': found {} {}, expected a multiple of {}, at most {}, as {} of {} are left out in front",
                   output_.name, side, found, times, times * std::max(size - skipped, 1), skipped, size);
  }

  void check_view_channel(int k) const {
    const int from = layer_.channels[static_cast<std::size_t>(k)];
    const bool second = from >= input_.channels;
    const Tensor* const joined =
        layer_.residual >= 0 ? &network_.tensors[static_cast<std::size_t>(layer_.residual)] : nullptr;
    check_view_source(k, second ? *joined : input_, second ? from - input_.channels : from);
    if (layer_.view.joins_pixels()) check_view_source(k, *joined, from);
  }

  void check_view_source(int k, const Tensor& source, int channel) const {
    if (source.low() < output_.low() || source.high() > output_.high())
      report_.fail("output '{}': found codes of {} to {}, expected to hold the {} to {} of '{}'", output_.name,
                   output_.low(), output_.high(), source.low(), source.high(), source.name);
    const int exponent = source.exponent(channel);
    if (output_.exponent(k) != exponent)
      report_.fail("output '{}': found exponent {} of channel {}, expected {} as '{}' has", output_.name,
                   output_.exponent(k), k, exponent, source.name);
  }

  /// What max and sum pooling have in common: channels pass through, and there is nothing but the window.
  void check_pool() const {
    if (last_) report_.fail("found a pooling layer at the end, expected a conv layer that gives the logits");
    if (input_.channels != output_.channels) {
      report_.fail("output '{}': found {} channels, expected the input's {}", output_.name, output_.channels,
                   input_.channels);
    }
    if (layer_.residual >= 0) report_.fail("residual: found one on a pooling layer, expected none");
    if (layer_.groups != 1) report_.fail("groups: found {} on a pooling layer, expected 1", layer_.groups);
    if (!row_of(layer_.kind).requantizes && layer_.activation != Activation::kNone) {
      report_.fail("activation: found one on {}, expected none", to_string(layer_.kind));
    }
    report_.size("weights", layer_.weights.size(), 0);
    report_.size("weight_exponents", layer_.weight_exponents.size(), 0);
    report_.size("offsets", layer_.offsets.size(), 0);
    report_.size("bias", layer_.bias.size(), 0);
    report_.size("residual_shifts", layer_.residual_shifts.size(), 0);
    report_.size("pad_values", layer_.pad_values.size(), 0);
  }

  /// The padding of pixels is the pixel that the normalization turns into 0.
  void check_pad_values() const {
    if (layer_.pad_values.empty()) return;
    if (layer_.input != 0) report_.fail("pad_values: found some, expected none but where the network's input is read");
    const Tensor& image = network_.input();
    report_.size("pad_values", layer_.pad_values.size(), channels(image));
    const InputSpec& spec = network_.input_spec;
    for (std::size_t c = 0; c < layer_.pad_values.size(); ++c) {
      const double mean = spec.mean[spec.mean.size() == 1 ? 0 : c] * spec.scale;
      if (std::abs(layer_.pad_values[c] - mean) > 0.5 + 1e-6) {
        report_.fail("pad_values[{}]: found {}, expected round(scale * mean) = round({})", c, layer_.pad_values[c],
                     mean);
      }
    }
  }

  /// The exponent of what the clamps see.
  int requantized_exponent(int k) const { return layer_.has_table() ? layer_.table_exponent : output_.exponent(k); }

  /// The clamped code indexes the table, whose entries are codes of the output.
  void check_table() const {
    report_.range("table_exponent", layer_.table_exponent, -kMaxExponent, kMaxExponent);
    if (layer_.lo != 0 && layer_.lo != -128)
      report_.fail("lo: found {}, expected -128 or 0 in front of a table", layer_.lo);
    const int top = layer_.lo + static_cast<int>(kTableEntries) - 1;
    report_.size("hi", layer_.hi.size(), channels(output_));
    report_.ranges("hi", layer_.hi, top, top);
    if (output_.exponents.size() != 1)
      report_.fail("output '{}': found an exponent for each channel, expected one behind a table", output_.name);
    report_.size("table", layer_.table.size(), kTableEntries);
    for (std::size_t i = 0; i < kTableEntries; ++i) {
      const int entry = output_.is_signed ? static_cast<std::int8_t>(layer_.table[i]) : layer_.table[i];
      if (entry < output_.low() || entry > output_.high())
        report_.fail("table[{}]: found {}, expected {} to {}, a code of '{}'", i, entry, output_.low(), output_.high(),
                     output_.name);
    }
  }

  void check_clamps() const {
    if (layer_.has_table()) return check_table();
    report_.size("table", layer_.table.size(), 0);
    const int low = row_of(layer_.activation).non_negative ? 0 : output_.low();
    if (layer_.lo != low) report_.fail("lo: found {}, expected {}", layer_.lo, low);
    report_.size("hi", layer_.hi.size(), channels(output_));
    for (int k = 0; k < output_.channels; ++k) {
      const int top = output_.high(), found = layer_.hi[static_cast<std::size_t>(k)];
      // Where ReLU6's 6 lies among the codes depends on what the channel was multiplied by.
      const bool ceiling = row_of(layer_.activation).has_ceiling;
      const bool good = ceiling ? found <= top : found == top;
      if (!good) report_.fail("hi[{}]: found {}, expected {}{}", k, found, ceiling ? "at most " : "", top);
    }
  }

  void check_shift(const char* what, std::size_t k, int found, int from, int accumulator) const {
    if (found == from - accumulator) return;
    report_.fail("{}[{}]: found {}, expected {} from exponents {} and {}", what, k, found, from - accumulator, from,
                 accumulator);
  }

  const Network& network_;
  const Layer& layer_;
  const Tensor& input_;
  const Tensor& output_;
  bool last_;
  ValidationReporter report_;
};

}  // namespace

void validate_layer(const Network& network, const Layer& layer, bool last, const std::string& where) {
  LayerValidator(network, layer, last, where).run();
}

}  // namespace shiftsim::qnet
