#include "quantizer/import/scalar_functions.h"

#include <algorithm>
#include <vector>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

/// A node as a function of an earlier one.
struct Expression {
  int root = 0;
  ScalarFunction function = ScalarFunction::input();
  bool needs_table = false;  ///< more than scales, shifts, clamps and sums
};

class Fusion {
public:
  Fusion(Graph graph, const std::string& where) : graph_(std::move(graph)), where_(where) {}

  Graph run() {
    readers_ = graph_.readers();
    expressions_.resize(graph_.nodes.size());
    is_made_.assign(graph_.nodes.size(), false);
    for (std::size_t i = 1; i < graph_.nodes.size(); ++i) expressions_[i] = expression_of(graph_.nodes[i]);
    is_made_ = chosen();
    // What is computed from a function that is made anyway begins there, where it can.
    for (std::size_t i = 1; i < graph_.nodes.size(); ++i)
      if (const auto shorter = expression_of(graph_.nodes[i])) expressions_[i] = shorter;
    const std::vector<bool> made = chosen();
    for (std::size_t i = 1; i < graph_.nodes.size(); ++i)
      if (made[i]) make_function(i);
    check();
    return std::move(graph_);
  }

private:
  std::vector<bool> chosen() const {
    std::vector<bool> result(graph_.nodes.size(), false);
    for (std::size_t i = 1; i < graph_.nodes.size(); ++i)
      result[i] = expressions_[i] && expressions_[i]->needs_table && is_wanted(i);
    return result;
  }

  /// A node that something other than further operators on single values reads is no step on the way: what is computed
  /// from it begins there.
  bool begins_anew(int index) const {
    if (is_made_[static_cast<std::size_t>(index)]) return true;
    const std::vector<int>& readers = readers_[static_cast<std::size_t>(index)];
    return std::any_of(readers.begin(), readers.end(),
                       [&](int reader) { return !is_elementwise(graph_.at(reader).kind); });
  }

  Expression input(int index) const {
    const auto& known = expressions_[static_cast<std::size_t>(index)];
    return known && !begins_anew(index) ? *known : Expression{index};
  }

  std::optional<Expression> expression_of(const Node& node) const {
    if (!is_elementwise(node.kind)) return std::nullopt;
    Expression of = input(node.inputs[0]);
    if (node.kind == NodeKind::kAdd || node.kind == NodeKind::kElementwise) return of_two(node, of);
    if (node.kind == NodeKind::kAffine) {
      const auto affine_of = uniform_affine(node);
      if (!affine_of) return std::nullopt;
      of.function = affine(of.function, affine_of->first, affine_of->second);
    } else if (node.kind == NodeKind::kClamp) {
      of.function = clipped(of.function, node.clamp.low, node.clamp.high);
    } else {
      of.function = node.function->of(of.function);
      of.needs_table = true;
    }
    return of;
  }

  std::optional<Expression> of_two(const Node& node, const Expression& a) const {
    const Expression b = input(node.inputs[1]);
    if (a.root != b.root) return std::nullopt;
    const bool sum = node.kind == NodeKind::kAdd;
    return Expression{a.root, ScalarFunction::apply(sum ? ScalarOp::kAdd : node.elementwise, a.function, b.function),
                      !sum || a.needs_table || b.needs_table};
  }

  /// Whether somebody reads the node who does not compute a further function of the same root.
  bool is_wanted(std::size_t index) const {
    if (index + 1 == graph_.nodes.size()) return true;
    return std::any_of(readers_[index].begin(), readers_[index].end(), [&](int reader) {
      const auto& further = expressions_[static_cast<std::size_t>(reader)];
      return !further || further->root != expressions_[index]->root;
    });
  }

  void make_function(std::size_t index) {
    Node& node = graph_.nodes[index];
    const Expression& expression = *expressions_[index];
    if (!expression.function.is_finite(is_non_negative(graph_, expression.root)))
      fail("{}: node '{}': its function is not finite for every value", where_, node.name);
    Node made;
    made.name = node.name;
    made.kind = NodeKind::kFunction;
    made.shape = node.shape;
    made.inputs = {expression.root};
    made.function = expression.function;
    node = std::move(made);
  }

  void check() const {
    std::vector<bool> needed(graph_.nodes.size(), false);
    needed.back() = true;
    for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
      if (!needed[i]) continue;
      const Node& node = graph_.nodes[i];
      if (node.kind == NodeKind::kElementwise)
        fail(
            "{}: node '{}': works on two activations: this machine adds them, but a product or quotient of two "
            "activations is no shift and no sum",
            where_, node.name);
      for (const int input : node.inputs) needed[static_cast<std::size_t>(input)] = true;
    }
  }

  Graph graph_;
  std::string where_;
  std::vector<std::vector<int>> readers_;
  std::vector<std::optional<Expression>> expressions_;  ///< by node
  std::vector<bool> is_made_;                           ///< nodes that become functions, as the first pass found
};

}  // namespace

std::optional<std::pair<double, double>> uniform_affine(const Node& node) {
  const auto same = [](const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [&](float value) { return value == values.front(); });
  };
  if (node.batch_norm || !same(node.weight) || !same(node.bias)) return std::nullopt;
  return std::pair(static_cast<double>(node.weight.front()), static_cast<double>(node.bias.front()));
}

Graph fuse_functions(Graph graph, const std::string& where) {
  return Fusion(std::move(graph), where).run();
}

}  // namespace shiftsim::quantizer
