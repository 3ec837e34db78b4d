#include "quantizer/exchange/sum_layer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/error.h"
#include "common/index.h"
#include "quantizer/exchange/output_codes.h"

namespace shiftsim::quantizer {

namespace {

int bits_of(int low, int high) {
  for (const int bits : {2, 4, 8})
    if (low >= -(1 << (bits - 1)) && high < (1 << (bits - 1))) return bits;
  return 0;
}

class SumLayerWriter {
public:
  SumLayerWriter(const SumLayer& source, const ExchangeFacts& facts, qnet::Network& network, ImportCounts& counts)
      : source_(source),
        network_(network),
        counts_(counts),
        outputs_(index(source.shape.channels)),
        fan_(source.codes.size() / outputs_),
        input_(network.tensors[index(source.input.tensor)]) {
    const auto known = facts.layers.find(source.name);
    if (known == facts.layers.end()) return;
    told_ = &known->second;
    // A table is a layer of its own until all are read.
    if (told_->activation != qnet::Activation::kTable) told_activation_ = told_->activation;
  }

  int run(const std::optional<CodeQuantizer>& quantizer, const std::string& name, const ExchangeFacts& facts) {
    layer_.name = source_.name;
    layer_.input = source_.input.tensor;
    layer_.residual = source_.residual;
    layer_.output = static_cast<int>(network_.tensors.size());
    set_window(layer_, source_.window);
    layer_.groups = source_.groups;
    split_offsets();
    std::optional<OutputCodes> output;
    if (quantizer) output = output_codes(source_, *quantizer, name, facts);
    for (std::size_t k = 0; k < outputs_; ++k) refine(k, output ? &output->tensor : nullptr);
    set_weights();
    qnet::Tensor tensor = output ? output->tensor : logits(name);
    for (std::size_t k = 0; k < outputs_; ++k) add_tables(k, tensor, !output);
    if (output) set_clamps(*output);
    if (!source_.input.pad_values.empty())
      layer_.pad_values.assign(source_.input.pad_values.begin(), source_.input.pad_values.end());
    if (const auto kind = fixed_sum()) make_fixed_sum(*kind, tensor);
    network_.tensors.push_back(std::move(tensor));
    network_.layers.push_back(std::move(layer_));
    return static_cast<int>(network_.tensors.size()) - 1;
  }

private:
  /// Codes to q and c: as the file's own facts say, where they give these codes; else there are no offsets.
  void split_offsets() {
    codes_ = source_.codes;
    exponents_ = source_.exponents;
    layer_.offsets.assign(outputs_, 0);
    if (told_ == nullptr || told_->offsets.size() != outputs_ || told_->weight_bits == 0) return;
    const int half = 1 << (told_->weight_bits - 1);
    std::vector<int> q = codes_;
    for (std::size_t k = 0; k < outputs_; ++k) {
      const int c = told_->offsets[k];
      for (std::size_t i = k * fan_; i < (k + 1) * fan_ && c != 0; ++i) {
        if ((q[i] - c) % 2 != 0) return;
        q[i] = (q[i] - c) / 2;
      }
      const auto [low, high] = std::minmax_element(q.begin() + offset(k), q.begin() + offset(k + 1));
      if (c < -8 || c > 7 || *low < -half || *high >= half) return;
    }
    codes_ = std::move(q);
    for (std::size_t k = 0; k < outputs_; ++k) {
      layer_.offsets[k] = static_cast<std::int8_t>(told_->offsets[k]);
      if (layer_.offsets[k] != 0) ++exponents_[k];
    }
  }

  std::ptrdiff_t offset(std::size_t k) const { return static_cast<std::ptrdiff_t>(k * fan_); }

  int first_input(std::size_t k) const {
    const int group = static_cast<int>(k) / (source_.shape.channels / source_.groups);
    return group * (input_.channels / source_.groups);
  }
  /// ea[k].
  int accumulator(std::size_t k) const {
    const auto& exponents = source_.input.exponents;
    const int input = exponents.size() == 1 ? exponents[0] : exponents[index(first_input(k))];
    return input + exponents_[k] - (layer_.has_offset() ? 1 : 0);
  }

