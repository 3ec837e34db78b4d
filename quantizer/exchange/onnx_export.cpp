#include "quantizer/exchange/onnx_export.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "common/error.h"
#include "common/index.h"
#include "qnet/tensor_sources.h"
#include "quantizer/exchange/exchange_facts.h"

namespace shiftsim::quantizer {

namespace {

using Dims = OnnxWriter::Dims;

constexpr int kOnnxInt64 = 7;  // TensorProto::INT64

template <typename T>
bool same(const std::vector<T>& values) {
  return std::all_of(values.begin(), values.end(), [&](const T& value) { return value == values[0]; });
}

Dims nchw(const qnet::Tensor& tensor) {
  return {0, tensor.channels, tensor.height, tensor.width};
}

class OnnxExporter {
public:
  OnnxExporter(const qnet::Network& network, OnnxFormat format, int opset)
      : network_(network),
        format_(make_quant_format(format, opset)),
        writer_(network.name, format_->opsets()),
        values_(network.tensors.size()),
        in_signed_type_(network.tensors.size()) {
    const qnet::TensorSources sources(network);
    for (const qnet::Layer& layer : network.layers)
      if (layer.is_view() && network.out(layer).is_signed)
        for (const int stored : sources.stored(layer.output)) in_signed_type_[index(stored)] = true;
  }

  ExportedOnnx run() {
    for (const qnet::Tensor& tensor : network_.tensors) check_exponents(tensor);
    const qnet::Tensor& image = network_.input();
    const std::string pixels = writer_.unique("pixels");
    writer_.input(pixels, nchw(image));
    values_[0] = format_->activation(writer_, pixels, image.name, grid_of(0));
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      const qnet::Layer& layer = network_.layers[i];
      switch (layer.kind) {
        case qnet::LayerKind::kConv:
        case qnet::LayerKind::kSumPool:
          add_sum(layer, i + 1 == network_.layers.size());
          break;
        case qnet::LayerKind::kMaxPool:
          add_max_pool(layer);
          break;
        case qnet::LayerKind::kView:
          add_view(layer);
          break;
      }
    }
    writer_.metadata(kFactsKey, facts_json(network_));
    return {writer_.bytes(), report_};
  }

private:
  ActivationGrid grid_of(int tensor) const {
    const qnet::Tensor& t = network_.tensors[index(tensor)];
    return {t.bits, t.is_signed, t.exponents, in_signed_type_[index(tensor)]};
  }

  /// Scales must be normal floats, those of accumulators and their quarters too.
  void check_exponents(const qnet::Tensor& tensor) const {
    constexpr int kSmallest = std::numeric_limits<float>::min_exponent - 1 + 40;
    constexpr int kLargest = std::numeric_limits<float>::max_exponent - 1 - 40;
    for (const int exponent : tensor.exponents)
      if (exponent < kSmallest || exponent > kLargest)
        fail("tensor '{}': exponent {}, expected {} to {} so that single precision holds its values", tensor.name,
             exponent, kSmallest, kLargest);
  }

  /// A float for each channel of a map, or one for all where they are the same.
  std::string per_channel(const std::string& name, const std::vector<float>& values) {
    if (same(values)) return writer_.floats(name, {}, std::span(values).first(1));
    return writer_.floats(name, {1, static_cast<std::int64_t>(values.size()), 1, 1}, values);
  }

  std::string add(const qnet::Layer& layer, const char* what, const std::string& a, const std::string& b) {
    return writer_.node("Add", layer.name + "/" + what, {a, b}, writer_.unique(layer.name + "/" + what + "_sum"));
  }

  static Dims pads(const qnet::Layer& layer) {
    return {layer.pad_top, layer.pad_left, layer.pad_bottom, layer.pad_right};
  }

  static std::vector<OnnxWriter::Attribute> window(const qnet::Layer& layer, Dims padding) {
    return {{"kernel_shape", Dims{layer.kernel_h, layer.kernel_w}},
            {"strides", Dims{layer.stride_h, layer.stride_w}},
            {"dilations", Dims{layer.dilation_h, layer.dilation_w}},
            {"pads", std::move(padding)}};
  }

