#include "quantizer/plan/plan.h"

#include <algorithm>
#include <optional>

#include "common/error.h"
#include "quantizer/float/float_ops.h"
#include "quantizer/plan/channel_exponents.h"
#include "quantizer/plan/joined_tensors.h"
#include "quantizer/plan/merged_additions.h"
#include "quantizer/plan/planned_input.h"
#include "quantizer/plan/planned_widths.h"

namespace shiftsim::quantizer {

namespace {

class Planner {
public:
  Planner(const Graph& graph, const Recipe& recipe, const std::string& where)
      : graph_(graph),
        recipe_(recipe),
        where_(where),
        readers_(graph.readers()),
        merged_(graph, readers_),
        widths_(recipe) {}

  Plan run() {
    plan_.name = graph_.name;
    plan_input(graph_, recipe_, where_, plan_);
    place_.assign(graph_.nodes.size(), -1);
    place_[0] = 0;
    for (std::size_t i = 1; i < graph_.nodes.size(); ++i) add_node(static_cast<int>(i));
    widths_.check_names(plan_, where_);
    join_ranges(plan_);
    if (recipe_.channel_exponents) find_channel_exponents(plan_);
    return std::move(plan_);
  }

private:
  void add_node(int index) {
    const Node& node = graph_.at(index);
    const std::optional<FloatLayer> layer = FloatLayer::of(graph_, node);
    if (!layer)
      add_addition(node, index);
    else if (!qnet::row_of(layer->kind).has_weights)
      add_unweighted(node, *layer, index);
    else if (merged_.addition_of(index) < 0)
      add_conv(node, index, index, -1);
  }

  void add_addition(const Node& add, int index) {
    SHIFTSIM_CHECK(add.kind == NodeKind::kAdd, "node '{}' of kind {}", add.name, to_string(add.kind));
    const int conv = merged_.conv_of(index);
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
    widths_.set_weights(layer, conv.fixed_weights, last);

    PlannedTensor tensor;
    tensor.name = conv.name;
    tensor.shape = conv.shape;
    tensor.node = result;
    tensor.is_logits = last;
    if (!last) widths_.set_output(layer, is_shortcut(result), tensor);
    std::vector<float>& ceilings = tensor.range.ceilings;
    if (!ceilings.empty()) ceilings.assign(1, static_cast<float>(graph_.at(result).clamp.high));
    finish(std::move(layer), std::move(tensor), result);
  }

  /// Divides a sum by its number of pixels, or normalizes pixels, inside the weights.
  void fold_input(PlannedLayer& layer) const {
    if (layer.input == 0) return fold_normalization(plan_, layer);
    const double factor = 1 / plan_.tensor(layer.input).factor;
    if (factor != 1)
      for (float& weight : layer.weight) weight = static_cast<float>(weight * factor);
  }

  /// Whether nothing but additions merged into convolutions reads the node.
  bool is_shortcut(int node) const {
    const auto& readers = readers_[static_cast<std::size_t>(node)];
    return std::all_of(readers.begin(), readers.end(), [&](int reader) {
      return graph_.at(reader).kind == NodeKind::kAdd && merged_.conv_of(reader) >= 0;
    });
  }

  /// A pool, or whatever else has no weights.
  void add_unweighted(const Node& node, const FloatLayer& in_float, int index) {
    PlannedLayer layer;
    layer.name = node.name;
    layer.node = index;
    layer.input = place_[static_cast<std::size_t>(node.inputs[0])];
    const PlannedTensor& in = plan_.tensor(layer.input);
    layer.kind = in_float.kind;
    layer.geometry = in_float.geometry;
    layer.view = in_float.view;
    if (node.inputs.size() > 1) layer.residual = place_[static_cast<std::size_t>(node.inputs[1])];
    if (layer.residual >= 0 && plan_.tensor(layer.residual).factor != in.factor)
      fail("{}: node '{}' joins the mean over a map to something else, which is not supported", where_, node.name);
    PlannedTensor tensor;
    tensor.name = node.name;
    tensor.shape = node.shape;
    tensor.node = index;
    tensor.range = in.range;
    tensor.factor = in.factor;
    tensor.policy = in.policy;
    if (in_float.function) {
      set_function(layer, *in_float.function, tensor);
    } else if (layer.requantizes()) {
      tensor.factor *= in_float.divisor;
      widths_.set_sum(layer, in, tensor);
    }
    finish(std::move(layer), std::move(tensor), index);
  }

  /// The function sees the mean where its tensor holds a sum.
  void set_function(PlannedLayer& layer, const ScalarFunction& function, PlannedTensor& tensor) {
    PlannedTensor& in = plan_.tensors[static_cast<std::size_t>(layer.input)];
    layer.function = in.factor == 1 ? function : function.of(affine(ScalarFunction::input(), 1 / in.factor, 0));
    tensor.factor = 1;
    const auto maker = std::find_if(plan_.layers.begin(), plan_.layers.end(),
                                    [&](const PlannedLayer& other) { return other.output == layer.input; });
    const bool alone = readers_[static_cast<std::size_t>(in.node)].size() == 1;
    const bool merged = maker != plan_.layers.end() && alone && may_have_table(*maker);
    if (merged) widths_.set_table_input(*maker, where_, in);
    const bool shortcut = is_shortcut(tensor.node), stem = merged && maker->input == 0;
    widths_.set_function(layer, {in.range.is_signed, shortcut, stem}, tensor);
  }

  /// Whether a table may stand behind the layer's clamp.
  bool may_have_table(const PlannedLayer& layer) const {
    return layer.requantizes() && !layer.function && plan_.tensor(layer.output).range.ceilings.empty();
  }

  void finish(PlannedLayer layer, PlannedTensor tensor, int result) {
    layer.output = static_cast<int>(plan_.tensors.size());
    place_[static_cast<std::size_t>(result)] = layer.output;
    plan_.tensors.push_back(std::move(tensor));
    plan_.layers.push_back(std::move(layer));
  }

  const Graph& graph_;
  const Recipe& recipe_;
  const std::string& where_;
  std::vector<std::vector<int>> readers_;
  MergedAdditions merged_;
  PlannedWidths widths_;
  std::vector<int> place_;  ///< by node: its tensor, -1 none
  Plan plan_;
};

}  // namespace

const PlannedLayer* Plan::table_of(int index) const {
  const PlannedLayer* found = nullptr;
  for (const PlannedLayer& layer : layers) {
    if (layer.input != index && layer.residual != index) continue;
    if (found != nullptr || !layer.function) return nullptr;
    found = &layer;
  }
  return found;
}

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
