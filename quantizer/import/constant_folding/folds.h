// The operators that are computed while a file is imported, where all their inputs are constants. A new one is a
// function in its family's file, and a line in that family's table.
#pragma once

#include <vector>

#include "quantizer/import/constant_folding/folded_node.h"

namespace shiftsim::quantizer {

struct Fold {
  const char* name;                     ///< of the operator, as ONNX has it
  Constant (*fold)(const FoldedNode&);  ///< calls reject() where this use of the operator is not known
};

std::vector<Fold> layout_folds();  ///< the same elements in other dimensions or another order
std::vector<Fold> list_folds();    ///< shapes, and lists with what is taken from them
std::vector<Fold> value_folds();   ///< new values, element by element

}  // namespace shiftsim::quantizer