  /// A convolution, or the sum of a window as a convolution with ones.
  void add_sum(const qnet::Layer& layer, bool last) {
    const qnet::Tensor& input = network_.in(layer);
    const qnet::Tensor& output = network_.out(layer);
    const bool weighted = qnet::row_of(layer.kind).has_weights;
    const int groups = weighted ? layer.groups : input.channels;
    std::string x = values_[index(layer.input)];
    // ONNX pads with 0: pixels less their pad values have that padding.
    if (!layer.pad_values.empty()) {
      const std::vector<float> pad(layer.pad_values.begin(), layer.pad_values.end());
      x = writer_.node("Sub", layer.name + "/mean", {x, per_channel(layer.name + "/pad_values", pad)},
                       writer_.unique(layer.name + "/centred"));
    }
    const Dims dims{output.channels, input.channels / groups, layer.kernel_h, layer.kernel_w};
    const std::string w = format_->weights(writer_, layer.name, dims, widened_weights(network_, layer));
    auto attributes = window(layer, pads(layer));
    attributes.emplace_back("group", std::int64_t{groups});
    std::string y = writer_.node("Conv", layer.name, {x, w}, writer_.unique(layer.name + "/product"), attributes);
    y = add_bias(layer, y);
    if (layer.residual >= 0) y = add(layer, "residual", y, residual(layer));
    if (last)
      add_output(layer, y);
    else
      define(layer, layer.has_table() ? looked_up(layer, y) : clamped(layer, y));
  }

  void add_output(const qnet::Layer& layer, const std::string& value) {
    const qnet::Tensor& output = network_.out(layer);
    const bool flat = network_.is_classifier();
    const std::string name = writer_.node(flat ? "Flatten" : "Identity", layer.name + (flat ? "/flatten" : "/output"),
                                          {value}, writer_.unique(output.name));
    writer_.output(name, flat ? Dims{0, output.channels} : nchw(output));
  }

  /// The activation table: a code of 8 bits picks an entry. ONNX counts negative indices from the end, where the table
  /// has the entries of negative codes.
  std::string looked_up(const qnet::Layer& layer, const std::string& sum) {
    const qnet::Tensor& output = network_.out(layer);
    const std::string name = layer.name + "/table";
    const std::string argument = format_->activation(writer_, sum, name + "_argument",
                                                     {qnet::kTableInputBits, layer.lo < 0, {layer.table_exponent}});
    const float steps = std::ldexp(1.0f, -layer.table_exponent);
    const std::string codes =
        writer_.node("Mul", name + "_steps", {argument, writer_.floats(name + "_step", {}, {&steps, 1})},
                     writer_.unique(name + "_codes"));
    const std::string indices = writer_.node("Cast", name + "_cast", {codes}, writer_.unique(name + "_indices"),
                                             {{"to", std::int64_t{kOnnxInt64}}});
    std::vector<float> entries, scales;
    for (const std::uint8_t entry : layer.table)
      entries.push_back(static_cast<float>(output.is_signed ? static_cast<std::int8_t>(entry) : entry));
    for (int k = 0; k < output.channels; ++k) scales.push_back(std::ldexp(1.0f, output.exponent(k)));
    const std::string table = writer_.floats(name, {static_cast<std::int64_t>(entries.size())}, entries);
    const std::string found =
        writer_.node("Gather", name + "_lookup", {table, indices}, writer_.unique(name + "_entries"));
    return writer_.node("Mul", name + "_scale", {found, per_channel(name + "_scales", scales)},
                        writer_.unique(name + "_values"));
  }

  /// Tensors joined, parts of them, channels in another order; pixels repeated. Values stay as they are, so nothing is
  /// quantized.
  void add_view(const qnet::Layer& layer) {
    const qnet::Tensor& input = network_.in(layer);
    const qnet::Tensor& output = network_.out(layer);
    int channels = input.channels;
    Side height{2, input.height, layer.view.crop_top, output.height / layer.view.upsample_h};
    Side width{3, input.width, layer.view.crop_left, output.width / layer.view.upsample_w};
    std::vector<ViewStep> steps;
    if (layer.residual >= 0) {
      const qnet::Tensor& joined = network_.tensors[index(layer.residual)];
      const auto axis = static_cast<std::int64_t>(layer.view.join) + 1;
      steps.push_back({"Concat", {values_[index(layer.residual)]}, {{"axis", axis}}});
      if (layer.view.join == qnet::JoinAxis::kChannels) channels += joined.channels;
      if (layer.view.join == qnet::JoinAxis::kHeight) height.size += joined.height;
      if (layer.view.join == qnet::JoinAxis::kWidth) width.size += joined.width;
    }
    std::vector<std::int32_t> all(index(channels));
    std::iota(all.begin(), all.end(), 0);
    if (layer.channels != all) steps.push_back(channel_step(layer));
    for (const Side& side : {height, width})
      if (side.count != side.size) steps.push_back(slice_step(layer, side.axis, side.first, side.first + side.count));
    if (layer.view.upsample_h != 1 || layer.view.upsample_w != 1) steps.push_back(repetition_step(layer));
    if (steps.empty()) steps.push_back({"Identity", {}, {}});
    std::string y = values_[index(layer.input)];
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool last = i + 1 == steps.size();
      std::vector<std::string> inputs{y};
      inputs.insert(inputs.end(), steps[i].more_inputs.begin(), steps[i].more_inputs.end());
      y = writer_.node(steps[i].type, last ? layer.name : fmt::format("{}/{}_{}", layer.name, steps[i].type, i), inputs,
                       writer_.unique(last ? output.name : layer.name + "/joined"), steps[i].attributes);
    }
    values_[index(layer.output)] = y;
  }

