#include "quantizer/graph/scalar_function.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

constexpr std::size_t kBlock = 256;

/// A value and its slope with regard to the function's input.
struct Dual {
  double value = 0, slope = 0;
};

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

/// One argument: its value, and the slope there.
Dual unary(ScalarOp op, double x) {
  switch (op) {
    case ScalarOp::kExp:
      return {std::exp(x), std::exp(x)};
    case ScalarOp::kExpm1:
      return {std::expm1(x), std::exp(x)};
    case ScalarOp::kLog:
      return {std::log(x), 1 / x};
    case ScalarOp::kSqrt:
      return {std::sqrt(x), 0.5 / std::sqrt(x)};
    case ScalarOp::kTanh: {
      const double y = std::tanh(x);
      return {y, 1 - y * y};
    }
    case ScalarOp::kErf:
      return {std::erf(x), 2 * std::numbers::inv_sqrtpi * std::exp(-x * x)};
    case ScalarOp::kSigmoid: {
      const double y = sigmoid(x);
      return {y, y * (1 - y)};
    }
    case ScalarOp::kSoftplus:
      return {softplus(x), sigmoid(x)};
    default:
      SHIFTSIM_CHECK(false, "scalar operator {} has no one argument", static_cast<int>(op));
  }
}

/// Two arguments. Which of equal ones a minimum or maximum takes does not matter.
Dual binary(ScalarOp op, const Dual& a, const Dual& b) {
  switch (op) {
    case ScalarOp::kAdd:
      return {a.value + b.value, a.slope + b.slope};
    case ScalarOp::kSubtract:
      return {a.value - b.value, a.slope - b.slope};
    case ScalarOp::kMultiply:
      return {a.value * b.value, a.slope * b.value + a.value * b.slope};
    case ScalarOp::kDivide:
      return {a.value / b.value, (a.slope * b.value - a.value * b.slope) / (b.value * b.value)};
    case ScalarOp::kPower:
      // Exponents are constants.
      return {std::pow(a.value, b.value), b.value * std::pow(a.value, b.value - 1) * a.slope};
    case ScalarOp::kMinimum:
      return b.value < a.value ? b : a;
    case ScalarOp::kMaximum:
      return b.value > a.value ? b : a;
    default:
      SHIFTSIM_CHECK(false, "scalar operator {} has no two arguments", static_cast<int>(op));
  }
}

/// Where properties of a function are looked for: close together around 0, further apart far from it; rising.
std::vector<float> places(bool from_zero) {
  std::vector<float> result;
  constexpr int kFine = 4096, kFar = 200;
  for (int i = 0; i <= kFine; ++i) result.push_back(16.0f * static_cast<float>(i) / kFine);
  for (int i = 1; i <= kFar; ++i) result.push_back(16.0f * std::pow(1000.0f / 16, static_cast<float>(i) / kFar));
  if (from_zero) return result;
  std::vector<float> both;
  for (auto x = result.rbegin(); x != result.rend(); ++x) both.push_back(-*x);
  both.insert(both.end(), result.begin(), result.end());
  return both;
}

}  // namespace

ScalarFunction ScalarFunction::input() {
  ScalarFunction f;
  f.add({});
  return f;
}

ScalarFunction ScalarFunction::constant(double value) {
  ScalarFunction f;
  f.add({ScalarOp::kConstant, -1, -1, -1, value});
  return f;
}

ScalarFunction ScalarFunction::apply(ScalarOp op, const ScalarFunction& a) {
  ScalarFunction f;
  f.steps_.push_back({op, f.append(a), -1, -1, 0});
  return f;
}

ScalarFunction ScalarFunction::apply(ScalarOp op, const ScalarFunction& a, const ScalarFunction& b) {
  ScalarFunction f;
  const int first = f.append(a), second = f.append(b);
  f.steps_.push_back({op, first, second, -1, 0});
  return f;
}

ScalarFunction ScalarFunction::if_positive(const ScalarFunction& condition, const ScalarFunction& then,
                                           const ScalarFunction& otherwise) {
  ScalarFunction f;
  const int first = f.append(condition), second = f.append(then), third = f.append(otherwise);
  f.steps_.push_back({ScalarOp::kIfPositive, first, second, third, 0});
  return f;
}

ScalarFunction ScalarFunction::of(const ScalarFunction& inner) const {
  ScalarFunction f;
  const int input = f.append(inner), result = f.append(*this, input);
  // The result is the last step.
  if (result + 1 != static_cast<int>(f.steps_.size())) return affine(f, 1, 0);
  return f;
}

int ScalarFunction::add(const Step& step) {
  const auto found = std::find(steps_.begin(), steps_.end(), step);
  if (found != steps_.end()) return static_cast<int>(found - steps_.begin());
  steps_.push_back(step);
  return static_cast<int>(steps_.size()) - 1;
}

