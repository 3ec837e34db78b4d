#include "quantizer/import/onnx_constants.h"

#include <onnx/onnx_pb.h>

#include <map>

#include "quantizer/import/constant_folding/folds.h"

namespace shiftsim::quantizer {

namespace {

/// All operators that fold, by name.
const std::map<std::string, Constant (*)(const FoldedNode&)>& folds() {
  static const std::map<std::string, Constant (*)(const FoldedNode&)> table = [] {
    std::map<std::string, Constant (*)(const FoldedNode&)> all;
    for (const auto& family : {layout_folds(), list_folds(), value_folds()})
      for (const auto& [name, fold] : family) all.emplace(name, fold);
    return all;
  }();
  return table;
}

}  // namespace

std::optional<Constant> evaluate_constant(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs,
                                          const std::function<void(const std::string&)>& fail) {
  const auto found = folds().find(node.op_type());
  if (inputs.empty() || found == folds().end()) return std::nullopt;
  return found->second(FoldedNode(node, inputs, fail));
}

}  // namespace shiftsim::quantizer
