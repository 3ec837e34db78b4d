// Where the values and gradients of a unit stand while a part of a batch is computed.
#pragma once

#include <cstddef>
#include <vector>

#include "quantizer/float/mapped_floats.h"
#include "quantizer/plan/plan.h"
#include "quantizer/plan/units.h"

namespace shiftsim::quantizer {

enum class UnitUse {
  kTraining,   ///< all values stay, for the backward pass; gradients live as long as that needs them
  kInference,  ///< values live until their last reader had them, but for those that are kept
};

/// Offsets of a unit's buffers in one block of floats, for 'chunk' images.
class UnitLayout {
public:
  /// 'kept': tensors whose values stay in inference, too, beside the unit's output.
  UnitLayout(const Plan& plan, const Unit& unit, std::size_t chunk, UnitUse use, const std::vector<int>& kept = {});

  /// Of the output of the unit's layer i: before the activation function, after the quantizer, and the gradient with
  /// regard to it. (The gradient of the unit's output is the caller's.)
  std::size_t raw(std::size_t i) const { return offsets_[i]; }
  std::size_t value(std::size_t i) const { return offsets_[layers_ + i]; }
  std::size_t gradient(std::size_t i) const { return offsets_[2 * layers_ + i]; }
  /// Of what layer i adds to the gradient of its input where another reader of the input was there before.
  std::size_t share(std::size_t i) const { return offsets_[3 * layers_ + i]; }
  std::size_t size() const { return size_; }  ///< floats

private:
  std::size_t layers_;
  std::vector<std::size_t> offsets_;
  std::size_t size_ = 0;
};

}  // namespace shiftsim::quantizer
