#include "sim/sweep/expression.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "common/error.h"

namespace shiftsim::sim {

enum class Operator {
  kValue,
  kKey,
  kOr,
  kAnd,
  kNot,
  kEqual,
  kNotEqual,
  kLess,
  kAtMost,
  kPlus,
  kMinus,
  kTimes,
  kOver,
  kModulo
};

struct Expression::Node {
  Operator what = Operator::kValue;
  ExpressionValue value;
  std::size_t key = 0;
  std::shared_ptr<const Node> left, right;
};

namespace {

using Node = Expression::Node;
using NodePointer = std::shared_ptr<const Node>;

/// A condition in brackets in brackets ... ends somewhere: the parser calls itself.
constexpr int kMaxDepth = 100;

NodePointer binary(Operator what, NodePointer left, NodePointer right) {
  return std::make_shared<Node>(Node{what, {}, 0, std::move(left), std::move(right)});
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

/// Recursive descent, a function a level of binding.
class Parser {
public:
  Parser(const std::string& text, std::vector<std::string>& keys) : text_(text), keys_(keys) {}

  NodePointer parse() {
    NodePointer node = either();
    skip_spaces();
    if (at_ != text_.size()) wrong("the end, or an operator");
    return node;
  }

private:
  NodePointer either() {
    if (++depth_ > kMaxDepth) fail("'{}': more than {} brackets deep", text_, kMaxDepth);
    NodePointer node = both();
    while (take_word("or")) node = binary(Operator::kOr, node, both());
    --depth_;
    return node;
  }

  NodePointer both() {
    NodePointer node = negation();
    while (take_word("and")) node = binary(Operator::kAnd, node, negation());
    return node;
  }

  NodePointer negation() {
    bool negated = false;
    while (take_word("not")) negated = !negated;
    NodePointer node = comparison();
    return negated ? binary(Operator::kNot, node, nullptr) : node;
  }

  NodePointer comparison() {
    NodePointer left = sum();
    if (take("==")) return binary(Operator::kEqual, left, sum());
    if (take("!=")) return binary(Operator::kNotEqual, left, sum());
    if (take("<=")) return binary(Operator::kAtMost, left, sum());
    if (take(">=")) return binary(Operator::kAtMost, sum(), left);
    if (take("<")) return binary(Operator::kLess, left, sum());
    if (take(">")) return binary(Operator::kLess, sum(), left);
    return left;
  }

  NodePointer sum() {
    NodePointer node = product();
    for (;;) {
      if (take("+")) {
        node = binary(Operator::kPlus, node, product());
      } else if (take("-")) {
        node = binary(Operator::kMinus, node, product());
      } else {
        return node;
      }
    }
  }

  NodePointer product() {
    NodePointer node = factor();
    for (;;) {
      if (take("*")) {
        node = binary(Operator::kTimes, node, factor());
      } else if (take("/")) {
        node = binary(Operator::kOver, node, factor());
      } else if (take("%")) {
        node = binary(Operator::kModulo, node, factor());
      } else {
        return node;
      }
    }
  }

  NodePointer factor() {
    bool negative = false;
    while (take("-")) negative = !negative;
    NodePointer node = operand();
    if (!negative) return node;
    return binary(Operator::kMinus, std::make_shared<Node>(Node{Operator::kValue, 0.0, 0, nullptr, nullptr}), node);
  }

  NodePointer operand() {
    if (take("(")) {
      NodePointer node = either();
      if (!take(")")) wrong("')'");
      return node;
    }
    skip_spaces();
    if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) return quoted_text();
    const std::string_view found = word();
    if (found.empty() || is_operator(found)) wrong("a key, a number, a text in quotes or '('");
    at_ += found.size();
    const ExpressionValue value = expression_value(found);
    if (std::holds_alternative<double>(value)) {
      return std::make_shared<Node>(Node{Operator::kValue, value, 0, nullptr, nullptr});
    }
    const auto known = std::find(keys_.begin(), keys_.end(), found);
    const auto index = static_cast<std::size_t>(known - keys_.begin());
    if (known == keys_.end()) keys_.emplace_back(found);
    return std::make_shared<Node>(Node{Operator::kKey, {}, index, nullptr, nullptr});
  }

  NodePointer quoted_text() {
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string::npos) wrong("the text's closing quote");
    const std::string content = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return std::make_shared<Node>(Node{Operator::kValue, content, 0, nullptr, nullptr});
  }