  /// Bias in accumulator steps, less what pad values give over the window; it may lie between steps.
  double bias(std::size_t k) const {
    double steps = std::ldexp(source_.bias[k], -accumulator(k));
    if (source_.input.pad_values.empty()) return steps;
    const std::size_t taps = source_.window.taps(), inputs = fan_ / taps;
    const double unit = layer_.has_offset() ? 2 : 1;
    for (std::size_t c = 0; c < inputs; ++c)
      for (std::size_t t = 0; t < taps; ++t)
        steps -= (unit * codes_[k * fan_ + c * taps + t] + layer_.offsets[k]) *
                 source_.input.pad_values[index(first_input(k)) + c];
    return steps;
  }

  /// Makes the accumulator's steps finer by larger weights, where the residual's scale or a bias in front of no
  /// rounding needs it and 8 bits hold the weights.
  void refine(std::size_t k, const qnet::Tensor* output) {
    const int channel = static_cast<int>(k);
    int finer = 0;
    if (source_.residual >= 0)
      finer = std::max(0, accumulator(k) - network_.tensors[index(source_.residual)].exponent(channel));
    const bool rounds = output != nullptr && output->exponent(channel) > accumulator(k);
    const int needed = finer;
    for (double b = std::ldexp(bias(k), finer); !rounds && b != std::floor(b) && finer < 8; b *= 2) ++finer;
    const auto [low, high] = std::minmax_element(codes_.begin() + offset(k), codes_.begin() + offset(k + 1));
    while (finer > needed && bits_of(*low << finer, *high << finer) == 0) --finer;
    if (finer == 0) return;
    if (layer_.has_offset() || bits_of(*low << finer, *high << finer) == 0) {
      if (needed == 0) return;
      source_.place.fail("adds '{}', whose scale 2^{} is finer than the accumulator's step 2^{}",
                         network_.tensors[index(source_.residual)].name,
                         network_.tensors[index(source_.residual)].exponent(channel), accumulator(k));
    }
    for (std::size_t i = k * fan_; i < (k + 1) * fan_; ++i) codes_[i] <<= finer;
    exponents_[k] -= finer;
  }

  /// To [k][ky][kx][channel].
  void set_weights() {
    const auto [low, high] = std::minmax_element(codes_.begin(), codes_.end());
    const int bits = bits_of(*low, *high);
    if (bits == 0) source_.place.fail("found weights with codes from {} to {}, expected -128 to 127", *low, *high);
    layer_.weight_bits = told_ != nullptr && told_->weight_bits >= bits ? told_->weight_bits : bits;
    const std::size_t taps = source_.window.taps(), inputs = fan_ / taps;
    layer_.weights.resize(codes_.size());
    for (std::size_t k = 0; k < outputs_; ++k)
      for (std::size_t c = 0; c < inputs; ++c)
        for (std::size_t t = 0; t < taps; ++t)
          layer_.weights[(k * taps + t) * inputs + c] = static_cast<std::int8_t>(codes_[k * fan_ + c * taps + t]);
  }

  qnet::Tensor logits(const std::string& name) const {
    int least = std::numeric_limits<int>::max();
    for (std::size_t k = 0; k < outputs_; ++k) least = std::min(least, accumulator(k));
    return {name, source_.shape.height, source_.shape.width, source_.shape.channels, qnet::kLogitsBits, true, {least}};
  }

  void add_tables(std::size_t k, const qnet::Tensor& output, bool last) {
    const int channel = static_cast<int>(k), shift = output.exponent(channel) - accumulator(k);
    const double steps = bias(k), whole = std::floor(steps), fraction = steps - whole;
    double integer = whole;
    ++counts_.channels;
    if (shift > 0) {
      // Whatever lies between two steps breaks the tie as the contract does.
      if (fraction == 0) ++counts_.ties;
    } else if (fraction != 0) {
      ++counts_.rounded_biases;
      integer = std::nearbyint(steps);
    }
    if (std::abs(integer) >= 0x1p31)
      source_.place.fail("found a bias of {} accumulator steps, expected 32 bits", integer);
    layer_.bias.push_back(static_cast<std::int32_t>(integer));
    layer_.weight_exponents.push_back(narrow(input_offset(k), "weight exponent"));
    layer_.shifts.push_back(narrow(shift, "shift"));
    if (source_.residual >= 0)
      layer_.residual_shifts.push_back(
          narrow(network_.tensors[index(source_.residual)].exponent(channel) - accumulator(k), "residual shift"));
    if (last && source_.clamps[k] != Clamp{}) source_.place.fail("clamps the logits, expected none");
  }

