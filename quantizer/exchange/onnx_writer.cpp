#include "quantizer/exchange/onnx_writer.h"

#include <onnx/onnx_pb.h>

#include "common/error.h"
#include "common/version.h"

namespace shiftsim::quantizer {

namespace {

// Of ONNX 1.16, which is newer than the header that is used here.
constexpr int kProtoInt4 = 22;

int proto_type(CodeType type) {
  switch (type) {
    case CodeType::kInt8:
      return onnx::TensorProto::INT8;
    case CodeType::kUint8:
      return onnx::TensorProto::UINT8;
    case CodeType::kInt4:
      return kProtoInt4;
  }
  return onnx::TensorProto::UNDEFINED;
}

/// The least IR version whose files may use an opset.
int ir_version(int opset) {
  return opset >= 21 ? 10 : 7;
}

void describe(onnx::ValueInfoProto& value, const std::string& name, const OnnxWriter::Dims& dims) {
  value.set_name(name);
  auto* tensor = value.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t size : dims) {
    auto* dim = tensor->mutable_shape()->add_dim();
    if (size > 0)
      dim->set_dim_value(size);
    else
      dim->set_dim_param("batch");
  }
}

}  // namespace

int smallest_code(CodeType type) {
  if (type == CodeType::kUint8) return 0;
  return type == CodeType::kInt4 ? -8 : -128;
}

int largest_code(CodeType type) {
  if (type == CodeType::kUint8) return 255;
  return type == CodeType::kInt4 ? 7 : 127;
}

OnnxWriter::OnnxWriter(const std::string& graph_name, const std::vector<Opset>& opsets)
    : model_(std::make_unique<onnx::ModelProto>()) {
  model_->set_producer_name("quantrun");
  model_->set_producer_version(version());
  model_->mutable_graph()->set_name(graph_name);
  for (const Opset& opset : opsets) {
    auto* entry = model_->add_opset_import();
    entry->set_domain(opset.domain);
    entry->set_version(opset.version);
    if (opset.domain.empty()) model_->set_ir_version(ir_version(opset.version));
  }
}

OnnxWriter::~OnnxWriter() = default;

std::string OnnxWriter::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; !names_.insert(name).second; ++number) name = fmt::format("{}_{}", wanted, number);
  return name;
}

onnx::TensorProto& OnnxWriter::constant(const std::string& name, const Dims& dims, int type) {
  auto& tensor = *model_->mutable_graph()->add_initializer();
  tensor.set_name(unique(name));
  tensor.set_data_type(type);
  for (const std::int64_t size : dims) tensor.add_dims(size);
  return tensor;
}

std::string OnnxWriter::floats(const std::string& name, const Dims& dims, std::span<const float> values) {
  auto& tensor = constant(name, dims, onnx::TensorProto::FLOAT);
  tensor.set_raw_data(values.data(), values.size_bytes());
  return tensor.name();
}

std::string OnnxWriter::ints(const std::string& name, std::span<const std::int64_t> values) {
  auto& tensor = constant(name, {static_cast<std::int64_t>(values.size())}, onnx::TensorProto::INT64);
  tensor.set_raw_data(values.data(), values.size_bytes());
  return tensor.name();
}

std::string OnnxWriter::codes(const std::string& name, const Dims& dims, CodeType type, std::span<const int> values) {
  const bool halves = type == CodeType::kInt4;
  std::string raw(halves ? (values.size() + 1) / 2 : values.size(), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int value = values[i];
    SHIFTSIM_CHECK(value >= smallest_code(type) && value <= largest_code(type), "{}: code {}", name, value);
    if (halves) {
      const int nibble = (value & 15) << (i % 2 == 0 ? 0 : 4);
      raw[i / 2] = static_cast<char>(static_cast<unsigned char>(raw[i / 2]) | nibble);
    } else {
      raw[i] = static_cast<char>(value);
    }
  }
  auto& tensor = constant(name, dims, proto_type(type));
  tensor.set_raw_data(raw);
  return tensor.name();
}

std::string OnnxWriter::node(const std::string& type, const std::string& name, const std::vector<std::string>& inputs,
                             const std::string& output, const std::vector<Attribute>& attributes,
                             const std::string& domain) {
  auto& node = *model_->mutable_graph()->add_node();
  node.set_op_type(type);
  node.set_domain(domain);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  for (const auto& [key, value] : attributes) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(key);
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      attribute.set_type(onnx::AttributeProto::INT);
      attribute.set_i(*number);
    } else if (const auto* list = std::get_if<Dims>(&value)) {
      attribute.set_type(onnx::AttributeProto::INTS);
      for (const std::int64_t element : *list) attribute.add_ints(element);
    } else {
      attribute.set_type(onnx::AttributeProto::STRING);
      attribute.set_s(std::get<std::string>(value));
    }
  }
  return output;
}

void OnnxWriter::input(const std::string& name, const Dims& dims) {
  describe(*model_->mutable_graph()->add_input(), name, dims);
}

void OnnxWriter::output(const std::string& name, const Dims& dims) {
  describe(*model_->mutable_graph()->add_output(), name, dims);
}

void OnnxWriter::metadata(const std::string& key, const std::string& value) {
  auto& entry = *model_->add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

std::string OnnxWriter::bytes() const {
  std::string content;
  if (model_->ByteSizeLong() >= (std::size_t{1} << 31) || !model_->SerializeToString(&content))
    fail("{}: the ONNX model is larger than 2 GB", model_->graph().name());
  return content;
}

}  // namespace shiftsim::quantizer
