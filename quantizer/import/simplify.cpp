#include "quantizer/import/simplify.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "common/error.h"
#include "quantizer/import/average_pools.h"
#include "quantizer/import/scalar_functions.h"

namespace shiftsim::quantizer {

namespace {

class Simplifier {
public:
  Simplifier(Graph graph, const std::string& where) : graph_(std::move(graph)), where_(where) {}

  Graph run() {
    drop_dead_nodes();
    absorb_input_normalization();
    graph_ = fuse_functions(std::move(graph_), where_);
    drop_dead_nodes();
    move_pads();
    graph_ = convert_average_pools(std::move(graph_), where_);
    fold_affines();
    place_clamps();
    split_clamps();
    move_functions();
    convert_affines();
    drop_identities();
    finish_output();
    separate_input_readers();
    check();
    return std::move(graph_);
  }

private:
  template <typename... Args>
  [[noreturn]] void fail_at(const Node& node, fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: node '{}': {}", where_, node.name, fmt::format(format, std::forward<Args>(args)...));
  }

  // ---- editing ----

  /// Lets the readers of node 'from' read 'to' instead, then drops 'from'.
  void bypass(int from, int to) {
    for (Node& node : graph_.nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
    if (from == static_cast<int>(graph_.nodes.size()) - 1) {
      // The output was bypassed: 'to' must become the last node, and nothing after it is needed.
      graph_.nodes.resize(static_cast<std::size_t>(to) + 1);
      return;
    }
    graph_.at(from).inputs.clear();  // reads nothing any more; drop_dead_nodes() removes it
  }

  /// Removes bypassed nodes, and whatever the output does not need.
  void drop_dead_nodes() {
    std::vector<bool> needed(graph_.nodes.size(), false);
    needed.back() = true;
    for (std::size_t i = graph_.nodes.size(); i-- > 0;)
      if (needed[i])
        for (const int input : graph_.nodes[i].inputs) needed[static_cast<std::size_t>(input)] = true;
    if (!needed[0]) fail("{}: the output does not depend on the input", where_);
    std::vector<int> place(graph_.nodes.size(), -1);
    std::vector<Node> kept;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (!needed[i]) continue;
      place[i] = static_cast<int>(kept.size());
      kept.push_back(std::move(graph_.nodes[i]));
      for (int& input : kept.back().inputs) input = place[static_cast<std::size_t>(input)];
    }
    graph_.nodes = std::move(kept);
  }

  /// Inserts 'node' behind node 'index'; its readers 'readers' (all, if empty) read the new node instead.
  int insert_after(int index, Node node, const std::vector<int>& readers = {}) {
    const int place = index + 1;
    const std::set<int> chosen(readers.begin(), readers.end());
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      for (int& input : graph_.nodes[i].inputs) {
        if (input == index && (chosen.empty() || chosen.contains(static_cast<int>(i))))
          input = place;
        else if (input > index)
          ++input;
      }
    node.inputs = {index};
    graph_.nodes.insert(graph_.nodes.begin() + place, std::move(node));
    return place;
  }

  std::string unique_name(const std::string& wanted) const {
    const auto taken = [&](const std::string& name) {
      return std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [&](const Node& node) { return node.name == name; });
    };
    std::string name = wanted;
    for (int copy = 2; taken(name); ++copy) name = fmt::format("{}_{}", wanted, copy);
    return name;
  }

  /// A depthwise 1x1 convolution that multiplies by 1.
  Node identity_conv(const std::string& name, const Shape& shape) const {
    Node node;
    node.name = unique_name(name);
    node.kind = NodeKind::kConv;
    node.shape = shape;
    node.groups = shape.channels;
    node.weight.assign(static_cast<std::size_t>(shape.channels), 1.0f);
    node.bias.assign(static_cast<std::size_t>(shape.channels), 0.0f);
    node.fixed_weights = true;
    return node;
  }

  // ---- passes ----

  /// (x - mean) / std inside the network: kAffine nodes that alone read the image.
  void absorb_input_normalization() {
    for (;;) {
      const auto readers = graph_.readers();
      if (readers[0].size() != 1 || graph_.at(readers[0][0]).kind != NodeKind::kAffine) return;
      const int index = readers[0][0];
      if (index == static_cast<int>(graph_.nodes.size()) - 1) return;
      const Node& affine = graph_.at(index);
      if (affine.batch_norm) return;  // a trained layer, and RAPQ may want its statistics
      for (std::size_t c = 0; c < affine.weight.size(); ++c) {
        if (affine.weight[c] == 0) return;
        graph_.input_scale[c] *= affine.weight[c];
        graph_.input_shift[c] = graph_.input_shift[c] * affine.weight[c] + affine.bias[c];
      }
      bypass(index, 0);
      drop_dead_nodes();
    }
  }

