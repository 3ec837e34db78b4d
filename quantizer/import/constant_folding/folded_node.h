// A node all of whose inputs are constants, as its folding reads it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "quantizer/import/onnx_file.h"

namespace onnx {
class AttributeProto;
class NodeProto;
}  // namespace onnx

namespace shiftsim::quantizer {

/// Keeps references: node, inputs and 'fail' must outlive it.
class FoldedNode {
public:
  /// Optional inputs that are absent are null. 'fail' must throw.
  FoldedNode(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs,
             const std::function<void(const std::string&)>& fail)
      : node_(node), inputs_(inputs), fail_(fail) {}

  const std::string& type() const;
  std::size_t input_count() const { return inputs_.size(); }
  /// An input that must be there.
  const Constant& in(std::size_t index) const;
  /// Null where the node has none of this name.
  const onnx::AttributeProto* attribute(const std::string& name) const;
  std::int64_t attribute_int(const std::string& name, std::int64_t fallback) const;
  /// Integers that older opsets have as an attribute, and newer ones as an input. Empty where there are neither.
  std::vector<std::int64_t> list(const std::string& name, std::size_t index) const;

  /// Raises the caller's error.
  [[noreturn]] void reject(const std::string& message) const;
  /// No weight of a network that fits a machine has more elements.
  void check_size(const std::vector<std::int64_t>& dims) const;

private:
  const onnx::NodeProto& node_;
  const std::vector<const Constant*>& inputs_;
  const std::function<void(const std::string&)>& fail_;
};

std::int64_t element_count(const std::vector<std::int64_t>& dims);

}  // namespace shiftsim::quantizer
