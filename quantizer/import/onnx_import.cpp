#include "quantizer/import/onnx_import.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "quantizer/import/onnx_constants.h"
#include "quantizer/import/onnx_file.h"
#include "quantizer/import/onnx_operators.h"
#include "quantizer/import/onnx_output.h"
#include "quantizer/import/simplify.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

/// Whether the first thing done to the input is to bring it from N x H x W x C to N x C x H x W.
bool transposed_to_nchw(const onnx::GraphProto& source, const std::string& name) {
  for (const auto& node : source.node()) {
    if (node.input_size() == 0 || node.input(0) != name) continue;
    for (const auto& attribute : node.attribute()) {
      const std::vector<std::int64_t> order(attribute.ints().begin(), attribute.ints().end());
      if (node.op_type() == "Transpose" && order == std::vector<std::int64_t>{0, 3, 1, 2}) return true;
    }
    return false;
  }
  return false;
}

/// Convolutions read N x C x H x W, so without a transposition the input is that, whatever its sizes are.
bool convolves_as_it_is(const onnx::GraphProto& source) {
  const auto has = [&](const char* type) {
    return std::any_of(source.node().begin(), source.node().end(),
                       [&](const onnx::NodeProto& node) { return node.op_type() == type; });
  };
  return has("Conv") && !has("Transpose");
}

/// The only input that no initializer defines.
const onnx::ValueInfoProto& find_input(const onnx::GraphProto& source, const fs::path& file, const Values& values) {
  std::vector<const onnx::ValueInfoProto*> inputs;
  for (const auto& candidate : source.input())
    if (!values.contains(candidate.name())) inputs.push_back(&candidate);
  if (inputs.size() != 1) fail("{}: {} inputs, expected one (the image)", file.string(), inputs.size());
  const onnx::ValueInfoProto& info = *inputs[0];
  const auto& type = info.type();
  if (!type.has_tensor_type() || !type.tensor_type().has_shape())
    fail("{}: input '{}' has no shape, expected batch x channels x height x width", file.string(), info.name());
  using Proto = onnx::TensorProto;
  const int element = type.tensor_type().elem_type();
  if (element != Proto::FLOAT && element != Proto::FLOAT16)
    fail("{}: input '{}' has the element type {}, expected FLOAT or FLOAT16", file.string(), info.name(),
         Proto::DataType_IsValid(element) ? Proto::DataType_Name(static_cast<Proto::DataType>(element))
                                          : std::to_string(element));
  return info;
}

/// Sizes of the input's dimensions behind the batch. 0: left open.
std::vector<std::int64_t> input_sizes(const onnx::ValueInfoProto& info, const fs::path& file) {
  const auto& dims = info.type().tensor_type().shape().dim();
  if (dims.size() < 2 || dims.size() > 4)
    fail("{}: input '{}' has {} dimensions, expected 4 (batch x channels x height x width), or 2 or 3 (batch x values)",
         file.string(), info.name(), dims.size());
  std::vector<std::int64_t> sizes;
  for (int i = 1; i < dims.size(); ++i) {
    const std::int64_t size = dims.Get(i).has_dim_value() ? dims.Get(i).dim_value() : 0;
    if (size < 0 || size > kLargestSize) fail("{}: input '{}' has a dimension of {}", file.string(), info.name(), size);
    sizes.push_back(size);
  }
  return sizes;
}

[[noreturn]] void open_size(const onnx::ValueInfoProto& info, const fs::path& file, std::size_t dimension,
                            const char* expected) {
  const auto& dim = info.type().tensor_type().shape().dim(static_cast<int>(dimension));
  fail("{}: input '{}' has no fixed size in dimension {} ({}): {}", file.string(), info.name(), dimension,
       dim.dim_param().empty() ? "0" : dim.dim_param(), expected);
}

/// A flat input: K values, in the order in which an image's pixels stand.
Activation flat_input(const onnx::ValueInfoProto& info, const fs::path& file, const std::vector<std::int64_t>& sizes,
                      GraphBuilder& graph) {
  Node node;
  node.name = info.name();
  node.kind = NodeKind::kInput;
  std::vector<Dim> dims{{Axis::kBatch}};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) open_size(info, file, i + 1, "export it with a fixed number of values");
    if (sizes[i] > 1 && node.shape.channels > 1)
      fail("{}: input '{}' has the dimensions [batch, {}], expected one of them to be the values and the others 1",
           file.string(), info.name(), join(sizes));
    node.shape.channels = std::max(node.shape.channels, static_cast<int>(sizes[i]));
    dims.push_back(sizes[i] > 1 ? Dim{Axis::kChannel} : Dim{});
  }
  return {graph.append(std::move(node)), dims};
}

Activation image_input(const onnx::GraphProto& source, const onnx::ValueInfoProto& info, const fs::path& file,
                       std::vector<std::int64_t> sizes, const ImageSizeOf& image_size, GraphBuilder& graph) {
  const auto is_colour = [](std::int64_t size) { return size == 1 || size == 3; };
  const bool looks_nhwc = !is_colour(sizes[0]) && is_colour(sizes[2]) && !convolves_as_it_is(source);
  const bool nhwc = transposed_to_nchw(source, info.name()) || looks_nhwc;
  const std::size_t channels = nhwc ? 2 : 0, height = nhwc ? 0 : 1, width = nhwc ? 1 : 2;
  if (sizes[channels] == 0) open_size(info, file, channels + 1, "export it with a fixed number of channels");
  if (sizes[height] == 0 || sizes[width] == 0) {
    if (!image_size)
      open_size(info, file, (sizes[height] == 0 ? height : width) + 1,
                "give --input-shape, or export it with a fixed image size");
    const ImageSize size = image_size(static_cast<int>(sizes[channels]));
    if (sizes[height] == 0) sizes[height] = size.height;
    if (sizes[width] == 0) sizes[width] = size.width;
  }
  Node node;
  node.name = info.name();
  node.kind = NodeKind::kInput;
  node.shape = {static_cast<int>(sizes[channels]), static_cast<int>(sizes[height]), static_cast<int>(sizes[width])};
  const Shape shape = node.shape;
  Activation value{graph.append(std::move(node)), nchw(shape)};
  if (nhwc) std::rotate(value.dims.begin() + 1, value.dims.begin() + 2, value.dims.end());
  return value;
}

