#include "quantizer/exchange/quantized_file.h"

#include <onnx/onnx_pb.h>

#include <set>

#include "common/error.h"
#include "quantizer/exchange/quantized_constants.h"
#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kMostBits = 8;  // of activations

bool is_quant(const OnnxNode& op) {
  const bool domain = op.proto().domain().starts_with("qonnx") || op.proto().domain().starts_with("onnx.brevitas") ||
                      op.proto().domain().starts_with("finn.custom_op");
  return domain && (op.type() == "Quant" || op.type() == "IntQuant");
}

/// An operator that only rearranges an activation.
bool is_view(const OnnxNode& op) {
  const std::string& type = op.type();
  const bool known = type == "Concat" || type == "Slice" || type == "Gather" || type == "Resize" || type == "Upsample";
  return known && !op.is_constant(0);
}

class FileReader {
public:
  FileReader(const onnx::ModelProto& model, bool take_nearest)
      : scales_(take_nearest), constants_(scales_, constant_types(model)) {}

  /// Takes the nodes that quantize.
  bool take(const OnnxNode& op, GraphBuilder& graph) {
    const std::string& type = op.type();
    if (is_quant(op)) return quant(op, graph);
    if (!op.is_standard()) return false;
    if (type == "QuantizeLinear") return op.is_constant(0) ? constants_.quantize(op, graph) : quantize(op, graph);
    if (type == "DequantizeLinear") return op.is_constant(0) ? constants_.dequantize(op, graph) : dequantize(op, graph);
    if (type == "Transpose" && op.is_constant(0)) return constants_.transpose(op, graph);
    if (type == "Conv" || type == "Gemm" || type == "MatMul") return weighted(op, graph);
    if (type == "Min" || type == "Max") return channel_limit(op, graph);
    if (type == "Pad") return pad(op, graph);
    if (type == "Div" && op.input_count() == 2 && op.is_constant(1)) return divide(op, graph);
    if (type == "Cast" && !op.is_constant(0)) return truncate(op, graph);
    if (type == "Gather" && op.is_constant(0) && op.input_count() == 2 && !op.is_constant(1)) return lookup(op, graph);
    if (type == "MaxPool" || is_view(op)) return named(op, graph);
    return false;
  }

  QuantizedGraph finish(Graph graph) {
    result_.graph = std::move(graph);
    result_.scales = std::move(scales_);
    return std::move(result_);
  }

private:
  /// The operator as the importer reads it, under the file's name.
  bool named(const OnnxNode& op, GraphBuilder& graph) {
    const int before = last(graph);
    onnx_operators().at(op.type())(op, graph);
    if (last(graph) != before) result_.labels[last(graph)] = op.label();
    return true;
  }

  /// A quotient is not the product with the reciprocal, in the last place.
  bool divide(const OnnxNode& op, GraphBuilder& graph) {
    if (op.is_constant(0)) return false;
    named(op, graph);
    if (op.constant(1).size() == 1) result_.divisors[last(graph)] = static_cast<float>(op.scalar(1));
    return true;
  }

  /// To integers; other types are the importer's.
  bool truncate(const OnnxNode& op, GraphBuilder& graph) {
    const std::int64_t to = op.attribute_int("to", onnx::TensorProto::UNDEFINED);
    if (to != onnx::TensorProto::INT64 && to != onnx::TensorProto::INT32) return false;
    result_.truncations.insert(add_function(op, graph, op.activation(0)));
    return true;
  }

  /// A function that the caller writes down.
  static int add_function(const OnnxNode& op, GraphBuilder& graph, const Activation& of) {
    Node node;
    node.kind = NodeKind::kFunction;
    node.name = op.layer_name();
    graph.define_elementwise(op, std::move(node), of);
    return last(graph);
  }