  /// Rows or columns of what a view joins, and which of them it shows.
  struct Side {
    std::int64_t axis;
    int size, first, count;
  };

  /// A node of a view, behind its first input.
  struct ViewStep {
    std::string type;
    std::vector<std::string> more_inputs;
    std::vector<OnnxWriter::Attribute> attributes;
  };

  /// Neighbours are a Slice, others a Gather.
  ViewStep channel_step(const qnet::Layer& layer) {
    const std::vector<std::int64_t> picked(layer.channels.begin(), layer.channels.end());
    const auto leap = [](std::int64_t a, std::int64_t b) { return b != a + 1; };
    if (std::adjacent_find(picked.begin(), picked.end(), leap) != picked.end())
      return {"Gather", {writer_.ints(layer.name + "/channels", picked)}, {{"axis", std::int64_t{1}}}};
    return slice_step(layer, 1, picked.front(), picked.back() + 1);
  }

  ViewStep slice_step(const qnet::Layer& layer, std::int64_t axis, std::int64_t first, std::int64_t end) {
    const std::string name = fmt::format("{}/axis{}", layer.name, axis);
    return {"Slice",
            {writer_.ints(name + "_first", {&first, 1}), writer_.ints(name + "_end", {&end, 1}),
             writer_.ints(name, {&axis, 1})},
            {}};
  }

  ViewStep repetition_step(const qnet::Layer& layer) {
    const float times[] = {1, 1, static_cast<float>(layer.view.upsample_h), static_cast<float>(layer.view.upsample_w)};
    return {"Resize",
            {"", writer_.floats(layer.name + "/times", {4}, times)},
            {{"mode", std::string("nearest")},
             {"nearest_mode", std::string("floor")},
             {"coordinate_transformation_mode", std::string("asymmetric")}}};
  }

  /// The bias is an addition of its own: an optimizer of ONNX Runtime rounds biases of Conv to the accumulator's step,
  /// and would drop the quarter.
  std::string add_bias(const qnet::Layer& layer, const std::string& sum) {
    const RealBias bias = real_bias(network_, layer);
    report_.quarter_channels += bias.quarter_channels;
    report_.output_channels += static_cast<int>(bias.values.size());
    if (bias.inexact_channels > 0) report_.inexact.push_back({layer.name, bias.inexact_channels});
    const auto channels = static_cast<std::int64_t>(bias.values.size());
    return add(layer, "bias", sum, writer_.floats(layer.name + "/bias_values", {1, channels, 1, 1}, bias.values));
  }

  /// The residual, in channels with coarser accumulators rounded half up to their step.
  std::string residual(const qnet::Layer& layer) {
    const qnet::Tensor& r = network_.tensors[index(layer.residual)];
    const std::string& value = values_[index(layer.residual)];
    const auto& shifts = layer.residual_shifts;
    if (std::all_of(shifts.begin(), shifts.end(), [](int s) { return s >= 0; })) return value;
    ActivationGrid grid{8, r.is_signed, {}};
    std::vector<float> quarters;
    for (int k = 0; k < r.channels; ++k) {
      const int step = r.exponent(k) - std::min<int>(shifts[index(k)], 0);
      grid.exponents.push_back(step);
      quarters.push_back(shifts[index(k)] < 0 ? std::ldexp(1.0f, r.exponent(k) - 2) : 0.0f);
    }
    if (same(grid.exponents)) grid.exponents.resize(1);
    const std::string name = layer.name + "/residual";
    const std::string biased = add(layer, "residual_rounding", value, per_channel(name + "_quarter", quarters));
    return format_->activation(writer_, biased, name, grid);
  }

