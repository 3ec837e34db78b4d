// Scales that this machine has are powers of two, zero points are 0: what a file has instead, and what is taken for it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "quantizer/import/onnx_node.h"

namespace shiftsim::quantizer {

/// A node of a file, for messages.
struct Place {
  std::string file, node, type;

  static Place of(const OnnxNode& op) { return {op.file().string(), op.label(), op.type()}; }

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    shiftsim::fail("{}: node '{}' ({}): {}", file, node, type, fmt::format(format, std::forward<Args>(args)...));
  }
};

/// A value of the file that was replaced by the nearest legal one.
struct Replacement {
  std::string node;  ///< of the file
  std::string what;  ///< "scale 0.1 -> 2^-3 = 0.125"
  std::string cost;  ///< what it changed
};

/// The rule for a file: refuse what is not legal, or take the nearest and write it down. Everything throws UserError
/// naming the node, what was found and the nearest legal value.
class LegalScales {
public:
  explicit LegalScales(bool take_nearest) : take_nearest_(take_nearest) {}

  struct Exponents {
    std::vector<int> values;
    std::string replaced;  ///< in words; empty: all scales are powers of two
  };
  /// Scales must be finite and above 0.
  Exponents exponents(const Place& place, std::span<const double> scales) const;

  struct Factor {
    int mantissa = 1, exponent = 0;
  };
  /// A constant factor as an integer of at most 'bits' bits times a power of two.
  Factor factor(const Place& place, double value, int bits);

  /// A zero point that is not 0. 'nearest': what is taken for it; 'cost': what that changes.
  void zero_point(const Place& place, double value, const std::string& nearest, const std::string& cost);

  void replace(const Place& place, const std::string& what, const std::string& cost);
  const std::vector<Replacement>& replacements() const { return replacements_; }

private:
  bool take_nearest_;
  std::vector<Replacement> replacements_;
};

}  // namespace shiftsim::quantizer
