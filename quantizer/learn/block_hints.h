// The blocks' outputs, held against the float network's, beside the loss of the logits.
#pragma once

#include <cstddef>
#include <vector>

#include "quantizer/learn/unit_model.h"

namespace shiftsim::quantizer {

/// The squared error of each block's output, relative to its variance in the float network (hints, Romero et al. 2015).
class BlockHints {
public:
  /// For chunks of 'chunk' images in 'areas'. 'whole': the unit that is all of the network. 'weight': 0 for no hints.
  BlockHints(const Plan& plan, const Unit& whole, std::size_t chunk, std::size_t areas, double weight);

  /// The tensors that the float network has to keep.
  std::vector<int> tensors() const;
  bool empty() const { return hints_.empty(); }

  /// Takes the variances from the values of 'teacher', slot 0.
  void measure(const UnitModel& teacher);
  /// By layer the gradient with regard to its output, null where there is no hint; empty without hints. 'batch': images
  /// of the whole batch. The teacher's slots are its areas.
  std::vector<const float*> gradients(const UnitModel& student, const UnitModel& teacher, UnitModel::Place at,
                                      std::size_t batch);

private:
  struct Hint {
    int tensor = 0;
    std::size_t layer = 0, size = 0;
    double power = 1;  ///< variance of a value in the float network
  };

  double weight_;
  std::size_t layers_;
  std::vector<Hint> hints_;
  std::vector<std::vector<std::vector<float>>> gradients_;  ///< by area and hint
};

}  // namespace shiftsim::quantizer
