#include <onnx/onnx_pb.h>

#include <cmath>
#include <type_traits>

#include "quantizer/import/constant_folding/broadcast.h"
#include "quantizer/import/constant_folding/folds.h"

namespace shiftsim::quantizer {

namespace {

Constant cast(const FoldedNode& node) {
  using Proto = onnx::TensorProto;
  const Constant& x = node.in(0);
  const std::int64_t to = node.attribute_int("to", Proto::FLOAT);
  const bool to_float = to == Proto::FLOAT || to == Proto::DOUBLE || to == Proto::FLOAT16 || to == Proto::BFLOAT16;
  Constant result{x.dims, {}, {}, to_float};
  if (to_float == x.is_float) return x;
  for (const auto value : x.ints) result.floats.push_back(static_cast<float>(value));
  for (const auto value : x.floats) result.ints.push_back(static_cast<std::int64_t>(value));
  return result;
}

Constant square_root(const FoldedNode& node) {
  Constant result = node.in(0);
  if (!result.is_float) node.reject("of integers");
  for (float& value : result.floats) value = std::sqrt(value);
  return result;
}

Constant expand(const FoldedNode& node) {
  const Constant target{node.list("shape", 1), {}, {}, false};
  const Constant& x = node.in(0);
  Constant result{common_shape(node, {&x, &target}), {}, {}, x.is_float};
  for (const std::size_t place : repeated_places(x, result.dims)) result.append(x, place);
  return result;
}

Constant where(const FoldedNode& node) {
  const Constant &condition = node.in(0), &x = node.in(1), &y = node.in(2);
  if (condition.is_float || x.is_float != y.is_float) node.reject("mixes floats and integers");
  Constant result{common_shape(node, {&condition, &x, &y}), {}, {}, x.is_float};
  const auto chosen = repeated_places(condition, result.dims);
  const auto of_x = repeated_places(x, result.dims), of_y = repeated_places(y, result.dims);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const bool first = condition.ints[chosen[i]] != 0;
    result.append(first ? x : y, first ? of_x[i] : of_y[i]);
  }
  return result;
}

/// Add, Sub, Mul, Div; Equal gives 0 or 1.
Constant elementwise(const FoldedNode& node) {
  const Constant& a = node.in(0);
  const Constant& b = node.in(1);
  if (a.is_float != b.is_float) node.reject("mixes floats and integers");
  const std::string& op = node.type();
  Constant result{common_shape(node, {&a, &b}), {}, {}, a.is_float && op != "Equal"};
  const auto compute = [&](auto x, auto y) {
    if (op == "Add") return x + y;
    if (op == "Sub") return x - y;
    if (op == "Mul") return x * y;
    if constexpr (std::is_integral_v<decltype(y)>)
      if (y == 0) node.reject("divides by 0");
    return x / y;
  };
  const auto of_a = repeated_places(a, result.dims), of_b = repeated_places(b, result.dims);
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    const std::size_t p = of_a[i], q = of_b[i];
    if (op == "Equal")
      result.ints.push_back(a.is_float ? a.floats[p] == b.floats[q] : a.ints[p] == b.ints[q]);
    else if (a.is_float)
      result.floats.push_back(compute(a.floats[p], b.floats[q]));
    else
      result.ints.push_back(compute(a.ints[p], b.ints[q]));
  }
  return result;
}

}  // namespace

std::vector<Fold> value_folds() {
  return {
      {"Cast", cast},       {"Sqrt", square_root}, {"Expand", expand},   {"Where", where},       {"Add", elementwise},
      {"Sub", elementwise}, {"Mul", elementwise},  {"Div", elementwise}, {"Equal", elementwise},
  };
}

}  // namespace shiftsim::quantizer
