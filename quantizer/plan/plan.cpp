#include "quantizer/plan/plan.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "common/error.h"
#include "common/suggestion.h"
#include "common/yaml.h"
#include "quantizer/float/float_ops.h"

namespace shiftsim::quantizer {

namespace {

class Planner {
public:
  Planner(const Graph& graph, const Recipe& recipe, const std::string& where)
      : graph_(graph), recipe_(recipe), where_(where), readers_(graph.readers()) {}

  Plan run() {
    plan_.name = graph_.name;
    plan_input();
    place_.assign(graph_.nodes.size(), -1);
    place_[0] = 0;
    find_merges();
    for (std::size_t i = 1; i < graph_.nodes.size(); ++i) add_node(static_cast<int>(i));
    check_overrides();
    if (recipe_.channel_exponents) find_per_channel();
    return std::move(plan_);
  }

private:
  /// The image tensor, and what its pixels mean: (pixel / scale - mean) / std, then the graph's own normalization,
  /// written as one (pixel / scale - mean') / std'.
  void plan_input() {
    const Shape& shape = graph_.input().shape;
    const auto channels = static_cast<std::size_t>(shape.channels);
    qnet::InputSpec spec = recipe_.input;
    for (auto* list : {&spec.mean, &spec.std_dev}) {
      if (list->size() != 1 && list->size() != channels)
        fail("{}: takes images of {} channels, the recipe's input section has {} values in {}", where_, channels,
             list->size(), list == &spec.mean ? "mean" : "std");
    }
    const bool own =
        std::any_of(graph_.input_scale.begin(), graph_.input_scale.end(), [](float x) { return x != 1; }) ||
        std::any_of(graph_.input_shift.begin(), graph_.input_shift.end(), [](float x) { return x != 0; });
    if (own) {
      spec.mean.resize(channels, spec.mean[0]);
      spec.std_dev.resize(channels, spec.std_dev[0]);
      for (std::size_t c = 0; c < channels; ++c) {
        const double scale = graph_.input_scale[c], shift = graph_.input_shift[c];
        if (!(scale > 0)) fail("{}: multiplies the image by {}, expected a positive factor", where_, scale);
        spec.mean[c] -= shift / scale * spec.std_dev[c];
        spec.std_dev[c] /= scale;
      }
    }
    for (std::size_t c = 0; c < channels; ++c) {
      const double pad = std::round(spec.scale * mean(spec, c));
      if (!(pad >= 0 && pad <= 255))
        fail(
            "{}: a mean of {} at scale {} makes the padding value {}, which is no pixel (0 to 255): see the recipe's "
            "input section",
            where_, mean(spec, c), spec.scale, pad);
      plan_.pad_values.push_back(static_cast<int>(pad));
    }
    plan_.input_spec = spec;
    PlannedTensor image;
    image.name = graph_.input().name;
    image.shape = shape;
    image.node = 0;
    image.policy = "pixels";
    plan_.tensors.push_back(std::move(image));
  }

  static double mean(const qnet::InputSpec& spec, std::size_t c) { return spec.mean[spec.mean.size() == 1 ? 0 : c]; }
  static double deviation(const qnet::InputSpec& spec, std::size_t c) {
    return spec.std_dev[spec.std_dev.size() == 1 ? 0 : c];
  }

  /// Which addition each convolution is merged into. Of two it is the one with more weights to a sum: these are
  /// smaller, and so is the accumulator's step, to which the residual is rounded. (The copy that a shortcut without
  /// weights is made of has a step as coarse as its input's.)
  void find_merges() {
    merged_into_.assign(graph_.nodes.size(), -1);
    merged_conv_.assign(graph_.nodes.size(), -1);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& add = graph_.nodes[i];
      if (add.kind != NodeKind::kAdd) continue;
      int chosen = -1;
      for (const int input : add.inputs) {
        const Node& node = graph_.at(input);
        const bool only_reader = readers_[static_cast<std::size_t>(input)].size() == 1;
        if (node.kind != NodeKind::kConv || !node.clamp.none() || !only_reader) continue;
        const auto order = [&](int conv) { return std::pair(fan_in(graph_.at(conv)), conv); };
        if (chosen < 0 || order(input) > order(chosen)) chosen = input;
      }
      if (chosen < 0) continue;
      merged_conv_[i] = chosen;
      merged_into_[static_cast<std::size_t>(chosen)] = static_cast<int>(i);
    }
  }

