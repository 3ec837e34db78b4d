// Which output of an ONNX file is meant.
#pragma once

#include <filesystem>
#include <string>

namespace onnx {
class GraphProto;
}

namespace shiftsim::quantizer {

/// Leaves in the graph the output 'wanted', or the only one where it is empty, with the nodes and inputs that it needs.
/// 'wanted' may be any value that a node computes. Throws UserError: several outputs and none chosen; no such value.
void select_output(onnx::GraphProto& graph, const std::string& wanted, const std::filesystem::path& file);

}  // namespace shiftsim::quantizer
