// The constants of a quantized ONNX file: weights and biases with the scales that they were quantized with.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "quantizer/exchange/legal_scales.h"
#include "quantizer/import/graph_builder.h"

namespace onnx {
class ModelProto;
}

namespace shiftsim::quantizer {

/// ONNX element types of a model's constants, by their names.
std::map<std::string, int> constant_types(const onnx::ModelProto& model);

class QuantizedConstants {
public:
  /// 'scales' must outlive it. 'types': constant_types().
  QuantizedConstants(LegalScales& scales, std::map<std::string, int> types)
      : scales_(scales), types_(std::move(types)) {}

  // Each takes a node whose first input is constant, and defines its output.
  bool quantize(const OnnxNode& op, GraphBuilder& graph);
  bool dequantize(const OnnxNode& op, GraphBuilder& graph);
  bool quant(const OnnxNode& op, GraphBuilder& graph);
  bool transpose(const OnnxNode& op, GraphBuilder& graph);

  /// Least and largest code of a QuantizeLinear, from the type of its zero point.
  std::pair<int, int> code_range(const OnnxNode& op) const;

  /// Turns the weights of an imported Conv, Gemm or MatMul into codes, and gives the exponent of each output channel.
  std::vector<int> take_codes(const OnnxNode& op, Node& node);

private:
  /// Of a constant that has been dequantized.
  struct Quantizer {
    std::vector<double> scales;
    std::size_t axis = 0;   ///< along which there is one a channel
    double zero_point = 0;  ///< the first that is not 0
    Place place;            ///< the node that has them
  };

  void define(const OnnxNode& op, GraphBuilder& graph, Constant value, Quantizer quantizer);

  LegalScales& scales_;
  std::map<std::string, int> types_;
  std::unordered_map<std::string, Quantizer> by_value_;
};

/// The range of a QONNX Quant node. Throws UserError where it has not 2 to 'most_bits' bits, or rounds otherwise than
/// to nearest.
std::pair<int, int> quant_range(const OnnxNode& op, int most_bits);

}  // namespace shiftsim::quantizer