  /// An activation that picks entries of a list.
  bool lookup(const OnnxNode& op, GraphBuilder& graph) {
    const Constant& entries = op.floats(0);
    if (entries.dims.size() != 1) op.fail("picks from an array of rank {}, expected 1", entries.dims.size());
    result_.lookups[add_function(op, graph, op.activation(1))] = entries.floats;
    return true;
  }

  bool weighted(const OnnxNode& op, GraphBuilder& graph) {
    if (op.input_count() < 2 || !op.is_constant(1)) return false;
    named(op, graph);
    Node& node = graph.graph().nodes.back();
    result_.weight_exponents[last(graph)] = constants_.take_codes(op, node);
    return true;
  }

  bool quantize(const OnnxNode& op, GraphBuilder& graph) {
    const Activation& x = op.activation(0);
    const auto [low, high] = constants_.code_range(op);
    CodeQuantizer quantizer{low, high, exponents(op, true)};
    if (quantizer.exponents.size() > 1) check_axis(op, graph, x);
    move_to_zero(op, quantizer);
    add_quantizer(op, graph, x, quantizer, op.label());
    return true;
  }

  bool dequantize(const OnnxNode& op, GraphBuilder& graph) {
    const Activation& x = op.activation(0);
    const auto quantizer = result_.quantizers.find(x.node);
    if (quantizer == result_.quantizers.end()) op.fail("dequantizes a value that no node of the file quantizes");
    if (exponents(op, false) != quantizer->second.exponents)
      op.fail("found another scale than that with which the value was quantized");
    if (named_tensors_.insert(x.node).second) result_.labels[x.node] = op.output_name(0);
    graph.define(op, x);
    return true;
  }

  /// QONNX: both in one, of a constant or of an activation.
  bool quant(const OnnxNode& op, GraphBuilder& graph) {
    if (op.is_constant(0)) return constants_.quant(op, graph);
    const auto [low, high] = quant_range(op, kMostBits);
    const CodeQuantizer quantizer{low, high, exponents(op, true)};
    const double zero = op.scalar(2);
    if (zero != 0) scales_.zero_point(Place::of(op), zero, "0", fmt::format("the range moves by {} steps", zero));
    add_quantizer(op, graph, op.activation(0), quantizer, op.output_name(0));
    return true;
  }

  std::vector<int> exponents(const OnnxNode& op, bool report) {
    const Constant& scales = op.floats(1);
    const std::vector<double> values(scales.floats.begin(), scales.floats.end());
    const LegalScales::Exponents legal = scales_.exponents(Place::of(op), values);
    if (report && !legal.replaced.empty()) scales_.replace(Place::of(op), legal.replaced, "the range grows by as much");
    return legal.values;
  }

  void add_quantizer(const OnnxNode& op, GraphBuilder& graph, const Activation& x, const CodeQuantizer& quantizer,
                     const std::string& label) {
    const auto channels = static_cast<std::size_t>(graph.node_of(x).shape.channels);
    if (quantizer.exponents.size() != 1 && quantizer.exponents.size() != channels)
      op.fail("found {} scales, expected 1 or {}, one a channel", quantizer.exponents.size(), channels);
    Node node;
    node.kind = NodeKind::kClamp;
    node.name = op.label();
    graph.define_elementwise(op, std::move(node), x);
    result_.quantizers[last(graph)] = quantizer;
    result_.labels[last(graph)] = label;
  }

  /// Codes around a zero point become codes around 0.
  void move_to_zero(const OnnxNode& op, CodeQuantizer& quantizer) {
    if (!op.has_input(2)) return;
    for (const std::int64_t found : op.ints(2)) {
      const auto zero = static_cast<int>(found);
      if (zero == 0) continue;
      // Unsigned codes around their middle are signed codes, and signed ones from their lowest unsigned.
      const int size = quantizer.high - quantizer.low + 1, from_low = zero - quantizer.low;
      const bool middle = from_low >= size / 4;
      const int nearest = middle ? size / 2 : 0, moved = from_low - nearest;
      const std::string type = fmt::format("{} codes with zero point 0", middle ? "signed" : "unsigned");
      scales_.zero_point(Place::of(op), zero, type,
                         moved == 0 ? "nothing: the same values" : fmt::format("the range moves by {} steps", moved));
      quantizer.low = middle ? -size / 2 : 0;
      quantizer.high = quantizer.low + size - 1;
      break;
    }
  }

