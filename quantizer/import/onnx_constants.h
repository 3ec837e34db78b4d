// Constant folding: the small shape and weight arithmetic that exporters leave in a model.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "quantizer/import/onnx_file.h"

namespace onnx {
class NodeProto;
}

namespace shiftsim::quantizer {

/// The result of a node all of whose inputs are constants (absent optional ones are null), where the operator is one of
/// constant_folding/folds.h. Nothing for another operator. 'fail' is called with a message (and must throw) where the
/// operator is known but this use of it is not.
std::optional<Constant> evaluate_constant(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs,
                                          const std::function<void(const std::string&)>& fail);

}  // namespace shiftsim::quantizer
