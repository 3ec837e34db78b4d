// Which widths a recipe gives to the layers and tensors of a plan.
#pragma once

#include <string>

#include "quantizer/plan/plan.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// Sets bits and the reason for them ('policy').
class PlannedWidths {
public:
  /// 'recipe' must outlive it.
  explicit PlannedWidths(const Recipe& recipe) : recipe_(recipe) {}

  /// Of a layer with weights. 'fixed': made from something without weights. 'last': it gives the logits.
  void set_weights(PlannedLayer& layer, bool fixed, bool last) const;
  /// Of what a layer with weights makes. 'shortcut': only additions read it.
  void set_output(const PlannedLayer& layer, bool shortcut, PlannedTensor& tensor) const;
  /// Of a sum over the pixels of 'in'.
  void set_sum(const PlannedLayer& layer, const PlannedTensor& in, PlannedTensor& tensor) const;

  /// The output of a layer whose table stands behind its clamp: the table's index. Throws UserError where the recipe
  /// wants other bits for it.
  void set_table_input(const PlannedLayer& layer, const std::string& where, PlannedTensor& tensor) const;
  /// Where a function of each value stands.
  struct FunctionPlace {
    bool of_signed = false;  ///< its input is signed
    bool shortcut = false;   ///< as of set_output()
    bool stem = false;       ///< it is the activation function of the layer that reads the image
  };
  /// Of what a function of each value makes.
  void set_function(const PlannedLayer& layer, const FunctionPlace& place, PlannedTensor& tensor) const;

  /// Throws UserError naming 'where' for a layer of the recipe that the plan has not.
  void check_names(const Plan& plan, const std::string& where) const;

private:
  const LayerOverride* override_of(const std::string& layer) const;
  void override_output(const std::string& layer, PlannedTensor& tensor) const;

  const Recipe& recipe_;
};

}  // namespace shiftsim::quantizer