  void add_max_pool(const qnet::Layer& layer) {
    const qnet::Tensor& input = network_.in(layer);
    std::string x = values_[index(layer.input)];
    Dims padding = pads(layer);
    // ONNX Runtime refuses padding as wide as the kernel, which dilation allows.
    if (std::max(layer.pad_top, layer.pad_bottom) >= layer.kernel_h ||
        std::max(layer.pad_left, layer.pad_right) >= layer.kernel_w) {
      const Dims wide{0, 0, padding[0], padding[1], 0, 0, padding[2], padding[3]};
      const int widest = *std::max_element(input.exponents.begin(), input.exponents.end());
      // A step below all codes: padding of 0 is what ONNX Runtime's optimizer would put back into the pool.
      const float lowest = std::ldexp(static_cast<float>(input.low() - 1), widest);
      x = writer_.node(
          "Pad", layer.name + "/pad",
          {x, writer_.ints(layer.name + "/pads", wide), writer_.floats(layer.name + "/pad_value", {}, {&lowest, 1})},
          writer_.unique(layer.name + "/padded"));
      padding = {0, 0, 0, 0};
    }
    const std::string y =
        writer_.node("MaxPool", layer.name, {x}, writer_.unique(layer.name + "/maximum"), window(layer, padding));
    define(layer, clamped(layer, y));
  }

  /// Activation function and clamps, so far as the quantization behind does not clamp by itself.
  std::string clamped(const qnet::Layer& layer, std::string y) {
    const qnet::Tensor& output = network_.out(layer);
    const ActivationGrid grid = grid_of(layer.output);
    if (qnet::row_of(layer.activation).non_negative)
      y = writer_.node("Relu", layer.name + "/relu", {y}, writer_.unique(layer.name + "/rectified"));
    std::vector<float> low, high;
    bool clamps_high = false;
    for (int k = 0; k < output.channels; ++k) {
      const int top = layer.hi.empty() ? output.high() : layer.hi[index(k)];
      low.push_back(std::ldexp(static_cast<float>(output.low()), output.exponent(k)));
      high.push_back(std::ldexp(static_cast<float>(top), output.exponent(k)));
      clamps_high = clamps_high || top < format_->largest(grid);
    }
    // Maximum pooling passes codes on, which lie within the range; only a window all of padding gives none of them.
    if (!clamps_high || !qnet::row_of(layer.kind).requantizes) high.clear();
    if (output.low() == format_->smallest(grid)) low.clear();
    return limited(layer, y, low, high);
  }

  /// 'value' kept within bounds of each channel; an empty list: no bound.
  std::string limited(const qnet::Layer& layer, const std::string& value, const std::vector<float>& low,
                      const std::vector<float>& high) {
    if (low.empty() && high.empty()) return value;
    const auto bound = [&](const char* what, const std::vector<float>& values) {
      return values.empty() ? std::string() : per_channel(layer.name + "/" + what, values);
    };
    const std::string lowest = bound("lowest", low), highest = bound("highest", high);
    if (same(low) && same(high))
      return writer_.node("Clip", layer.name + "/clip", {value, lowest, highest},
                          writer_.unique(layer.name + "/clipped"));
    std::string y = value;
    if (!low.empty()) y = writer_.node("Max", layer.name + "/max", {y, lowest}, writer_.unique(layer.name + "/above"));
    if (!high.empty())
      y = writer_.node("Min", layer.name + "/min", {y, highest}, writer_.unique(layer.name + "/below"));
    return y;
  }

  void define(const qnet::Layer& layer, const std::string& value) {
    const qnet::Tensor& output = network_.out(layer);
    values_[index(layer.output)] = format_->activation(writer_, value, output.name, grid_of(layer.output));
  }

  const qnet::Network& network_;
  std::unique_ptr<QuantFormat> format_;
  OnnxWriter writer_;
  std::vector<std::string> values_;   ///< of the network's tensors, as real values
  std::vector<bool> in_signed_type_;  ///< of the network's tensors: a signed view reads it
  ExportReport report_;
};

}  // namespace

ExportedOnnx export_onnx(const qnet::Network& network, OnnxFormat format, int opset) {
  return OnnxExporter(network, format, opset).run();
}

std::string export_text(const ExportReport& report) {
  std::string text = fmt::format("ties: broken by the bias in {} of {} output channels; elsewhere none can stand\n",
                                 report.quarter_channels, report.output_channels);
  for (const ExportReport::Inexact& layer : report.inexact)
    text += fmt::format(
        "layer '{}': {} channels have sums that single precision may not hold: ONNX may round them otherwise\n",
        layer.layer, layer.channels);
  return text;
}

}  // namespace shiftsim::quantizer
