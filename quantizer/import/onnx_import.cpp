#include "quantizer/import/onnx_import.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <variant>

#include "common/error.h"
#include "common/log.h"
#include "common/text.h"
#include "quantizer/import/onnx_constants.h"
#include "quantizer/import/onnx_file.h"
#include "quantizer/import/simplify.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

/// The largest map, channel count or kernel taken: keeps products of sizes far from overflow.
constexpr std::int64_t kLargestSize = 1 << 20;

enum class Axis { kBatch, kChannel, kHeight, kWidth };

/// One dimension of an ONNX tensor: the axes of the activation that it runs over, slowest first. Axes of size 1 are
/// left out (where they stand makes no difference), so a dimension of size 1 is empty.
using Dim = std::vector<Axis>;

/// An activation as an ONNX tensor: which node computes it, and how the exporter has laid it out at this point. Layout
/// operators (Transpose, Flatten, Reshape, ...) only change 'dims'.
struct Activation {
  int node = -1;
  std::vector<Dim> dims;
};

using Value = std::variant<Constant, Activation>;

int axis_size(const Shape& shape, Axis axis) {
  switch (axis) {
    case Axis::kChannel:
      return shape.channels;
    case Axis::kHeight:
      return shape.height;
    case Axis::kWidth:
      return shape.width;
    case Axis::kBatch:
      break;
  }
  return -1;
}

Dim one_axis(const Shape& shape, Axis axis) {
  return axis_size(shape, axis) == 1 ? Dim{} : Dim{axis};
}

std::vector<Dim> nchw(const Shape& shape) {
  return {
      {Axis::kBatch}, one_axis(shape, Axis::kChannel), one_axis(shape, Axis::kHeight), one_axis(shape, Axis::kWidth)};
}

class Importer {
public:
  explicit Importer(const fs::path& file) : file_(file), model_(load_onnx(file)) {}

  Graph run() {
    const onnx::GraphProto& source = model_->graph();
    graph_.name = file_.stem().string();
    for (const auto& tensor : source.initializer()) values_[tensor.name()] = read_tensor(tensor, file_);
    if (source.sparse_initializer_size() > 0) fail("{}: sparse initializers are not supported", file_.string());
    add_input(source);
    for (const auto& node : source.node()) import(node);
    finish(source);
    return std::move(graph_);
  }

private:
  // ---- the node at hand: inputs, attributes, errors ----