  static std::size_t fan_in(const Node& conv) { return conv.weight.size() / conv.bias.size(); }

  void add_node(int index) {
    const Node& node = graph_.at(index);
    switch (node.kind) {
      case NodeKind::kConv:
        if (merged_into_[static_cast<std::size_t>(index)] < 0) add_conv(node, index, index, -1);
        break;
      case NodeKind::kAdd:
        add_addition(node, index);
        break;
      case NodeKind::kMaxPool:
      case NodeKind::kGlobalPool:
        add_pool(node, index);
        break;
      default:
        SHIFTSIM_CHECK(false, "node '{}' of kind {}", node.name, to_string(node.kind));
    }
  }

  void add_addition(const Node& add, int index) {
    const int conv = merged_conv_[static_cast<std::size_t>(index)];
    const auto residual_of = [&](int operand) {
      const int tensor = place_[static_cast<std::size_t>(operand)];
      if (plan_.tensor(tensor).factor != 1)
        fail("{}: node '{}' adds a global average pool's output, which is not supported", where_, add.name);
      return tensor;
    };
    if (conv >= 0) {
      const int other = add.inputs[0] == conv ? add.inputs[1] : add.inputs[0];
      add_conv(graph_.at(conv), conv, index, residual_of(other));
      return;
    }
    // A copy of one operand, with the other as its residual.
    Node copy;
    copy.name = add.name;
    copy.kind = NodeKind::kConv;
    copy.shape = add.shape;
    copy.groups = add.shape.channels;
    copy.inputs = {add.inputs[0]};
    copy.weight.assign(static_cast<std::size_t>(copy.groups), 1.0f);
    copy.bias.assign(static_cast<std::size_t>(copy.groups), 0.0f);
    copy.fixed_weights = true;
    residual_of(add.inputs[0]);
    add_conv(copy, -1, index, residual_of(add.inputs[1]));
  }

  /// A convolution whose result, after an addition if 'residual' is one, is the value of node 'result'.
  void add_conv(const Node& conv, int conv_index, int result, int residual) {
    PlannedLayer layer;
    layer.name = conv.name;
    layer.node = conv_index;
    layer.input = place_[static_cast<std::size_t>(conv.inputs[0])];
    layer.residual = residual;
    layer.geometry = ConvGeometry::of(graph_, conv);
    layer.activation = activation_of(graph_.at(result));
    layer.weight = conv.weight;
    layer.bias = conv.bias;
    if (conv.batch_norm) layer.gamma = conv.batch_norm->gamma;
    fold_input(layer);
    const bool last = result == static_cast<int>(graph_.nodes.size()) - 1;
    choose_weight_bits(layer, conv, last);

    PlannedTensor tensor;
    tensor.name = conv.name;
    tensor.shape = conv.shape;
    tensor.node = result;
    tensor.is_logits = last;
    if (!last) choose_activation_bits(tensor, layer, result);
    finish(std::move(layer), std::move(tensor), result);
  }