  static bool is_operator(std::string_view found) { return found == "and" || found == "or" || found == "not"; }

  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  /// The key, number or operator that stands here; empty where none does.
  std::string_view word() {
    skip_spaces();
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    return std::string_view(text_).substr(at_, end - at_);
  }

  bool take(std::string_view sign) {
    skip_spaces();
    if (std::string_view(text_).substr(at_, sign.size()) != sign) return false;
    at_ += sign.size();
    return true;
  }

  bool take_word(std::string_view wanted) {
    if (word() != wanted) return false;
    at_ += wanted.size();
    return true;
  }

  [[noreturn]] void wrong(const std::string& expected) {
    skip_spaces();
    const std::string found = at_ < text_.size() ? fmt::format("'{}'", text_.substr(at_)) : "the end";
    fail("'{}': found {} at column {}, expected {}", text_, found, at_ + 1, expected);
  }

  const std::string& text_;
  std::vector<std::string>& keys_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

/// Values of one evaluation; true and false are 1 and 0.
class Evaluation {
public:
  Evaluation(const Expression& expression, const std::vector<const ExpressionValue*>& values)
      : expression_(expression), values_(values) {}

  const ExpressionValue& operand(const Node& node, ExpressionValue& computed) const {
    if (node.what == Operator::kValue) return node.value;
    if (node.what == Operator::kKey) return *values_[node.key];
    computed = compute(node);
    return computed;
  }

  bool truth(const Node& node) const {
    ExpressionValue computed;
    const ExpressionValue& value = operand(node, computed);
    const double* number = std::get_if<double>(&value);
    const bool logical = node.what != Operator::kValue && node.what != Operator::kKey && node.what < Operator::kPlus;
    if (number == nullptr || !logical) {
      fail("'{}': found {}, expected a condition", expression_.text(), describe(value));
    }
    return *number != 0;
  }

private:
  static std::string describe(const ExpressionValue& value) {
    if (const double* number = std::get_if<double>(&value)) return fmt::format("the number {}", *number);
    return fmt::format("the text '{}'", std::get<std::string>(value));
  }

  double number(const Node& node) const {
    ExpressionValue computed;
    const ExpressionValue& value = operand(node, computed);
    if (const double* found = std::get_if<double>(&value)) return *found;
    const std::string key = node.what == Operator::kKey ? expression_.keys()[node.key] + " is " : "";
    fail("'{}': {}{}, expected a number", expression_.text(), key, describe(value));
  }

  bool equal(const Node& node) const {
    ExpressionValue left, right;
    return operand(*node.left, left) == operand(*node.right, right);
  }

  double over(const Node& node) const {
    const double divisor = number(*node.right);
    if (divisor == 0) fail("'{}': division by zero", expression_.text());
    return number(*node.left) / divisor;
  }

  double modulo(const Node& node) const {
    const double value = number(*node.left), divisor = number(*node.right);
    if (divisor == 0) fail("'{}': division by zero", expression_.text());
    if (value != std::floor(value) || divisor != std::floor(divisor)) {
      fail("'{}': {} % {}, expected integers", expression_.text(), value, divisor);
    }
    return std::fmod(value, divisor);
  }

  double compute(const Node& node) const {
    switch (node.what) {
      case Operator::kOr:
        return truth(*node.left) || truth(*node.right) ? 1 : 0;
      case Operator::kAnd:
        return truth(*node.left) && truth(*node.right) ? 1 : 0;
      case Operator::kNot:
        return truth(*node.left) ? 0 : 1;
      case Operator::kEqual:
        return equal(node) ? 1 : 0;
      case Operator::kNotEqual:
        return equal(node) ? 0 : 1;
      case Operator::kLess:
        return number(*node.left) < number(*node.right) ? 1 : 0;
      case Operator::kAtMost:
        return number(*node.left) <= number(*node.right) ? 1 : 0;
      case Operator::kPlus:
        return number(*node.left) + number(*node.right);
      case Operator::kMinus:
        return number(*node.left) - number(*node.right);
      case Operator::kTimes:
        return number(*node.left) * number(*node.right);
      case Operator::kOver:
        return over(node);
      default:
        return modulo(node);
    }
  }

  const Expression& expression_;
  const std::vector<const ExpressionValue*>& values_;
};

}  // namespace

ExpressionValue expression_value(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(number)) return number;
  return std::string(text);
}

Expression::Expression(const std::string& text) : text_(text), root_(Parser(text_, keys_).parse()) {}

bool Expression::holds(const std::vector<const ExpressionValue*>& values) const {
  return Evaluation(*this, values).truth(*root_);
}

}  // namespace shiftsim::sim
