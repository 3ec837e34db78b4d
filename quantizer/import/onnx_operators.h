// The ONNX operators that can be imported. A new one is a function in its family's file of operators/, and a line in
// that family's table.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "quantizer/import/graph_builder.h"

namespace shiftsim::quantizer {

/// Appends what 'op' computes to the graph, and defines its output. Throws UserError naming the node.
using OperatorImport = void (*)(const OnnxNode& op, GraphBuilder& graph);

struct OnnxOperator {
  const char* name;  ///< as ONNX has it
  OperatorImport import;
};

using OnnxOperators = std::vector<OnnxOperator>;

/// Softmax, LogSoftmax and Sigmoid at the network's output: left out, as the largest logit stays the largest.
void at_output(const OnnxNode& op, GraphBuilder& graph);
/// An operator other than Add on two activations of one shape: a node of kind kElementwise.
void of_two_activations(const OnnxNode& op, GraphBuilder& graph);

OnnxOperators activation_operators();
OnnxOperators convolution_operators();  ///< linear layers among them
OnnxOperators elementwise_operators();
OnnxOperators layout_operators();
OnnxOperators normalization_operators();
OnnxOperators pooling_operators();
OnnxOperators shape_operators();   ///< constants and shape arithmetic
OnnxOperators resize_operators();  ///< pixels repeated
OnnxOperators view_operators();    ///< joined and sliced along channels, height or width; channels reordered

/// All of them, by name.
const std::map<std::string, OperatorImport>& onnx_operators();

}  // namespace shiftsim::quantizer