  template <typename... Args>
  [[noreturn]] void fail_here(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: node '{}' ({}): {}", file_.string(), node_label(), node_->op_type(),
         fmt::format(format, std::forward<Args>(args)...));
  }

  std::string node_label() const {
    if (!node_->name().empty()) return node_->name();
    return node_->output_size() > 0 ? node_->output(0) : "(no name)";
  }

  bool has_input(int index) const { return index < node_->input_size() && !node_->input(index).empty(); }

  const Value& input(int index) const {
    if (!has_input(index)) fail_here("input {} is missing", index);
    const auto found = values_.find(node_->input(index));
    if (found == values_.end())
      fail_here("reads '{}', which no earlier node, initializer or input defines", node_->input(index));
    return found->second;
  }

  bool is_constant(int index) const { return std::holds_alternative<Constant>(input(index)); }

  const Constant& constant(int index) const {
    if (const auto* value = std::get_if<Constant>(&input(index))) return *value;
    fail_here("input {} ('{}') must be constant", index, node_->input(index));
  }

  const Constant& floats(int index) const {
    const Constant& value = constant(index);
    if (!value.is_float) fail_here("input {} ('{}') holds integers, expected floats", index, node_->input(index));
    for (const float x : value.floats)
      if (!std::isfinite(x)) fail_here("input {} ('{}') holds a value that is not finite", index, node_->input(index));
    return value;
  }

  const std::vector<std::int64_t>& ints(int index) const {
    const Constant& value = constant(index);
    if (value.is_float) fail_here("input {} ('{}') holds floats, expected integers", index, node_->input(index));
    return value.ints;
  }

  const Activation& activation(int index) const {
    if (const auto* value = std::get_if<Activation>(&input(index))) return *value;
    fail_here("input {} ('{}') is a constant, expected an activation", index, node_->input(index));
  }

  const onnx::AttributeProto* attribute(const std::string& name) const {
    for (const auto& candidate : node_->attribute())
      if (candidate.name() == name) return &candidate;
    return nullptr;
  }

  std::int64_t attribute_int(const std::string& name, std::int64_t fallback) const {
    const auto* found = attribute(name);
    return found != nullptr ? found->i() : fallback;
  }

  double attribute_float(const std::string& name, double fallback) const {
    const auto* found = attribute(name);
    return found != nullptr ? static_cast<double>(found->f()) : fallback;
  }

  std::string attribute_string(const std::string& name, const std::string& fallback) const {
    const auto* found = attribute(name);
    return found != nullptr ? found->s() : fallback;
  }

  std::vector<std::int64_t> attribute_ints(const std::string& name, std::vector<std::int64_t> fallback) const {
    const auto* found = attribute(name);
    if (found == nullptr) return fallback;
    return {found->ints().begin(), found->ints().end()};
  }

  /// An integer list that older opsets give as an attribute and newer ones as an input; empty if neither is there.
  std::vector<std::int64_t> attribute_or_input(const std::string& name, int index) const {
    return has_input(index) ? ints(index) : attribute_ints(name, {});
  }

  int small(std::int64_t value, std::int64_t low, const char* what) const {
    if (value < low || value > kLargestSize) fail_here("{} is {}, expected {} to {}", what, value, low, kLargestSize);
    return static_cast<int>(value);
  }

  /// An axis number that may count from the end.
  std::size_t axis_index(std::int64_t axis, std::size_t rank) const {
    const std::int64_t index = axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis;
    if (index < 0 || index >= static_cast<std::int64_t>(rank)) fail_here("axis {} of a tensor of rank {}", axis, rank);
    return static_cast<std::size_t>(index);
  }

  // ---- the graph being built ----

  const Node& node_of(const Activation& value) const { return graph_.at(value.node); }

  /// A readable name: the module path where the weights carry one ("layer1.0.conv1.weight"), else the node's
  /// own.
  std::string make_name(int weight_input = -1) const {
    std::string name = node_label();
    const std::string suffix = ".weight";
    if (weight_input >= 0 && has_input(weight_input)) {
      const std::string& weight = node_->input(weight_input);
      if (weight.size() > suffix.size() && weight.ends_with(suffix))
        name = weight.substr(0, weight.size() - suffix.size());
    }
    return dotted(name);
  }

  /// "/features/features.3/Add", as PyTorch nests module names, to "features.3.Add".
  static std::string dotted(const std::string& path) {
    std::vector<std::string> parts{""};
    for (const char c : path) {
      if (c == '/')
        parts.emplace_back();
      else
        parts.back() += c;
    }
    std::string result;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool repeated = i + 1 < parts.size() && parts[i + 1].starts_with(parts[i] + ".");
      if (parts[i].empty() || repeated) continue;
      result += (result.empty() ? "" : ".") + parts[i];
    }
    return result;
  }

  int append(Node node) {
    const std::string wanted = node.name;
    for (int copy = 2; !names_.insert(node.name).second; ++copy) node.name = fmt::format("{}_{}", wanted, copy);
    graph_.nodes.push_back(std::move(node));
    return static_cast<int>(graph_.nodes.size()) - 1;
  }

  void define(Value value) {
    if (node_->output_size() == 0) fail_here("has no output");
    values_[node_->output(0)] = std::move(value);
  }

  /// Appends a node that keeps its input's shape and layout.
  void define_elementwise(Node node, const Activation& from) {
    node.inputs.insert(node.inputs.begin(), from.node);
    node.shape = node_of(from).shape;
    const std::vector<Dim> dims = from.dims;
    const int index = append(std::move(node));
    define(Activation{index, dims});
  }

  /// Appends a node with a new shape, laid out NCHW.
  void define_map(Node node) {
    const Shape shape = node.shape;
    const int index = append(std::move(node));
    define(Activation{index, nchw(shape)});
  }

  const Activation& nchw_activation(int index) const {
    const Activation& value = activation(index);
    if (value.dims != nchw(node_of(value).shape))
      fail_here("input {} ('{}') is not in N x C x H x W order", index, node_->input(index));
    return value;
  }

  void add_input(const onnx::GraphProto& source) {
    std::vector<const onnx::ValueInfoProto*> inputs;
    for (const auto& candidate : source.input())
      if (!values_.contains(candidate.name())) inputs.push_back(&candidate);
    if (inputs.size() != 1) fail("{}: {} inputs, expected one (the image)", file_.string(), inputs.size());
    const onnx::ValueInfoProto& info = *inputs[0];
    const auto& type = info.type();
    if (!type.has_tensor_type() || !type.tensor_type().has_shape())
      fail("{}: input '{}' has no shape, expected batch x channels x height x width", file_.string(), info.name());
    if (type.tensor_type().elem_type() != onnx::TensorProto::FLOAT)
      fail("{}: input '{}' has the element type {}, expected FLOAT", file_.string(), info.name(),
           onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(type.tensor_type().elem_type())));
    const auto& dims = type.tensor_type().shape().dim();
    if (dims.size() != 4)
      fail("{}: input '{}' has {} dimensions, expected 4 (batch x channels x height x width)", file_.string(),
           info.name(), dims.size());
    std::int64_t sizes[4];
    for (int i = 1; i < 4; ++i) {
      sizes[i] = dims.Get(i).has_dim_value() ? dims.Get(i).dim_value() : 0;
      if (sizes[i] < 1 || sizes[i] > kLargestSize)
        fail(
            "{}: input '{}' has no fixed size in dimension {} ({}): export it with a fixed image size (only the batch "
            "may be symbolic)",
            file_.string(), info.name(), i,
            dims.Get(i).dim_param().empty() ? fmt::format("{}", sizes[i]) : dims.Get(i).dim_param());
    }
    const auto is_colour = [](std::int64_t size) { return size == 1 || size == 3; };
    const bool nhwc = transposed_to_nchw(source, info.name()) || (!is_colour(sizes[1]) && is_colour(sizes[3]));
    Node node;
    node.name = info.name();
    node.kind = NodeKind::kInput;
    node.shape = {static_cast<int>(sizes[nhwc ? 3 : 1]), static_cast<int>(sizes[nhwc ? 1 : 2]),
                  static_cast<int>(sizes[nhwc ? 2 : 3])};
    const Shape shape = node.shape;
    graph_.input_scale.assign(static_cast<std::size_t>(shape.channels), 1.0f);
    graph_.input_shift.assign(static_cast<std::size_t>(shape.channels), 0.0f);
    Activation value{append(std::move(node)), nchw(shape)};
    if (nhwc) std::rotate(value.dims.begin() + 1, value.dims.begin() + 2, value.dims.end());
    values_[info.name()] = value;
  }

  /// Whether the first thing done to the input is to bring it from N x H x W x C to N x C x H x W.
  static bool transposed_to_nchw(const onnx::GraphProto& source, const std::string& name) {
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

  void finish(const onnx::GraphProto& source) {
    if (source.output_size() != 1)
      fail("{}: {} outputs, expected one (the logits)", file_.string(), source.output_size());
    const auto found = values_.find(source.output(0).name());
    if (found == values_.end() || !std::holds_alternative<Activation>(found->second))
      fail("{}: no node computes the output '{}'", file_.string(), source.output(0).name());
    const int last = std::get<Activation>(found->second).node;
    const Shape& shape = graph_.at(last).shape;
    if (shape.height != 1 || shape.width != 1)
      fail("{}: the output '{}' is a map of {}x{}, expected one value per class", file_.string(),
           source.output(0).name(), shape.height, shape.width);
    graph_.nodes.resize(static_cast<std::size_t>(last) + 1);  // later nodes feed only other outputs
  }

  // ---- operators ----

  void import(const onnx::NodeProto& proto) {
    node_ = &proto;
    // Names of layers stand in YAML and JSON.
    if (const std::string label = node_label(); !is_utf8(label))
      fail("{}: node '{}' ({}): its name is not UTF-8", file_.string(), ascii_only(label), node_->op_type());
    using Handler = void (Importer::*)();
    static const std::map<std::string, Handler> handlers = {
        {"Conv", &Importer::conv},
        {"BatchNormalization", &Importer::batch_normalization},
        {"Relu", &Importer::relu},
        {"Clip", &Importer::clip},
        {"Min", &Importer::min_max},
        {"Max", &Importer::min_max},
        {"Add", &Importer::arithmetic},
        {"Sub", &Importer::arithmetic},
        {"Mul", &Importer::arithmetic},
        {"Div", &Importer::arithmetic},
        {"MaxPool", &Importer::pool},
        {"AveragePool", &Importer::pool},
        {"GlobalAveragePool", &Importer::global_pool},
        {"GlobalMaxPool", &Importer::global_pool},
        {"ReduceMean", &Importer::reduce_mean},
        {"Gemm", &Importer::gemm},
        {"MatMul", &Importer::matmul},
        {"Flatten", &Importer::flatten},
        {"Reshape", &Importer::reshape},
        {"Transpose", &Importer::transpose},
        {"Squeeze", &Importer::squeeze},
        {"Unsqueeze", &Importer::unsqueeze},
        {"Identity", &Importer::identity},
        {"Dropout", &Importer::identity},
        {"Cast", &Importer::cast},
        {"Softmax", &Importer::softmax},
        {"LogSoftmax", &Importer::softmax},
        {"Pad", &Importer::pad},
        {"Shape", &Importer::shape},
        {"Constant", &Importer::constant_node},
    };
    const std::string& op = proto.op_type();
    const bool standard = proto.domain().empty() || proto.domain() == "ai.onnx";
    if (standard && op != "Constant" && fold_constant()) return;
    const auto found = handlers.find(op);
    if (!standard || found == handlers.end()) {
      std::vector<std::string> known;
      known.reserve(handlers.size());
      for (const auto& [name, handler] : handlers) known.push_back(name);
      fail("{}: node '{}': operator '{}{}{}' is not supported (supported: {})", file_.string(), node_label(),
           proto.domain(), standard ? "" : "::", op, join(known));
    }
    (this->*found->second)();
  }

  /// Computes a node all of whose inputs are constants (shape arithmetic, reshaped weights); false if it is none.
  bool fold_constant() {
    std::vector<const Constant*> inputs;
    for (int i = 0; i < node_->input_size(); ++i) {
      if (!has_input(i)) {
        inputs.push_back(nullptr);
        continue;
      }
      if (!is_constant(i)) return false;
      inputs.push_back(&constant(i));
    }
    auto result = evaluate_constant(*node_, inputs, [&](const std::string& message) { fail_here("{}", message); });
    if (!result) return false;
    define(std::move(*result));
    return true;
  }

  void constant_node() {
    if (const auto* value = attribute("value")) {
      define(read_tensor(value->t(), file_));
    } else if (const auto* number = attribute("value_float")) {
      define(Constant{{}, {number->f()}, {}, true});
    } else if (const auto* numbers = attribute("value_floats")) {
      define(Constant{{numbers->floats_size()}, {numbers->floats().begin(), numbers->floats().end()}, {}, true});
    } else if (const auto* integer = attribute("value_int")) {
      define(Constant{{}, {}, {integer->i()}, false});
    } else if (const auto* integers = attribute("value_ints")) {
      define(Constant{{integers->ints_size()}, {}, {integers->ints().begin(), integers->ints().end()}, false});
    } else {
      fail_here("has none of value, value_float(s), value_int(s)");
    }
  }

  /// Kernel, strides, dilations and pads of Conv and the pools over a map of this shape. 'ceil_mode' adds to the pads.
  Window window(const std::vector<std::int64_t>& kernel, const Shape& in) const {
    const auto pair = [&](const char* name, std::vector<std::int64_t> fallback, std::int64_t low) {
      const auto list = attribute_ints(name, std::move(fallback));
      if (list.size() != 2) fail_here("{} has {} values, expected 2 (only 2-D is supported)", name, list.size());
      return std::pair{small(list[0], low, name), small(list[1], low, name)};
    };
    Window result;
    if (kernel.size() != 2) fail_here("kernel_shape has {} values, expected 2 (only 2-D is supported)", kernel.size());
    result.kernel_h = small(kernel[0], 1, "kernel_shape");
    result.kernel_w = small(kernel[1], 1, "kernel_shape");
    std::tie(result.stride_h, result.stride_w) = pair("strides", {1, 1}, 1);
    std::tie(result.dilation_h, result.dilation_w) = pair("dilations", {1, 1}, 1);
    const auto pads = attribute_ints("pads", {0, 0, 0, 0});
    if (pads.size() != 4) fail_here("pads has {} values, expected 4", pads.size());
    result.pad_top = small(pads[0], 0, "pads");
    result.pad_left = small(pads[1], 0, "pads");
    result.pad_bottom = small(pads[2], 0, "pads");
    result.pad_right = small(pads[3], 0, "pads");

    const std::string auto_pad = attribute_string("auto_pad", "NOTSET");
    if (auto_pad == "VALID") {
      result.pad_top = result.pad_left = result.pad_bottom = result.pad_right = 0;
    } else if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
      const auto same = [&](int size, int kernel_size, int stride, int dilation, int& before, int& after) {
        const int out = (size + stride - 1) / stride;
        const int total = std::max(0, (out - 1) * stride + dilation * (kernel_size - 1) + 1 - size);
        before = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
        after = total - before;
      };
      same(in.height, result.kernel_h, result.stride_h, result.dilation_h, result.pad_top, result.pad_bottom);
      same(in.width, result.kernel_w, result.stride_w, result.dilation_w, result.pad_left, result.pad_right);
    } else if (auto_pad != "NOTSET") {
      fail_here("auto_pad '{}', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto_pad);
    }
    return result;
  }

  Shape out_shape(const Window& window, const Shape& in, int channels) const {
    const Shape result{channels, window.out_height(in.height), window.out_width(in.width)};
    if (result.height < 1 || result.width < 1)
      fail_here("a window of {}x{} does not fit the {}x{} map", window.kernel_h, window.kernel_w, in.height, in.width);
    return result;
  }

  void conv() {
    const Activation& x = nchw_activation(0);
    const Constant& weight = floats(1);
    const Shape in = node_of(x).shape;
    if (weight.dims.size() != 4)
      fail_here("the weight has {} dimensions, expected 4 (2-D convolution)", weight.dims.size());
    Node node;
    node.kind = NodeKind::kConv;
    node.name = make_name(1);
    node.inputs = {x.node};
    node.groups = small(attribute_int("group", 1), 1, "group");
    const int out_channels = small(weight.dims[0], 1, "the number of filters");
    if (in.channels % node.groups != 0 || out_channels % node.groups != 0)
      fail_here("{} groups divide neither {} input nor {} output channels", node.groups, in.channels, out_channels);
    if (weight.dims[1] * node.groups != in.channels)
      fail_here("the weight takes {} channels a group in {} groups, the input has {}", weight.dims[1], node.groups,
                in.channels);
    const std::vector<std::int64_t> kernel{weight.dims[2], weight.dims[3]};
    if (attribute_ints("kernel_shape", kernel) != kernel)
      fail_here("kernel_shape differs from the weight's {}x{}", kernel[0], kernel[1]);
    node.window = window(kernel, in);
    node.shape = out_shape(node.window, in, out_channels);
    node.weight = weight.floats;
    node.bias = optional_bias(2, out_channels);
    define_map(std::move(node));
  }

  std::vector<float> optional_bias(int index, int channels) const {
    if (!has_input(index)) return std::vector<float>(static_cast<std::size_t>(channels), 0.0f);
    const Constant& bias = floats(index);
    if (bias.floats.size() != static_cast<std::size_t>(channels))
      fail_here("the bias has {} values for {} output channels", bias.floats.size(), channels);
    return bias.floats;
  }

  void batch_normalization() {
    const Activation& x = activation(0);
    const Shape shape = node_of(x).shape;
    if (x.dims.size() < 2 || x.dims[1] != one_axis(shape, Axis::kChannel))
      fail_here("the channels are not the input's second dimension");
    if (attribute_int("training_mode", 0) != 0) fail_here("is in training mode: export the model in evaluation mode");
    BatchNorm stats;
    stats.epsilon = attribute_float("epsilon", 1e-5);
    std::vector<float>* const arrays[] = {&stats.gamma, &stats.beta, &stats.mean, &stats.variance};
    for (int i = 0; i < 4; ++i) {
      *arrays[i] = floats(i + 1).floats;
      if (arrays[i]->size() != static_cast<std::size_t>(shape.channels))
        fail_here("input {} has {} values, the activation {} channels", i + 1, arrays[i]->size(), shape.channels);
    }
    Node node;
    node.kind = NodeKind::kAffine;
    node.name = make_name(1);
    for (std::size_t c = 0; c < stats.gamma.size(); ++c) {
      if (stats.variance[c] < 0) fail_here("channel {} has the variance {}", c, stats.variance[c]);
      const double scale = stats.gamma[c] / std::sqrt(static_cast<double>(stats.variance[c]) + stats.epsilon);
      if (!std::isfinite(scale)) fail_here("channel {} has the variance {}", c, stats.variance[c]);
      node.weight.push_back(static_cast<float>(scale));
      node.bias.push_back(static_cast<float>(stats.beta[c] - scale * stats.mean[c]));
    }
    node.batch_norm = std::move(stats);
    define_elementwise(std::move(node), x);
  }

  void clamp_to(Clamp clamp) {
    Node node;
    node.kind = NodeKind::kClamp;
    node.name = make_name();
    node.clamp = clamp;
    define_elementwise(std::move(node), activation(0));
  }

  void relu() { clamp_to({.low = 0}); }

  double scalar(int index) const {
    const Constant& value = constant(index);
    if (value.size() != 1)
      fail_here("input {} ('{}') has {} values, expected one", index, node_->input(index), value.size());
    return value.is_float ? static_cast<double>(value.floats[0]) : static_cast<double>(value.ints[0]);
  }

  void clip() {
    Clamp clamp;
    // Exporters write "no limit" as the largest float.
    const double unlimited = std::numeric_limits<float>::max();
    const double low = has_input(1) ? scalar(1) : attribute_float("min", -unlimited);
    const double high = has_input(2) ? scalar(2) : attribute_float("max", unlimited);
    if (low > -unlimited) clamp.low = low;
    if (high < unlimited) clamp.high = high;
    if (!(clamp.low <= clamp.high)) fail_here("clips to [{}, {}]", low, high);
    clamp_to(clamp);
  }

  /// Min(x, 6) and Max(x, 0), as some exporters write ReLU6.
  void min_max() {
    if (node_->input_size() != 2) fail_here("has {} inputs, expected 2", node_->input_size());
    const int which = is_constant(0) ? 1 : 0;
    const double limit = scalar(1 - which);
    Node node;
    node.kind = NodeKind::kClamp;
    node.name = make_name();
    (node_->op_type() == "Min" ? node.clamp.high : node.clamp.low) = limit;
    define_elementwise(std::move(node), activation(which));
  }

  /// A constant that broadcasts over an activation as one value per channel.
  std::vector<float> per_channel(int index, const Activation& x) const {
    const Constant& value = floats(index);
    const Shape& shape = node_of(x).shape;
    const auto channels = static_cast<std::size_t>(shape.channels);
    if (value.size() == 1) return std::vector<float>(channels, value.floats[0]);
    const std::size_t rank = value.dims.size();
    std::size_t found = rank;
    for (std::size_t i = 0; i < rank; ++i) {
      if (value.dims[i] == 1) continue;
      if (found != rank) found = rank + 1;  // a second dimension that is not 1
      if (found == rank) found = i;
      if (found > rank) break;
    }
    if (found < rank && rank <= x.dims.size() &&
        x.dims[found + x.dims.size() - rank] == one_axis(shape, Axis::kChannel) && value.size() == channels)
      return value.floats;
    fail_here("the constant '{}' is neither one value nor one per channel ({} channels)", node_->input(index),
              channels);
  }

  void arithmetic() {
    const std::string& op = node_->op_type();
    if (!is_constant(0) && !is_constant(1)) {
      const Activation& a = activation(0);
      const Activation& b = activation(1);
      if (op != "Add") fail_here("of two activations is not supported (only Add is)");
      if (node_of(a).shape != node_of(b).shape || a.dims != b.dims)
        fail_here("adds activations of different shapes ({}x{}x{} and {}x{}x{})", node_of(a).shape.channels,
                  node_of(a).shape.height, node_of(a).shape.width, node_of(b).shape.channels, node_of(b).shape.height,
                  node_of(b).shape.width);
      Node node;
      node.kind = NodeKind::kAdd;
      node.name = make_name();
      node.inputs = {b.node};
      define_elementwise(std::move(node), a);
      return;
    }
    const int which = is_constant(0) ? 1 : 0;
    if (op == "Div" && which == 1) fail_here("divides a constant by an activation");
    const Activation& x = activation(which);
    Node node;
    node.kind = NodeKind::kAffine;
    node.name = make_name();
    for (const float value : per_channel(1 - which, x)) {
      float scale = 1, shift = 0;
      if (op == "Add") shift = value;
      if (op == "Sub") {
        scale = which == 0 ? 1.0f : -1.0f;
        shift = which == 0 ? -value : value;
      }
      if (op == "Mul") scale = value;
      if (op == "Div") scale = 1 / value;
      if (!std::isfinite(scale)) fail_here("divides by {}", value);
      node.weight.push_back(scale);
      node.bias.push_back(shift);
    }
    define_elementwise(std::move(node), x);
  }

  void pool() {
    const bool is_max = node_->op_type() == "MaxPool";
    const Activation& x = nchw_activation(0);
    const Shape in = node_of(x).shape;
    if (node_->output_size() > 1 && !node_->output(1).empty()) fail_here("the output of indices is not supported");
    Node node;
    node.kind = is_max ? NodeKind::kMaxPool : NodeKind::kAveragePool;
    node.name = make_name();
    node.inputs = {x.node};
    node.window = window(attribute_ints("kernel_shape", {}), in);
    node.count_pads = attribute_int("count_include_pad", 0) != 0;
    if (attribute_int("ceil_mode", 0) != 0) extend_for_ceil(node.window, in, is_max);
    node.shape = out_shape(node.window, in, in.channels);
    define_map(std::move(node));
  }

  /// ceil_mode: a last window that reaches over the padded map's end is kept, as if there were more padding.
  void extend_for_ceil(Window& window, const Shape& in, bool is_max) const {
    const auto missing = [](int size, int kernel, int stride, int dilation, int before, int after) {
      const int span = size + before + after - (dilation * (kernel - 1) + 1);
      int more = span > 0 && span % stride != 0 ? stride - span % stride : 0;
      // A window that begins in the padding is not one (as PyTorch and ONNX have it).
      if (more > 0 && span + more >= size + before) more = 0;
      return more;
    };
    const int down =
        missing(in.height, window.kernel_h, window.stride_h, window.dilation_h, window.pad_top, window.pad_bottom);
    const int right =
        missing(in.width, window.kernel_w, window.stride_w, window.dilation_w, window.pad_left, window.pad_right);
    if ((down > 0 || right > 0) && !is_max) fail_here("ceil_mode leaves windows over the map's end: not supported");
    window.pad_bottom += down;
    window.pad_right += right;
  }

  void global_pool() {
    const Activation& x = nchw_activation(0);
    Node node;
    const Shape in = node_of(x).shape;
    node.name = make_name();
    node.inputs = {x.node};
    node.shape = {in.channels, 1, 1};
    node.kind = NodeKind::kGlobalPool;
    if (node_->op_type() == "GlobalMaxPool") {
      node.kind = NodeKind::kMaxPool;
      node.window.kernel_h = in.height;
      node.window.kernel_w = in.width;
    }
    define_map(std::move(node));
  }

  void reduce_mean() {
    const Activation& x = activation(0);
    const Shape in = node_of(x).shape;
    const auto axes = attribute_or_input("axes", 1);
    std::set<std::size_t> reduced;
    for (const std::int64_t axis : axes) reduced.insert(axis_index(axis, x.dims.size()));
    std::vector<Dim> dims;
    Dim gone;
    for (std::size_t i = 0; i < x.dims.size(); ++i) {
      if (!reduced.contains(i)) {
        dims.push_back(x.dims[i]);
        continue;
      }
      gone.insert(gone.end(), x.dims[i].begin(), x.dims[i].end());
      if (attribute_int("keepdims", 1) != 0) dims.emplace_back();
    }
    std::sort(gone.begin(), gone.end());
    Dim map = one_axis(in, Axis::kHeight);
    if (in.width != 1) map.push_back(Axis::kWidth);
    if (axes.empty() || gone != map) fail_here("averages over other axes than height and width together");
    Node node;
    node.kind = NodeKind::kGlobalPool;
    node.name = make_name();
    node.inputs = {x.node};
    node.shape = {in.channels, 1, 1};
    const int index = append(std::move(node));
    define(Activation{index, dims});
  }

  /// A linear layer over the activation's last dimension. 'weight_at(i, o)': the weight from input i to output o.
  void linear(const Activation& x, std::int64_t inputs, std::int64_t outputs, std::vector<float> bias, int weight_input,
              const std::function<float(std::size_t, std::size_t)>& weight_at) {
    const Shape in = node_of(x).shape;
    const Dim order = x.dims.back();
    std::size_t size = 1;
    for (const Axis axis : order) {
      if (axis == Axis::kBatch) fail_here("multiplies over the batch");
      size *= static_cast<std::size_t>(axis_size(in, axis));
    }
    if (static_cast<std::int64_t>(size) != inputs)
      fail_here("the weight takes {} inputs, the activation has {}", inputs, size);
    const bool whole_map = size == in.size();
    if (!whole_map && order != one_axis(in, Axis::kChannel))
      fail_here("multiplies over a dimension that is neither the whole activation nor its channels");

    Node node;
    node.kind = NodeKind::kConv;
    node.name = make_name(weight_input);
    node.inputs = {x.node};
    const int out_channels = small(outputs, 1, "the number of outputs");
    node.shape = {out_channels, whole_map ? 1 : in.height, whole_map ? 1 : in.width};
    node.window.kernel_h = whole_map ? in.height : 1;
    node.window.kernel_w = whole_map ? in.width : 1;
    node.bias = std::move(bias);

    // Row i of the matrix belongs to the i-th element in the exporter's own order of the axes.
    const auto kernel_h = static_cast<std::size_t>(node.window.kernel_h),
               kernel_w = static_cast<std::size_t>(node.window.kernel_w);
    const auto strides = [&](Axis axis) {
      return axis == Axis::kChannel ? kernel_h * kernel_w : axis == Axis::kHeight ? kernel_w : std::size_t{1};
    };
    node.weight.resize(static_cast<std::size_t>(out_channels) * size);
    for (std::size_t i = 0; i < size; ++i) {
      std::size_t rest = i, place = 0;
      for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
        const auto extent = static_cast<std::size_t>(axis_size(in, *axis));
        place += rest % extent * strides(*axis);
        rest /= extent;
      }
      for (std::size_t o = 0; o < static_cast<std::size_t>(out_channels); ++o)
        node.weight[o * size + place] = weight_at(i, o);
    }
    std::vector<Dim> dims = x.dims;
    dims.back() = one_axis(node.shape, Axis::kChannel);
    const int index = append(std::move(node));
    define(Activation{index, dims});
  }

  void gemm() {
    const Activation& x = activation(0);
    const Constant& weight = floats(1);
    if (x.dims.size() != 2 || x.dims[0] != Dim{Axis::kBatch} || attribute_int("transA", 0) != 0)
      fail_here("the first operand must be batch x features (flatten it before)");
    if (weight.dims.size() != 2) fail_here("the weight has {} dimensions, expected 2", weight.dims.size());
    const bool transposed = attribute_int("transB", 0) != 0;
    const std::int64_t outputs = weight.dims[transposed ? 0 : 1], inputs = weight.dims[transposed ? 1 : 0];
    const auto alpha = static_cast<float>(attribute_float("alpha", 1)),
               beta = static_cast<float>(attribute_float("beta", 1));
    std::vector<float> bias(static_cast<std::size_t>(small(outputs, 1, "the number of outputs")), 0.0f);
    if (has_input(2)) {
      const Constant& c = floats(2);
      if (c.size() != 1 && c.size() != bias.size())
        fail_here("the bias has {} values for {} outputs", c.size(), outputs);
      for (std::size_t o = 0; o < bias.size(); ++o) bias[o] = beta * c.floats[c.size() == 1 ? 0 : o];
    }
    const auto columns = static_cast<std::size_t>(weight.dims[1]);
    linear(x, inputs, outputs, std::move(bias), 1, [&](std::size_t i, std::size_t o) {
      return alpha * (transposed ? weight.floats[o * columns + i] : weight.floats[i * columns + o]);
    });
  }

  void matmul() {
    const Activation& x = activation(0);
    const Constant& weight = floats(1);
    if (weight.dims.size() != 2) fail_here("the weight has {} dimensions, expected 2", weight.dims.size());
    std::vector<float> bias(static_cast<std::size_t>(small(weight.dims[1], 1, "the number of outputs")), 0.0f);
    const auto columns = static_cast<std::size_t>(weight.dims[1]);
    linear(x, weight.dims[0], weight.dims[1], std::move(bias), 1,
           [&](std::size_t i, std::size_t o) { return weight.floats[i * columns + o]; });
  }

  // ---- layout ----

  /// Gives an activation other dimensions: the same elements in the same order.
  std::vector<Dim> regroup(const Activation& x, const std::vector<std::int64_t>& target) const {
    const Shape& shape = node_of(x).shape;
    const auto not_layout = [&]() {
      fail_here("reshapes to [{}], which is not a change of layout only", join(target));
    };
    if (x.dims.empty() || x.dims[0] != Dim{Axis::kBatch} || target.empty()) not_layout();
    Dim axes;
    for (std::size_t i = 1; i < x.dims.size(); ++i) axes.insert(axes.end(), x.dims[i].begin(), x.dims[i].end());

    // The first dimension is the batch, whatever is written there; of the others one may be left open (-1).
    std::vector<std::int64_t> sizes(target.begin() + 1, target.end());
    std::int64_t known = 1;
    std::size_t open = sizes.size();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == 0) {
        if (i + 1 >= x.dims.size()) not_layout();
        sizes[i] = 1;
        for (const Axis axis : x.dims[i + 1]) sizes[i] *= axis_size(shape, axis);
      }
      if (sizes[i] == -1 && open == sizes.size()) {
        open = i;
        continue;
      }
      if (sizes[i] < 1 || sizes[i] > kLargestSize || known > kLargestSize) not_layout();
      known *= sizes[i];
    }
    const auto total = static_cast<std::int64_t>(shape.size());
    if (open < sizes.size()) {
      if (total % known != 0) not_layout();
      sizes[open] = total / known;
      known *= sizes[open];
    }
    if (known != total) not_layout();

    std::vector<Dim> result{{Axis::kBatch}};
    std::size_t next = 0;
    for (const std::int64_t size : sizes) {
      Dim dim;
      std::int64_t filled = 1;
      while (filled < size && next < axes.size()) {
        filled *= axis_size(shape, axes[next]);
        dim.push_back(axes[next++]);
      }
      if (filled != size) not_layout();
      result.push_back(std::move(dim));
    }
    return result;
  }

  void flatten() {
    const Activation x = activation(0);
    const std::int64_t axis = attribute_int("axis", 1);
    if (axis != 1 && axis != 1 - static_cast<std::int64_t>(x.dims.size()))
      fail_here("flattens from axis {}, expected 1", axis);
    define(Activation{x.node, regroup(x, {-1, static_cast<std::int64_t>(node_of(x).shape.size())})});
  }

  void reshape() {
    const Activation x = activation(0);
    define(Activation{x.node, regroup(x, attribute_or_input("shape", 1))});
  }

  void transpose() {
    const Activation x = activation(0);
    std::vector<std::int64_t> reversed;
    for (std::size_t i = x.dims.size(); i-- > 0;) reversed.push_back(static_cast<std::int64_t>(i));
    const auto order = attribute_ints("perm", reversed);
    if (order.size() != x.dims.size())
      fail_here("perm has {} values for a tensor of rank {}", order.size(), x.dims.size());
    std::vector<Dim> dims;
    std::set<std::size_t> used;
    for (const std::int64_t from : order) {
      const std::size_t index = axis_index(from, x.dims.size());
      if (!used.insert(index).second) fail_here("perm names axis {} twice", from);
      dims.push_back(x.dims[index]);
    }
    define(Activation{x.node, dims});
  }

  void squeeze() {
    const Activation x = activation(0);
    const auto axes = attribute_or_input("axes", 1);
    std::set<std::size_t> gone;
    for (const std::int64_t axis : axes) gone.insert(axis_index(axis, x.dims.size()));
    std::vector<Dim> dims;
    for (std::size_t i = 0; i < x.dims.size(); ++i) {
      const bool drop = axes.empty() ? x.dims[i].empty() : gone.contains(i);
      if (drop && !x.dims[i].empty()) fail_here("squeezes dimension {}, which is not 1", i);
      if (!drop) dims.push_back(x.dims[i]);
    }
    define(Activation{x.node, dims});
  }

  void unsqueeze() {
    const Activation x = activation(0);
    const auto axes = attribute_or_input("axes", 1);
    const std::size_t rank = x.dims.size() + axes.size();
    std::set<std::size_t> added;
    for (const std::int64_t axis : axes) added.insert(axis_index(axis, rank));
    if (added.size() != axes.size()) fail_here("names an axis twice");
    std::vector<Dim> dims;
    for (std::size_t i = 0, next = 0; i < rank; ++i) dims.push_back(added.contains(i) ? Dim{} : x.dims[next++]);
    define(Activation{x.node, dims});
  }

  void identity() { define(Activation{activation(0)}); }

  /// Other types than float cut the values off: that is another network.
  void cast() {
    using Proto = onnx::TensorProto;
    const std::int64_t to = attribute_int("to", Proto::UNDEFINED);
    if (to != Proto::FLOAT && to != Proto::DOUBLE) {
      const bool known = Proto::DataType_IsValid(static_cast<int>(to));
      fail_here("casts activations to {}, expected FLOAT or DOUBLE: another type changes their values",
                known ? Proto::DataType_Name(static_cast<Proto::DataType>(to)) : std::to_string(to));
    }
    identity();
  }

  /// Does not change which class wins, so it is left out; only the network's output may have one.
  void softmax() {
    for (const auto& output : model_->graph().output())
      if (output.name() == node_->output(0)) {
        spdlog::info("{}: {} at the output is left out: the largest logit stays the largest", file_.string(),
                     node_->op_type());
        return identity();
      }
    fail_here("is supported only at the network's output");
  }

  void pad() {
    const Activation& x = activation(0);
    const std::string mode = attribute_string("mode", "constant");
    if (mode != "constant") fail_here("mode '{}', expected constant", mode);
    const double value = has_input(2) ? scalar(2) : attribute_float("value", 0);
    if (value != 0) fail_here("pads with {}, expected 0", value);
    const auto pads = attribute_or_input("pads", 1);
    const std::size_t rank = x.dims.size();
    if (pads.size() != 2 * rank) fail_here("pads has {} values for a tensor of rank {}", pads.size(), rank);
    const Shape in = node_of(x).shape;
    Node node;
    node.kind = NodeKind::kPad;
    node.name = make_name();
    node.inputs = {x.node};
    node.shape = in;
    for (std::size_t i = 0; i < rank; ++i) {
      const int before = small(pads[i], 0, "pads"), after = small(pads[i + rank], 0, "pads");
      if (before == 0 && after == 0) continue;
      if (x.dims[i] == Dim{Axis::kHeight}) {
        node.window.pad_top = before;
        node.window.pad_bottom = after;
        node.shape.height += before + after;
      } else if (x.dims[i] == Dim{Axis::kWidth}) {
        node.window.pad_left = before;
        node.window.pad_right = after;
        node.shape.width += before + after;
      } else {
        fail_here("pads dimension {}, which is neither height nor width", i);
      }
    }
    const std::vector<Dim> dims = x.dims;
    const int index = append(std::move(node));
    define(Activation{index, dims});
  }

  /// The sizes, with -1 for the batch: Reshape reads that as "whatever is left".
  void shape() {
    const Activation& x = activation(0);
    Constant result;
    result.is_float = false;
    for (const Dim& dim : x.dims) {
      std::int64_t size = 1;
      for (const Axis axis : dim) size *= axis_size(node_of(x).shape, axis);
      result.ints.push_back(size);
    }
    const auto rank = static_cast<std::int64_t>(result.ints.size());
    const auto clip = [&](std::int64_t index) {
      return std::clamp<std::int64_t>(index < 0 ? index + rank : index, 0, rank);
    };
    const std::int64_t start = clip(attribute_int("start", 0)), end = clip(attribute_int("end", rank));
    result.ints = {result.ints.begin() + start, result.ints.begin() + std::max(start, end)};
    result.dims = {static_cast<std::int64_t>(result.ints.size())};
    define(std::move(result));
  }

  fs::path file_;
  std::unique_ptr<onnx::ModelProto> model_;
  const onnx::NodeProto* node_ = nullptr;
  std::unordered_map<std::string, Value> values_;
  std::set<std::string> names_;
  Graph graph_;
};

}  // namespace

Graph import_onnx_unsimplified(const fs::path& file) {
  return Importer(file).run();
}

Graph import_onnx(const fs::path& file) {
  return simplify(import_onnx_unsimplified(file), file.string());
}

}  // namespace shiftsim::quantizer
