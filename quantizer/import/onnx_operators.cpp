#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

const std::map<std::string, OperatorImport>& onnx_operators() {
  static const std::map<std::string, OperatorImport> operators = [] {
    std::map<std::string, OperatorImport> all;
    for (const auto& family :
         {activation_operators(), convolution_operators(), elementwise_operators(), layout_operators(),
          normalization_operators(), pooling_operators(), resize_operators(), shape_operators(), view_operators()})
      for (const auto& [name, import] : family) all.emplace(name, import);
    return all;
  }();
  return operators;
}

}  // namespace shiftsim::quantizer