  /// Divides a sum by its number of pixels, or normalizes pixels, inside the weights.
  void fold_input(PlannedLayer& layer) const {
    const std::size_t fan = layer.weight.size() / layer.bias.size();
    const double factor = 1 / plan_.tensor(layer.input).factor;
    if (layer.input != 0) {
      if (factor != 1)
        for (float& weight : layer.weight) weight = static_cast<float>(weight * factor);
      return;
    }
    const auto window = layer.geometry.window.taps();
    const std::size_t group_inputs = fan / window;
    const std::size_t group_outputs = layer.bias.size() / static_cast<std::size_t>(layer.geometry.groups);
    for (std::size_t k = 0; k < layer.bias.size(); ++k) {
      const std::size_t first = k / group_outputs * group_inputs;
      double bias = layer.bias[k];
      for (std::size_t j = 0; j < fan; ++j) {
        const std::size_t c = first + j / window;
        float& weight = layer.weight[k * fan + j];
        const double per_pixel = weight / (plan_.input_spec.scale * deviation(plan_.input_spec, c));
        // The layer sees pixel - pad_value; what the rounding of the padding value leaves goes into the bias.
        bias += per_pixel * (plan_.pad_values[c] - plan_.input_spec.scale * mean(plan_.input_spec, c));
        weight = static_cast<float>(per_pixel);
      }
      layer.bias[k] = static_cast<float>(bias);
    }
  }

  void choose_weight_bits(PlannedLayer& layer, const Node& conv, bool last) {
    const auto power_of_two = [](float weight) {
      int exponent = 0;
      return std::frexp(weight, &exponent) == 0.5f;
    };
    layer.weight_bits = recipe_.weight_bits;
    layer.policy = "weights";
    if (conv.fixed_weights) {
      const bool exact = std::all_of(layer.weight.begin(), layer.weight.end(), power_of_two);
      layer.weight_bits = exact ? 2 : 8;
      layer.policy = exact ? "exact" : "fixed";
    } else if (layer.input == 0) {
      layer.weight_bits = recipe_.first_weight_bits;
      layer.policy = "first";
    } else if (last) {
      layer.weight_bits = recipe_.last_weight_bits;
      layer.policy = "last";
    } else if (recipe_.depthwise_weight_bits && layer.geometry.is_depthwise()) {
      layer.weight_bits = *recipe_.depthwise_weight_bits;
      layer.policy = "depthwise";
    }
    if (const LayerOverride* override = find_override(layer.name); override != nullptr && override->weight_bits) {
      layer.weight_bits = *override->weight_bits;
      layer.policy = "layers";
    }
  }

  void choose_activation_bits(PlannedTensor& tensor, const PlannedLayer& layer, int result) {
    const auto& readers = readers_[static_cast<std::size_t>(result)];
    const bool shortcut = std::all_of(readers.begin(), readers.end(), [&](int reader) {
      return graph_.at(reader).kind == NodeKind::kAdd && merged_conv_[static_cast<std::size_t>(reader)] >= 0;
    });
    tensor.range.is_signed = layer.activation == qnet::Activation::kNone;
    if (layer.activation == qnet::Activation::kRelu6) tensor.range.ceilings = {6};
    tensor.range.bits = recipe_.activation_bits;
    tensor.policy = "activation";
    if (layer.input == 0) {
      tensor.range.bits = recipe_.stem_bits;
      tensor.policy = "stem";
    } else if (shortcut && tensor.range.is_signed) {
      tensor.range.bits = recipe_.residual_bits;
      tensor.policy = "residual";
    } else if (tensor.range.is_signed) {
      tensor.range.bits = recipe_.linear_bits;
      tensor.policy = "linear";
    }
    if (const LayerOverride* override = find_override(layer.name); override != nullptr && override->activation_bits) {
      tensor.range.bits = *override->activation_bits;
      tensor.policy = "layers";
    }
  }