  void move_pads() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].kind != NodeKind::kPad) continue;
      const Node pad = graph_.nodes[i];
      const auto readers = graph_.readers()[i];
      if (readers.empty()) fail_at(pad, "pads the output");
      for (const int index : readers) {
        Node& reader = graph_.at(index);
        const bool pool_takes_zeros = reader.kind == NodeKind::kMaxPool && is_non_negative(graph_, pad.inputs[0]);
        const bool mean_takes_zeros =
            reader.kind == NodeKind::kAveragePool && (reader.count_pads || !reader.window.padded());
        if (reader.kind == NodeKind::kPad || reader.kind == NodeKind::kConv || pool_takes_zeros || mean_takes_zeros) {
          reader.window.pad_top += pad.window.pad_top;
          reader.window.pad_left += pad.window.pad_left;
          reader.window.pad_bottom += pad.window.pad_bottom;
          reader.window.pad_right += pad.window.pad_right;
          if (mean_takes_zeros) reader.count_pads = true;
        } else {
          fail_at(pad, "Pad in front of '{}' ({}) cannot be merged into a window", reader.name, to_string(reader.kind));
        }
      }
      bypass(static_cast<int>(i), pad.inputs[0]);
    }
    drop_dead_nodes();
  }

  /// kAffine into the convolution (or affine) before it, where nobody else reads that.
  void fold_affines() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      Node& affine = graph_.nodes[i];
      if (affine.kind != NodeKind::kAffine) continue;
      const int before_index = affine.inputs[0];
      Node& before = graph_.at(before_index);
      const bool alone = graph_.readers()[static_cast<std::size_t>(before_index)].size() == 1;
      if (!alone || !before.clamp.none() || (before.kind != NodeKind::kConv && before.kind != NodeKind::kAffine))
        continue;
      const std::size_t channels = affine.weight.size(), fan = before.weight.size() / channels;
      for (std::size_t k = 0; k < channels; ++k) {
        const double scale = affine.weight[k];
        for (std::size_t j = k * fan; j < (k + 1) * fan; ++j)
          before.weight[j] = static_cast<float>(scale * before.weight[j]);
        before.bias[k] = static_cast<float>(scale * before.bias[k] + affine.bias[k]);
      }
      if (affine.batch_norm) before.batch_norm = std::move(affine.batch_norm);
      before.fixed_weights = false;
      const bool last = i + 1 == graph_.nodes.size();
      bypass(static_cast<int>(i), before_index);
      if (last) break;
    }
    drop_dead_nodes();
  }

  /// An affine node left over is a convolution of its own.
  void convert_affines() {
    for (Node& node : graph_.nodes) {
      if (node.kind != NodeKind::kAffine) continue;
      node.kind = NodeKind::kConv;
      node.groups = node.shape.channels;
    }
  }

  void place_clamps() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].kind != NodeKind::kClamp) continue;
      const Clamp clamp = graph_.nodes[i].clamp;
      const int target = clamp_target(graph_.nodes[i].inputs[0]);
      if (target >= 0) {
        Node& node = graph_.at(target);
        node.clamp = node.clamp.then(clamp);
        const bool last = i + 1 == graph_.nodes.size();
        bypass(static_cast<int>(i), graph_.nodes[i].inputs[0]);
        if (last) break;
      } else if (clamp == Clamp{.low = 0} && is_non_negative(graph_, graph_.nodes[i].inputs[0])) {
        const bool last = i + 1 == graph_.nodes.size();
        bypass(static_cast<int>(i), graph_.nodes[i].inputs[0]);
        if (last) break;
      } else {
        // Somebody else reads what is clamped here: a layer of its own that copies.
        Node node = clamp.is_plain() ? identity_conv(graph_.nodes[i].name, graph_.nodes[i].shape)
                                     : clip_function(graph_.nodes[i].name, graph_.nodes[i].shape, clamp);
        node.name = graph_.nodes[i].name;
        node.inputs = graph_.nodes[i].inputs;
        if (clamp.is_plain()) node.clamp = clamp;
        graph_.nodes[i] = std::move(node);
      }
    }
    drop_dead_nodes();
  }

  /// A function of each value, from [low, high].
  static Node clip_function(const std::string& name, const Shape& shape, const Clamp& clamp) {
    Node node;
    node.name = name;
    node.kind = NodeKind::kFunction;
    node.shape = shape;
    node.function = clipped(ScalarFunction::input(), clamp.low, clamp.high);
    return node;
  }

  /// Clamps that no requantization does are functions.
  void split_clamps() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].clamp.is_plain()) continue;
      const Clamp clamp = std::exchange(graph_.nodes[i].clamp, {});
      insert_after(static_cast<int>(i),
                   clip_function(unique_name(graph_.nodes[i].name + "_clip"), graph_.nodes[i].shape, clamp));
    }
  }

  /// A function that never falls and taking the largest commute: it goes in front of the pool, behind the clamp of what
  /// the pool reads.
  void move_functions() {
    for (bool moved = true; moved;) {
      moved = false;
      const auto readers = graph_.readers();
      const auto alone = [&](int index) { return readers[static_cast<std::size_t>(index)].size() == 1; };
      for (Node& function : graph_.nodes) {
        if (function.kind != NodeKind::kFunction) continue;
        Node& pool = graph_.at(function.inputs[0]);
        if (pool.kind != NodeKind::kMaxPool || !alone(function.inputs[0]) || !alone(pool.inputs[0])) continue;
        if (!function.function->is_monotone()) continue;
        const std::vector<int> of_function = function.inputs, of_pool = pool.inputs;
        std::swap(function, pool);
        function.inputs = of_function;
        pool.inputs = of_pool;
        pool.shape = graph_.at(of_pool[0]).shape;
        function.shape = pool_shape(function, pool.shape);
        moved = true;
        break;
      }
    }
  }

  static Shape pool_shape(const Node& pool, const Shape& in) {
    return {in.channels, pool.window.out_height(in.height), pool.window.out_width(in.width)};
  }

  /// The node whose result may be clamped in place of node 'index': itself, or, through max pools, what they read
  /// (clamping and taking the largest commute). -1 if others would see the difference.
  int clamp_target(int index) const {
    const auto readers = graph_.readers();
    for (;;) {
      const Node& node = graph_.at(index);
      if (readers[static_cast<std::size_t>(index)].size() != 1) return -1;
      if (node.kind == NodeKind::kConv || node.kind == NodeKind::kAdd || node.kind == NodeKind::kAffine) return index;
      if (node.kind != NodeKind::kMaxPool) return -1;
      index = node.inputs[0];
    }
  }

  /// Global pools of a 1x1 map and 1x1 max pools.
  void drop_identities() {
    for (std::size_t i = 1; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (node.inputs.size() != 1 || node.shape != graph_.at(node.inputs[0]).shape) continue;
      const bool single = node.window.kernel_h == 1 && node.window.kernel_w == 1 && !node.window.padded();
      const bool identity = node.kind == NodeKind::kGlobalPool || (node.kind == NodeKind::kMaxPool && single) ||
                            (node.kind == NodeKind::kView && std::ranges::is_sorted(node.view.channels));
      if (!identity) continue;
      const bool last = i + 1 == graph_.nodes.size();
      bypass(static_cast<int>(i), node.inputs[0]);
      if (last) break;
    }
    drop_dead_nodes();
  }

  void finish_output() {
    const Node& output = graph_.output();
    const bool ready = output.kind == NodeKind::kConv && output.clamp.none();
    if (ready) return;
    Node copy = identity_conv("logits", output.shape);
    copy.inputs = {static_cast<int>(graph_.nodes.size()) - 1};
    graph_.nodes.push_back(std::move(copy));
  }

  /// Only convolutions may read the raw pixels, because the normalization is folded into their weights.
  void separate_input_readers() {
    std::vector<int> others;
    const auto readers = graph_.readers();
    for (const int reader : readers[0])
      if (graph_.at(reader).kind != NodeKind::kConv) others.push_back(reader);
    if (!others.empty()) insert_after(0, identity_conv("image_copy", graph_.input().shape), others);
  }

  void check() const {
    for (const Node& node : graph_.nodes) {
      SHIFTSIM_CHECK(row_of(node.kind).is_simple, "node '{}' of kind {} is left", node.name, to_string(node.kind));
      SHIFTSIM_CHECK(node.clamp.is_plain(), "node '{}' clips to [{}, {}]", node.name, node.clamp.low, node.clamp.high);
      for (const float value : node.weight)
        if (!std::isfinite(value)) fail_at(node, "a weight is not finite after folding");
    }
  }

  Graph graph_;
  std::string where_;
};

}  // namespace

Graph simplify(Graph graph, const std::string& where) {
  return Simplifier(std::move(graph), where).run();
}

}  // namespace shiftsim::quantizer
