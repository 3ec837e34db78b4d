// An ONNX model while it is written: constants, nodes, and names that are kept apart.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace onnx {
class ModelProto;
class TensorProto;
}  // namespace onnx

namespace shiftsim::quantizer {

/// Integer types of codes. ONNX stores two of 4 bits in a byte, from opset 21 on.
enum class CodeType { kInt8, kUint8, kInt4 };

int smallest_code(CodeType type);
int largest_code(CodeType type);

class OnnxWriter {
public:
  using Dims = std::vector<std::int64_t>;
  using Attribute = std::pair<std::string, std::variant<std::int64_t, Dims, std::string>>;

  /// An operator set that the model uses; "" is ONNX's own.
  struct Opset {
    std::string domain;
    int version;
  };

  OnnxWriter(const std::string& graph_name, const std::vector<Opset>& opsets);
  ~OnnxWriter();

  /// A name for a value that no other value has: 'wanted', or that with a number.
  std::string unique(const std::string& wanted);

  // Each gives the name of the value that it defines. 'dims' empty: a scalar.
  std::string floats(const std::string& name, const Dims& dims, std::span<const float> values);
  std::string ints(const std::string& name, std::span<const std::int64_t> values);
  std::string codes(const std::string& name, const Dims& dims, CodeType type, std::span<const int> values);
  /// Inputs that are left out are empty.
  std::string node(const std::string& type, const std::string& name, const std::vector<std::string>& inputs,
                   const std::string& output, const std::vector<Attribute>& attributes = {},
                   const std::string& domain = "");

  /// Floats; a dimension of 0 is the batch, whose size is open.
  void input(const std::string& name, const Dims& dims);
  void output(const std::string& name, const Dims& dims);
  void metadata(const std::string& key, const std::string& value);

  /// The file's content. Throws UserError where it is larger than a protobuf message may be (2 GB).
  std::string bytes() const;

private:
  onnx::TensorProto& constant(const std::string& name, const Dims& dims, int type);

  std::unique_ptr<onnx::ModelProto> model_;
  std::set<std::string> names_;
};

}  // namespace shiftsim::quantizer