int ScalarFunction::append(const ScalarFunction& other, int input) {
  std::vector<int> place;
  const auto at = [&](int step) { return step < 0 ? -1 : place[static_cast<std::size_t>(step)]; };
  for (const Step& step : other.steps_) {
    const bool is_input = step.op == ScalarOp::kInput && input >= 0;
    place.push_back(is_input ? input : add({step.op, at(step.a), at(step.b), at(step.c), step.value}));
  }
  return place.back();
}

template <typename Real>
void ScalarFunction::run(const Real* from, std::size_t count, bool slopes, Rounding rounding,
                         const std::function<void(std::size_t, std::span<const double>, const double*)>& use) const {
  std::vector<Dual> block(steps_.size() * kBlock);
  std::vector<double> values(kBlock), slope(kBlock);
  for (std::size_t first = 0; first < count; first += kBlock) {
    const std::size_t here = std::min(kBlock, count - first);
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      const Step& step = steps_[s];
      Dual* const to = block.data() + s * kBlock;
      const auto argument = [&](int of) { return block.data() + static_cast<std::size_t>(std::max(of, 0)) * kBlock; };
      const Dual *const a = argument(step.a), *const b = argument(step.b), *const c = argument(step.c);
      for (std::size_t i = 0; i < here; ++i) {
        if (step.op == ScalarOp::kInput)
          to[i] = {static_cast<double>(from[first + i]), 1};
        else if (step.op == ScalarOp::kConstant)
          to[i] = {step.value, 0};
        else if (step.op == ScalarOp::kIfPositive)
          to[i] = a[i].value > 0 ? b[i] : c[i];
        else if (step.b < 0) {
          const Dual found = unary(step.op, a[i].value);
          to[i] = {found.value, found.slope * a[i].slope};
        } else
          to[i] = binary(step.op, a[i], b[i]);
        if (rounding == Rounding::kEachStep) to[i].value = static_cast<double>(static_cast<float>(to[i].value));
      }
    }
    const Dual* const result = block.data() + (steps_.size() - 1) * kBlock;
    for (std::size_t i = 0; i < here; ++i) {
      values[i] = result[i].value;
      slope[i] = result[i].slope;
    }
    use(first, std::span(values).first(here), slopes ? slope.data() : nullptr);
  }
}

double ScalarFunction::operator()(double x) const {
  double result = 0;
  run(&x, 1, false, Rounding::kNone,
      [&](std::size_t, std::span<const double> values, const double*) { result = values[0]; });
  return result;
}

double ScalarFunction::slope(double x) const {
  double result = 0;
  run(&x, 1, true, Rounding::kNone,
      [&](std::size_t, std::span<const double>, const double* slopes) { result = slopes[0]; });
  return result;
}

void ScalarFunction::evaluate(const float* from, float* to, std::size_t count) const {
  run(from, count, false, Rounding::kNone, [&](std::size_t first, std::span<const double> values, const double*) {
    for (std::size_t i = 0; i < values.size(); ++i) to[first + i] = static_cast<float>(values[i]);
  });
}

void ScalarFunction::evaluate_in_single(const float* from, float* to, std::size_t count) const {
  run(from, count, false, Rounding::kEachStep, [&](std::size_t first, std::span<const double> values, const double*) {
    for (std::size_t i = 0; i < values.size(); ++i) to[first + i] = static_cast<float>(values[i]);
  });
}

void ScalarFunction::add_gradient(const float* from, const float* gradient, float* to, std::size_t count) const {
  run(from, count, true, Rounding::kNone, [&](std::size_t first, std::span<const double> values, const double* slopes) {
    for (std::size_t i = 0; i < values.size(); ++i)
      to[first + i] += gradient[first + i] * static_cast<float>(slopes[i]);
  });
}

bool ScalarFunction::can_be_negative(bool from_zero) const {
  const std::vector<float> x = places(from_zero);
  return std::any_of(x.begin(), x.end(), [&](float at) { return (*this)(static_cast<double>(at)) < 0; });
}

bool ScalarFunction::is_monotone() const {
  const std::vector<float> x = places(false);
  double before = (*this)(static_cast<double>(x.front()));
  for (const float at : x) {
    const double now = (*this)(static_cast<double>(at));
    if (!(now >= before)) return false;
    before = now;
  }
  return true;
}

bool ScalarFunction::is_finite(bool from_zero) const {
  const std::vector<float> x = places(from_zero);
  return std::all_of(x.begin(), x.end(), [&](float at) { return std::isfinite((*this)(static_cast<double>(at))); });
}

ScalarFunction affine(const ScalarFunction& a, double scale, double shift) {
  return a * ScalarFunction::constant(scale) + ScalarFunction::constant(shift);
}

ScalarFunction clipped(const ScalarFunction& a, double low, double high) {
  ScalarFunction f = a;
  if (std::isfinite(low)) f = ScalarFunction::apply(ScalarOp::kMaximum, f, ScalarFunction::constant(low));
  if (std::isfinite(high)) f = ScalarFunction::apply(ScalarOp::kMinimum, f, ScalarFunction::constant(high));
  return f;
}

}  // namespace shiftsim::quantizer