  void add_pool(const Node& node, int index) {
    PlannedLayer layer;
    layer.name = node.name;
    layer.node = index;
    layer.input = place_[static_cast<std::size_t>(node.inputs[0])];
    const PlannedTensor& in = plan_.tensor(layer.input);
    const FloatLayer in_float = FloatLayer::of(graph_, node).value();
    layer.kind = in_float.kind;
    layer.geometry = in_float.geometry;
    PlannedTensor tensor;
    tensor.name = node.name;
    tensor.shape = node.shape;
    tensor.node = index;
    tensor.range = in.range;
    tensor.factor = in.factor;
    tensor.policy = in.policy;
    if (layer.kind == qnet::LayerKind::kSumPool) {
      tensor.factor *= in.shape.height * in.shape.width;
      tensor.range = {recipe_.pool_bits, in.range.is_signed, {}};
      tensor.policy = "pool";
      if (const LayerOverride* override = find_override(layer.name); override != nullptr && override->activation_bits) {
        tensor.range.bits = *override->activation_bits;
        tensor.policy = "layers";
      }
    }
    finish(std::move(layer), std::move(tensor), index);
  }

  void finish(PlannedLayer layer, PlannedTensor tensor, int result) {
    layer.output = static_cast<int>(plan_.tensors.size());
    place_[static_cast<std::size_t>(result)] = layer.output;
    plan_.tensors.push_back(std::move(tensor));
    plan_.layers.push_back(std::move(layer));
  }

  /// Tensors that only depthwise convolutions and pools read may have one exponent per channel: it costs nothing, as
  /// the shift tables are per channel anyway.
  void find_per_channel() {
    for (std::size_t i = 1; i < plan_.tensors.size(); ++i) plan_.tensors[i].per_channel = !plan_.tensors[i].is_logits;
    for (std::size_t i = plan_.layers.size(); i-- > 0;) {
      const PlannedLayer& layer = plan_.layers[i];
      PlannedTensor& in = plan_.tensors[static_cast<std::size_t>(layer.input)];
      const bool depthwise = layer.kind == qnet::LayerKind::kConv && layer.geometry.is_depthwise();
      const bool passes = layer.kind == qnet::LayerKind::kMaxPool && plan_.tensor(layer.output).per_channel;
      if (!depthwise && !passes && layer.kind != qnet::LayerKind::kSumPool) in.per_channel = false;
      if (layer.residual >= 0) plan_.tensors[static_cast<std::size_t>(layer.residual)].per_channel = false;
    }
    // A max pool passes its input's exponents on, however many.
    for (const PlannedLayer& layer : plan_.layers)
      if (layer.kind == qnet::LayerKind::kMaxPool)
        plan_.tensors[static_cast<std::size_t>(layer.output)].per_channel = plan_.tensor(layer.input).per_channel;
  }

  const LayerOverride* find_override(const std::string& name) const {
    const auto found = recipe_.layers.find(name);
    return found == recipe_.layers.end() ? nullptr : &found->second;
  }

  void check_overrides() const {
    std::vector<std::string> names;
    for (const PlannedLayer& layer : plan_.layers) names.push_back(layer.name);
    for (const auto& [name, override] : recipe_.layers) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      fail("{}: has no layer '{}' (recipe, layers){}", where_, name, suggestion(name, names));
    }
  }

  const Graph& graph_;
  const Recipe& recipe_;
  const std::string& where_;
  std::vector<std::vector<int>> readers_;
  std::vector<int> merged_into_, merged_conv_;  ///< by node: the addition of a convolution and the reverse; -1 none
  std::vector<int> place_;                      ///< by node: its tensor, -1 none
  Plan plan_;
};

}  // namespace

void Plan::activate(const PlannedLayer& layer, float* values, std::size_t count) const {
  if (layer.activation == qnet::Activation::kNone) return;
  const std::vector<float>& ceilings = tensor(layer.output).range.ceilings;
  if (ceilings.size() > 1) {
    const std::size_t channels = ceilings.size();
    for (std::size_t i = 0; i < count; i += channels)
      for (std::size_t c = 0; c < channels; ++c) values[i + c] = std::min(std::max(values[i + c], 0.0f), ceilings[c]);
    return;
  }
  clamp_in_place({0, static_cast<double>(tensor(layer.output).range.ceiling(0))}, values, count);
}

Plan make_plan(const Graph& graph, const Recipe& recipe, const std::string& where) {
  return Planner(graph, recipe, where).run();
}

}  // namespace shiftsim::quantizer