  static void check_axis(const OnnxNode& op, const GraphBuilder& graph, const Activation& x) {
    const std::size_t axis = op.axis_index(op.attribute_int("axis", 1), x.dims.size());
    if (x.dims[axis] != one_axis(graph.node_of(x).shape, Axis::kChannel))
      op.fail("found scales along dimension {}, expected the channels", axis);
  }

  /// A bound for each channel; those of one value are the importer's.
  bool channel_limit(const OnnxNode& op, GraphBuilder& graph) {
    if (op.input_count() != 2 || op.is_constant(0) || !op.is_constant(1)) return false;
    const Constant& bounds = op.floats(1);
    if (bounds.size() == 1) return false;
    const Activation& x = op.activation(0);
    const auto channels = static_cast<std::size_t>(graph.node_of(x).shape.channels);
    const std::vector<std::int64_t> expected{1, static_cast<std::int64_t>(channels), 1, 1};
    if (bounds.dims != expected || x.dims != nchw(graph.node_of(x).shape))
      op.fail("found a bound that is neither one value nor one per channel");
    std::vector<Clamp> clamps(channels);
    for (std::size_t c = 0; c < channels; ++c)
      (op.type() == "Min" ? clamps[c].high : clamps[c].low) = static_cast<double>(bounds.floats[c]);
    Node node;
    node.kind = NodeKind::kClamp;
    node.name = op.label();
    graph.define_elementwise(op, std::move(node), x);
    result_.channel_clamps[last(graph)] = std::move(clamps);
    return true;
  }

  /// Padding of a maximum with its lowest value; padding with 0 is the importer's.
  bool pad(const OnnxNode& op, GraphBuilder& graph) {
    const double value = op.has_input(2) ? op.scalar(2) : 0;
    const auto pads = op.attribute_or_input("pads", 1);
    const Activation& x = op.activation(0);
    if (value == 0 || x.dims != nchw(graph.node_of(x).shape) || pads.size() != 8) return false;
    if (op.attribute_string("mode", "constant") != "constant" || pads[0] + pads[1] + pads[4] + pads[5] != 0)
      return false;
    Node node;
    node.kind = NodeKind::kPad;
    node.name = op.label();
    node.inputs = {x.node};
    node.shape = graph.node_of(x).shape;
    node.window.pad_top = op.small(pads[2], 0, "pads");
    node.window.pad_left = op.small(pads[3], 0, "pads");
    node.window.pad_bottom = op.small(pads[6], 0, "pads");
    node.window.pad_right = op.small(pads[7], 0, "pads");
    node.shape.height += node.window.pad_top + node.window.pad_bottom;
    node.shape.width += node.window.pad_left + node.window.pad_right;
    graph.define_map(op, std::move(node));
    result_.pad_values[last(graph)] = value;
    return true;
  }

  static int last(GraphBuilder& graph) { return static_cast<int>(graph.graph().nodes.size()) - 1; }

  LegalScales scales_;
  QuantizedConstants constants_;
  QuantizedGraph result_;
  std::set<int> named_tensors_;
};

}  // namespace

QuantizedGraph read_quantized_file(const std::filesystem::path& file, const ImageSizeOf& image_size,
                                   bool take_nearest) {
  FileReader reader(*load_onnx(file), take_nearest);
  const NodeReader take = [&](const OnnxNode& op, GraphBuilder& graph) { return reader.take(op, graph); };
  return reader.finish(import_onnx_unsimplified(file, image_size, "", take));
}

}  // namespace shiftsim::quantizer
