// One node of an ONNX file as its operator reads it: inputs, attributes, and errors that say which node it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "quantizer/import/onnx_value.h"

namespace onnx {
class AttributeProto;
class NodeProto;
}  // namespace onnx

namespace shiftsim::quantizer {

/// All readers throw UserError naming file, node and operator where the file has something else than they ask for.
class OnnxNode {
public:
  /// All three must outlive it. 'values': what the nodes before it, the initializers and the input define.
  OnnxNode(const onnx::NodeProto& proto, const std::filesystem::path& file, const Values& values)
      : proto_(proto), file_(file), values_(values) {}

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    shiftsim::fail("{}: node '{}' ({}): {}", file_.string(), label(), type(),
                   fmt::format(format, std::forward<Args>(args)...));
  }

  const onnx::NodeProto& proto() const { return proto_; }
  const std::filesystem::path& file() const { return file_; }
  /// The operator: "Conv".
  const std::string& type() const;
  /// Whether the operator is ONNX's own.
  bool is_standard() const;
  /// The node's name, else that of what it computes.
  std::string label() const;
  /// A readable name: the module path where input 'weight_input' carries one ("layer1.0.conv1.weight"), else the
  /// node's own. -1: none does.
  std::string layer_name(int weight_input = -1) const;

  int input_count() const;
  const std::string& input_name(int index) const;
  int output_count() const;
  /// Empty where there is no such output.
  const std::string& output_name(int index) const;

  bool has_input(int index) const;
  bool is_constant(int index) const;
  const Constant& constant(int index) const;
  /// A constant of finite floats.
  const Constant& floats(int index) const;
  const std::vector<std::int64_t>& ints(int index) const;
  /// A constant of one value.
  double scalar(int index) const;
  const Activation& activation(int index) const;

  /// Null where the node has none of this name.
  const onnx::AttributeProto* attribute(const std::string& name) const;
  std::int64_t attribute_int(const std::string& name, std::int64_t fallback) const;
  double attribute_float(const std::string& name, double fallback) const;
  std::string attribute_string(const std::string& name, const std::string& fallback) const;
  std::vector<std::int64_t> attribute_ints(const std::string& name, std::vector<std::int64_t> fallback) const;
  /// Empty where the node has none of this name.
  std::vector<float> attribute_floats(const std::string& name) const;
  /// An integer list that older opsets give as an attribute and newer ones as an input; empty if neither is there.
  std::vector<std::int64_t> attribute_or_input(const std::string& name, int index) const;

  /// 'value', which must lie in [low, kLargestSize]; 'what' names it.
  int small(std::int64_t value, std::int64_t low, const char* what) const;
  /// An axis number that may count from the end.
  std::size_t axis_index(std::int64_t axis, std::size_t rank) const;

private:
  const Value& input(int index) const;

  const onnx::NodeProto& proto_;
  const std::filesystem::path& file_;
  const Values& values_;
};

}  // namespace shiftsim::quantizer
