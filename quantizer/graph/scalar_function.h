// A function of one real number: an activation function, or what several operators of a file compute together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace shiftsim::quantizer {

enum class ScalarOp : std::uint8_t {
  kInput,
  kConstant,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kPower,
  kMinimum,
  kMaximum,
  kExp,
  kExpm1,
  kLog,
  kSqrt,
  kTanh,
  kErf,
  kSigmoid,
  kSoftplus,   ///< log(1 + e^x)
  kIfPositive  ///< of three: the second where the first is above 0, else the third
};

/// A list of steps, each of which works on earlier ones; the last is the result. Values and slopes are computed in
/// double precision.
class ScalarFunction {
public:
  static ScalarFunction input();
  static ScalarFunction constant(double value);
  static ScalarFunction apply(ScalarOp op, const ScalarFunction& a);
  static ScalarFunction apply(ScalarOp op, const ScalarFunction& a, const ScalarFunction& b);
  static ScalarFunction if_positive(const ScalarFunction& condition, const ScalarFunction& then,
                                    const ScalarFunction& otherwise);

  /// The function of what 'inner' gives.
  ScalarFunction of(const ScalarFunction& inner) const;

  double operator()(double x) const;
  double slope(double x) const;
  /// to[i] = f(from[i]), rounded to float; they may be the same.
  void evaluate(const float* from, float* to, std::size_t count) const;
  /// The same with every step rounded to float, as a program computes that has no double precision.
  void evaluate_in_single(const float* from, float* to, std::size_t count) const;
  /// to[i] += gradient[i] * f'(from[i]).
  void add_gradient(const float* from, const float* gradient, float* to, std::size_t count) const;

  /// Looked for at many places between -1000 and 1000, or from 0 on.
  bool can_be_negative(bool from_zero) const;
  bool is_monotone() const;  ///< never falls
  bool is_finite(bool from_zero) const;

  bool operator==(const ScalarFunction&) const = default;

private:
  struct Step {
    ScalarOp op = ScalarOp::kInput;
    int a = -1, b = -1, c = -1;  ///< earlier steps
    double value = 0;            ///< of a constant

    bool operator==(const Step&) const = default;
  };

  /// Appends a step unless there is one like it; its place.
  int add(const Step& step);
  /// Appends the other's steps, its input being step 'input' (-1: its own); the place of its result.
  int append(const ScalarFunction& other, int input = -1);
  enum class Rounding { kNone, kEachStep };
  /// Calls use(values, slopes) for blocks of 'from'; slopes null where they are not wanted.
  template <typename Real>
  void run(
      const Real* from, std::size_t count, bool slopes, Rounding rounding,
      const std::function<void(std::size_t first, std::span<const double> values, const double* slopes)>& use) const;

  std::vector<Step> steps_;
};

inline ScalarFunction operator+(const ScalarFunction& a, const ScalarFunction& b) {
  return ScalarFunction::apply(ScalarOp::kAdd, a, b);
}
inline ScalarFunction operator*(const ScalarFunction& a, const ScalarFunction& b) {
  return ScalarFunction::apply(ScalarOp::kMultiply, a, b);
}
/// scale * a + shift.
ScalarFunction affine(const ScalarFunction& a, double scale, double shift);
/// a within [low, high]; infinite ends do not limit it.
ScalarFunction clipped(const ScalarFunction& a, double low, double high);

}  // namespace shiftsim::quantizer
