// Conditions between keys, as a sweep's 'where' has them: array.rows % array.lanes == 0 and array.cols <= 32.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace shiftsim::sim {

/// What a key holds: a number, or a text such as 'auto'.
using ExpressionValue = std::variant<double, std::string>;

/// A number where the text is one, else the text.
ExpressionValue expression_value(std::string_view text);

/// Keys, numbers, texts in quotes; + - * / % (of integers); == != < <= > >=; and, or, not; brackets. Nothing else, so
/// that a file can be read without trust in who wrote it.
class Expression {
public:
  /// Throws UserError, with the column, for what is no expression.
  explicit Expression(const std::string& text);

  const std::string& text() const { return text_; }
  /// The keys in it, each once.
  const std::vector<std::string>& keys() const { return keys_; }

  /// Whether it holds for these values, in the order of keys(). 'or' and 'and' look at their right side only where it
  /// decides. Throws UserError: arithmetic with a text, division by zero, '%' of what is no integer, a result that is
  /// neither true nor false.
  bool holds(const std::vector<const ExpressionValue*>& values) const;

  struct Node;

private:
  std::string text_;
  std::vector<std::string> keys_;
  std::shared_ptr<const Node> root_;
};

}  // namespace shiftsim::sim
