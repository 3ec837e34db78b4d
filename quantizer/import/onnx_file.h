// ONNX files: the model, and its tensors as plain arrays.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace onnx {
class ModelProto;
class TensorProto;
}  // namespace onnx

namespace shiftsim::quantizer {

/// A constant tensor. Float types (float32, float16, bfloat16, double) stand in 'floats', integer types in 'ints'.
struct Constant {
  std::vector<std::int64_t> dims;
  std::vector<float> floats;
  std::vector<std::int64_t> ints;
  bool is_float = true;

  std::size_t size() const { return is_float ? floats.size() : ints.size(); }
  /// Appends one element of a constant of the same type.
  void append(const Constant& from, std::size_t place) {
    if (from.is_float)
      floats.push_back(from.floats[place]);
    else
      ints.push_back(from.ints[place]);
  }
};

/// Parses FILE. Throws UserError if it is missing, is not an ONNX model, is truncated or has an opset outside 7..25.
std::unique_ptr<onnx::ModelProto> load_onnx(const std::filesystem::path& file);

/// One tensor's content; external data is read from beside 'model_file'. Throws UserError naming the tensor: a type
/// that is not supported, or data of another size than its dimensions say.
Constant read_tensor(const onnx::TensorProto& tensor, const std::filesystem::path& model_file);

/// IEEE 754 half precision to float.
float half_to_float(std::uint16_t bits);

}  // namespace shiftsim::quantizer