  /// ew[k] with respect to the tensor's own exponent, which of the image is 0 whatever the file says.
  int input_offset(std::size_t k) const {
    return accumulator(k) + (layer_.has_offset() ? 1 : 0) - input_.exponent(first_input(k));
  }

  std::int8_t narrow(int value, const char* what) const {
    if (value < -128 || value > 127) source_.place.fail("found the {} {}, expected -128 to 127", what, value);
    return static_cast<std::int8_t>(value);
  }

  void set_clamps(const OutputCodes& output) {
    layer_.lo = output.tensor.low();
    for (const int high : output.high) layer_.hi.push_back(static_cast<std::uint8_t>(high));
    const int top = output.tensor.high();
    const bool full = std::all_of(output.high.begin(), output.high.end(), [&](int high) { return high == top; });
    layer_.activation = output.tensor.is_signed ? qnet::Activation::kNone
                        : full                  ? qnet::Activation::kRelu
                                                : qnet::Activation::kRelu6;
    if (!told_activation_) return;
    const qnet::ActivationRow& told = qnet::row_of(*told_activation_);
    if (told.non_negative != output.tensor.is_signed && (full || told.has_ceiling)) layer_.activation = told.activation;
  }

  /// The kind without weights that the layer is: one weight over a window of each channel, and nothing else.
  std::optional<qnet::LayerKind> fixed_sum() const {
    const auto likely = source_.window.taps() == 1 ? qnet::LayerKind::kConv : qnet::LayerKind::kSumPool;
    const qnet::LayerKindRow& kind = qnet::row_of(told_ != nullptr ? told_->kind : likely);
    if (kind.has_weights || kind.is_view || kind.reduction != qnet::Reduction::kSum) return std::nullopt;
    const auto all = [](const auto& values, int expected) {
      return std::all_of(values.begin(), values.end(), [&](int value) { return value == expected; });
    };
    // Channels do not mix. This is not is_depthwise(): a pool may sum a map of one channel too.
    const bool is_fixed = layer_.groups == input_.channels && layer_.groups == source_.shape.channels &&
                          layer_.residual < 0 && !layer_.hi.empty() && layer_.pad_values.empty() &&
                          all(layer_.weights, kind.fixed_weight) && all(layer_.weight_exponents, 0) &&
                          all(layer_.offsets, 0) && all(layer_.bias, 0);
    return is_fixed ? std::optional(kind.kind) : std::nullopt;
  }

  void make_fixed_sum(qnet::LayerKind kind, const qnet::Tensor& output) {
    layer_.kind = kind;
    layer_.groups = 1;
    layer_.weight_bits = qnet::Layer{}.weight_bits;
    layer_.weights.clear();
    layer_.weight_exponents.clear();
    layer_.offsets.clear();
    layer_.bias.clear();
    if (told_activation_)
      layer_.activation = *told_activation_;
    else if (layer_.activation == qnet::Activation::kRelu && input_.is_signed == output.is_signed)
      layer_.activation = qnet::Activation::kNone;
  }

  const SumLayer& source_;
  qnet::Network& network_;
  ImportCounts& counts_;
  std::size_t outputs_, fan_;
  const qnet::Tensor input_;  // a copy: the list of tensors grows
  const LayerFacts* told_ = nullptr;
  std::optional<qnet::Activation> told_activation_;
  qnet::Layer layer_;
  std::vector<int> codes_, exponents_;
};

}  // namespace

bool SumLayer::is_clamped() const {
  return std::any_of(clamps.begin(), clamps.end(), [](const Clamp& clamp) { return clamp != Clamp{}; });
}

int append_sum_layer(const SumLayer& layer, const std::optional<CodeQuantizer>& quantizer,
                     const std::string& tensor_name, const ExchangeFacts& facts, qnet::Network& network,
                     ImportCounts& counts) {
  return SumLayerWriter(layer, facts, network, counts).run(quantizer, tensor_name, facts);
}

}  // namespace shiftsim::quantizer