void add_input(const onnx::GraphProto& source, const fs::path& file, const ImageSizeOf& image_size,
               GraphBuilder& graph) {
  const onnx::ValueInfoProto& info = find_input(source, file, graph.values());
  const std::vector<std::int64_t> sizes = input_sizes(info, file);
  const Activation value = sizes.size() == 3 ? image_input(source, info, file, sizes, image_size, graph)
                                             : flat_input(info, file, sizes, graph);
  const auto channels = static_cast<std::size_t>(graph.node_of(value).shape.channels);
  graph.graph().input_scale.assign(channels, 1.0f);
  graph.graph().input_shift.assign(channels, 0.0f);
  graph.values()[info.name()] = value;
}

/// Computes a node all of whose inputs are constants (shape arithmetic, reshaped weights); false if it is none.
bool fold_constant(const OnnxNode& op, GraphBuilder& graph) {
  std::vector<const Constant*> inputs;
  for (int i = 0; i < op.input_count(); ++i) {
    if (!op.has_input(i)) {
      inputs.push_back(nullptr);
      continue;
    }
    if (!op.is_constant(i)) return false;
    inputs.push_back(&op.constant(i));
  }
  auto result = evaluate_constant(op.proto(), inputs, [&](const std::string& message) { op.fail("{}", message); });
  if (!result) return false;
  graph.define(op, std::move(*result));
  return true;
}

void import_node(const OnnxNode& op, GraphBuilder& graph) {
  // Names of layers stand in YAML and JSON.
  if (const std::string label = op.label(); !is_utf8(label))
    fail("{}: node '{}' ({}): its name is not UTF-8", op.file().string(), ascii_only(label), op.type());
  if (op.is_standard() && op.type() != "Constant" && fold_constant(op, graph)) return;
  const auto& operators = onnx_operators();
  const auto found = operators.find(op.type());
  if (op.type() == "QuantizeLinear" || op.type() == "DequantizeLinear" || op.type() == "Quant")
    fail(
        "{}: node '{}' ({}): the file is quantized, expected a float network; --import-quantized reads a network that "
        "is quantized throughout",
        op.file().string(), op.label(), op.type());
  if (!op.is_standard() || found == operators.end()) {
    std::vector<std::string> known;
    known.reserve(operators.size());
    for (const auto& [name, import] : operators) known.push_back(name);
    fail("{}: node '{}': operator '{}{}{}' is not supported (supported: {})", op.file().string(), op.label(),
         op.proto().domain(), op.is_standard() ? "" : "::", op.type(), join(known));
  }
  found->second(op, graph);
}

/// The graph up to the only output.
Graph finish(const onnx::GraphProto& source, const fs::path& file, GraphBuilder& graph) {
  const auto found = graph.values().find(source.output(0).name());
  if (found == graph.values().end() || !std::holds_alternative<Activation>(found->second))
    fail("{}: no node computes the output '{}'", file.string(), source.output(0).name());
  const int last = std::get<Activation>(found->second).node;
  graph.graph().nodes.resize(static_cast<std::size_t>(last) + 1);  // later nodes feed only other outputs
  return std::move(graph.graph());
}

/// The logit of class 1 stays; class 0 gets the logit 0. Where both are equal class 0 wins, as one half is not above
/// one half.
void make_two_classes(Graph& graph, const fs::path& file) {
  Node& last = graph.nodes.back();
  if (last.kind != NodeKind::kConv || last.shape.channels != 1 || last.fixed_weights)
    fail("{}: node '{}' gives the only logit, expected a linear layer", file.string(), last.name);
  last.shape.channels = 2;
  last.weight.insert(last.weight.begin(), last.weight.size(), 0.0f);
  last.bias.insert(last.bias.begin(), 0.0f);
  last.bias.resize(2);
}

}  // namespace

Graph import_onnx_unsimplified(const fs::path& file, const ImageSizeOf& image_size, const std::string& output_tensor,
                               const NodeReader& reader) {
  const std::unique_ptr<onnx::ModelProto> model = load_onnx(file);
  select_output(*model->mutable_graph(), output_tensor, file);
  const onnx::GraphProto& source = model->graph();
  std::set<std::string> outputs;
  for (const auto& output : source.output()) outputs.insert(output.name());
  GraphBuilder graph(file.stem().string(), std::move(outputs));
  for (const auto& tensor : source.initializer()) graph.values()[tensor.name()] = read_tensor(tensor, file);
  if (source.sparse_initializer_size() > 0) fail("{}: sparse initializers are not supported", file.string());
  add_input(source, file, image_size, graph);
  for (const auto& node : source.node()) {
    const OnnxNode op(node, file, graph.values());
    if (!reader || !reader(op, graph)) import_node(op, graph);
  }
  return finish(source, file, graph);
}

Graph import_onnx(const fs::path& file, const ImageSizeOf& image_size, const std::string& output_tensor) {
  Graph graph = simplify(import_onnx_unsimplified(file, image_size, output_tensor), file.string());
  if (graph.single_logit) make_two_classes(graph, file);
  return graph;
}

}  // namespace shiftsim::quantizer
