// Small ONNX models, made through protobuf.
#pragma once

#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <random>
#include <string>
#include <variant>
#include <vector>

namespace shiftsim::quantizer {

using Ints = std::vector<std::int64_t>;
using AttributeValue = std::variant<std::int64_t, float, std::string, Ints>;
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

class OnnxBuilder {
public:
  explicit OnnxBuilder(int opset = 13) {
    model.set_ir_version(7);
    model.add_opset_import()->set_version(opset);
    model.mutable_graph()->set_name("test");
  }

  /// Sizes below 1 are symbolic.
  void input(const std::string& name, const Ints& dims) {
    auto* type = model.mutable_graph()->add_input();
    type->set_name(name);
    auto* tensor = type->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(onnx::TensorProto::FLOAT);
    for (const auto size : dims) {
      auto* dim = tensor->mutable_shape()->add_dim();
      if (size > 0)
        dim->set_dim_value(size);
      else
        dim->set_dim_param("N");
    }
  }

  void output(const std::string& name) { model.mutable_graph()->add_output()->set_name(name); }

  onnx::TensorProto& floats(const std::string& name, const Ints& dims, const std::vector<float>& values) {
    auto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const auto size : dims) tensor.add_dims(size);
    tensor.set_raw_data(values.data(), values.size() * sizeof(float));
    return tensor;
  }

  /// Normally distributed values.
  std::vector<float> random(const std::string& name, const Ints& dims, float deviation = 0.3f, float mean = 0) {
    std::size_t count = 1;
    for (const auto size : dims) count *= static_cast<std::size_t>(size);
    std::normal_distribution<float> distribution(mean, deviation);
    std::vector<float> values(count);
    for (float& value : values) value = distribution(generator);
    floats(name, dims, values);
    return values;
  }

  void ints(const std::string& name, const Ints& dims, const Ints& values) {
    auto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::INT64);
    for (const auto size : dims) tensor.add_dims(size);
    for (const auto value : values) tensor.add_int64_data(value);
  }

  onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                        const Attributes& attributes = {}) {
    auto& result = *model.mutable_graph()->add_node();
    result.set_op_type(op);
    result.set_name(op + "_" + output);
    for (const auto& input : inputs) result.add_input(input);
    result.add_output(output);
    for (const auto& [name, value] : attributes) {
      auto& attribute = *result.add_attribute();
      attribute.set_name(name);
      if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        attribute.set_type(onnx::AttributeProto::INT);
        attribute.set_i(*integer);
      } else if (const auto* number = std::get_if<float>(&value)) {
        attribute.set_type(onnx::AttributeProto::FLOAT);
        attribute.set_f(*number);
      } else if (const auto* text = std::get_if<std::string>(&value)) {
        attribute.set_type(onnx::AttributeProto::STRING);
        attribute.set_s(*text);
      } else {
        attribute.set_type(onnx::AttributeProto::INTS);
        for (const auto element : std::get<Ints>(value)) attribute.add_ints(element);
      }
    }
    return result;
  }

  /// A convolution with random weights (and bias), and BatchNormalization with random statistics behind it where
  /// 'norm'.
  void conv(const std::string& x, const std::string& y, int in, int out, int kernel, int groups = 1,
            Attributes attributes = {}, bool norm = true, bool bias = false) {
    const int fan = in / groups * kernel * kernel;
    const float spread = 1.4f / std::sqrt(static_cast<float>(fan));
    random(y + ".weight", {out, in / groups, kernel, kernel}, spread);
    std::vector<std::string> inputs{x, y + ".weight"};
    if (bias) {
      random(y + ".bias", {out}, 0.2f);
      inputs.push_back(y + ".bias");
    }
    attributes.emplace_back("group", std::int64_t{groups});
    node("Conv", inputs, norm ? y + "_raw" : y, attributes);
    if (norm) batch_norm(y + "_raw", y, out);
  }

  void batch_norm(const std::string& x, const std::string& y, int channels) {
    random(y + "_bn.weight", {channels}, 0.2f, 1.0f);
    random(y + "_bn.bias", {channels}, 0.2f);
    random(y + "_bn.mean", {channels}, 0.2f);
    std::uniform_real_distribution<float> positive(0.5f, 1.5f);
    std::vector<float> variance(static_cast<std::size_t>(channels));
    for (float& value : variance) value = positive(generator);
    floats(y + "_bn.var", {channels}, variance);
    node("BatchNormalization", {x, y + "_bn.weight", y + "_bn.bias", y + "_bn.mean", y + "_bn.var"}, y);
  }

  std::string bytes() const { return model.SerializeAsString(); }

  std::filesystem::path save(const std::filesystem::path& file) const {
    std::ofstream(file, std::ios::binary) << bytes();
    return file;
  }

  onnx::ModelProto model;
  std::mt19937 generator{1};
};

}  // namespace shiftsim::quantizer
