// Operators that compute nothing: channels joined, sliced and reordered, pixels repeated.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

namespace {

/// The dimension that the channels of an activation stand in by themselves. An activation of one channel has them
/// behind the batch.
std::size_t channel_dimension(const GraphBuilder& graph, const Activation& x) {
  const Dim wanted = one_axis(graph.node_of(x).shape, Axis::kChannel);
  for (std::size_t i = 1; i < x.dims.size(); ++i)
    if (x.dims[i] == wanted) return i;
  return 0;
}

/// Fails unless 'axis' is the channels'. The map may stand in any order; what flattens it has no channels by
/// themselves.
void check_channel_axis(const OnnxNode& op, const GraphBuilder& graph, const Activation& x, std::int64_t axis) {
  const std::size_t found = op.axis_index(axis, x.dims.size());
  if (x.groups > 0 || found == 0 || found != channel_dimension(graph, x))
    op.fail("works on axis {}, expected that of the channels: the others have no order of addresses here", axis);
}

/// Appends a view of channels of 'x'. The layout stays.
int append_view(const OnnxNode& op, GraphBuilder& graph, const Activation& x, std::vector<std::int32_t> channels) {
  Node node;
  node.kind = NodeKind::kView;
  node.name = op.layer_name();
  node.inputs = {x.node};
  node.shape = graph.node_of(x).shape;
  node.view.input_channels = node.shape.channels;
  node.shape.channels = static_cast<int>(channels.size());
  node.view.channels = std::move(channels);
  return graph.append(std::move(node));
}

/// The dimensions of 'x' with another number of channels.
std::vector<Dim> dims_with(const GraphBuilder& graph, const Activation& x, int channels) {
  std::vector<Dim> dims = x.dims;
  dims[channel_dimension(graph, x)] = channels == 1 ? Dim{} : Dim{Axis::kChannel};
  return dims;
}

std::vector<std::int32_t> range(int first, int count) {
  std::vector<std::int32_t> channels(static_cast<std::size_t>(count));
  std::iota(channels.begin(), channels.end(), first);
  return channels;
}

/// Two at a time. A list that begins as another one goes on from there (DenseNet).
void concat(const OnnxNode& op, GraphBuilder& graph) {
  const std::int64_t axis = op.attribute_int("axis", 1);
  for (int i = 0; i < op.input_count(); ++i)
    if (op.is_constant(i))
      op.fail("joins the constant '{}' to an activation, as transformers do a class token: no layer makes it",
              op.input_name(i));
  Activation all = op.activation(0);
  check_channel_axis(op, graph, all, axis);
  for (int i = 1; i < op.input_count(); ++i) {
    const Activation& next = op.activation(i);
    check_channel_axis(op, graph, next, axis);
    const Shape one = graph.node_of(all).shape;
    const Shape other = graph.node_of(next).shape;
    if (one.height != other.height || one.width != other.width || all.dims.size() != next.dims.size())
      op.fail("joins maps of {}x{} and {}x{}, expected one size", one.height, one.width, other.height, other.width);
    const std::vector<Dim> dims = dims_with(graph, all, one.channels + other.channels);
    if (dims != dims_with(graph, next, one.channels + other.channels))
      op.fail("joins activations of different layouts");
    const int index = graph.joined(all.node, next.node, op.layer_name());
    all = Activation{index, dims};
  }
  graph.define(op, all);
}

void split(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  check_channel_axis(op, graph, x, op.attribute_int("axis", 0));
  const int channels = graph.node_of(x).shape.channels;
  std::vector<std::int64_t> sizes = op.attribute_or_input("split", 1);
  if (sizes.empty()) {
    const std::int64_t parts = op.attribute_int("num_outputs", op.output_count());
    if (parts < 1 || parts != op.output_count())
      op.fail("splits into {} parts, has {} outputs", parts, op.output_count());
    const std::int64_t size = (channels + parts - 1) / parts;
    for (std::int64_t left = channels; left > 0; left -= size) sizes.push_back(std::min(size, left));
  }
  const bool positive = std::ranges::all_of(sizes, [](std::int64_t size) { return size > 0 && size <= kLargestSize; });
  if (!positive || static_cast<int>(sizes.size()) != op.output_count() ||
      std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != channels)
    op.fail("splits {} channels into {} parts that are not {} positive sizes with this sum", channels, sizes.size(),
            op.output_count());
  int first = 0;
  for (int i = 0; i < op.output_count(); ++i) {
    const auto count = static_cast<int>(sizes[static_cast<std::size_t>(i)]);
    const int index = append_view(op, graph, x, range(first, count));
    graph.define(op, Activation{index, dims_with(graph, x, count)}, i);
    first += count;
  }
}

/// Of one dimension, as ONNX counts: from the end where negative, cut off at both ends.
void slice(const OnnxNode& op, GraphBuilder& graph) {
  Activation x = op.activation(0);
  const std::vector<std::int64_t> starts = op.attribute_or_input("starts", 1);
  const std::vector<std::int64_t> ends = op.attribute_or_input("ends", 2);
  std::vector<std::int64_t> axes = op.attribute_or_input("axes", 3);
  std::vector<std::int64_t> steps = op.has_input(4) ? op.ints(4) : std::vector<std::int64_t>(starts.size(), 1);
  if (axes.empty())
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    op.fail("has {} starts, {} ends, {} axes and {} steps", starts.size(), ends.size(), axes.size(), steps.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t dim = op.axis_index(axes[i], x.dims.size());
    const Shape& shape = graph.node_of(x).shape;
    std::int64_t size = 1;
    for (const Axis axis : x.dims[dim]) size *= axis_size(shape, axis);
    if (size > 0 && starts[i] == 0 && ends[i] >= size && steps[i] == 1) continue;  // all of it
    check_channel_axis(op, graph, x, axes[i]);
    if (steps[i] == 0) op.fail("has a step of 0");
    const std::int64_t low = steps[i] > 0 ? 0 : -1;
    const std::int64_t high = steps[i] > 0 ? size : size - 1;
    const auto place = [&](std::int64_t index) { return std::clamp(index < 0 ? index + size : index, low, high); };
    // A negative end below -size stands before the first element.
    const std::int64_t end = place(ends[i]);
    std::vector<std::int32_t> channels;
    for (std::int64_t c = place(starts[i]); steps[i] > 0 ? c < end : c > end; c += steps[i])
      channels.push_back(static_cast<std::int32_t>(c));
    if (channels.empty()) op.fail("leaves no channel of {}", size);
    const auto count = static_cast<int>(channels.size());
    const int index = append_view(op, graph, x, std::move(channels));
    x = Activation{index, dims_with(graph, x, count)};
  }
  graph.define(op, x);
}

/// Channels by their numbers, a constant list.
void gather(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = op.activation(0);
  if (!op.is_constant(1)) op.fail("takes what another activation names, expected constant indices");
  const Constant& indices = op.constant(1);
  check_channel_axis(op, graph, x, op.attribute_int("axis", 0));
  if (indices.dims.size() != 1) op.fail("takes indices of rank {}, expected 1", indices.dims.size());
  const int channels = graph.node_of(x).shape.channels;
  std::vector<std::int32_t> chosen;
  for (const std::int64_t index : op.ints(1)) {
    if (index < -channels || index >= channels) op.fail("takes channel {} of {}", index, channels);
    chosen.push_back(static_cast<std::int32_t>(index < 0 ? index + channels : index));
  }
  if (chosen.empty()) op.fail("takes no channel");
  const auto count = static_cast<int>(chosen.size());
  const int index = append_view(op, graph, x, std::move(chosen));
  graph.define(op, Activation{index, dims_with(graph, x, count)});
}

/// Which pixel ONNX takes for pixel 'to', by its formulas of Resize.
std::int64_t nearest_source(const OnnxNode& op, std::int64_t to, double factor, const std::string& transformation,
                            const std::string& rounding) {
  double from = 0;
  if (transformation == "asymmetric") {
    from = static_cast<double>(to) / factor;
  } else if (transformation == "half_pixel" || transformation == "pytorch_half_pixel") {
    from = (static_cast<double>(to) + 0.5) / factor - 0.5;
  } else {
    op.fail("coordinate_transformation_mode '{}', expected asymmetric or half_pixel", transformation);
  }
  if (rounding == "floor") return static_cast<std::int64_t>(std::floor(from));
  if (rounding == "ceil") return static_cast<std::int64_t>(std::ceil(from));
  if (rounding == "round_prefer_ceil") return static_cast<std::int64_t>(std::floor(from + 0.5));
  if (rounding != "round_prefer_floor") op.fail("nearest_mode '{}' is not one of ONNX's", rounding);
  return static_cast<std::int64_t>(std::ceil(from - 0.5));
}

/// The whole number that a map's side is multiplied by.
int whole_factor(const OnnxNode& op, double factor, int size, const std::string& transformation,
                 const std::string& rounding) {
  if (!(factor >= 1 && factor <= 255) || factor != std::floor(factor))
    op.fail("multiplies a map's side of {} by {}, expected a whole number", size, factor);
  const auto repeats = static_cast<std::int64_t>(factor);
  for (std::int64_t to = 0; to < size * repeats; ++to) {
    const std::int64_t from =
        std::clamp<std::int64_t>(nearest_source(op, to, factor, transformation, rounding), 0, size - 1);
    if (from != to / repeats)
      op.fail("takes pixel {} for pixel {} at a factor of {}, expected each pixel {} times", from, to, repeats,
              repeats);
  }
  return static_cast<int>(repeats);
}

/// Factors by dimension, of Upsample and of every form of Resize.
std::vector<double> factors(const OnnxNode& op, const Shape& shape) {
  const bool upsample = op.type() == "Upsample";
  const int scales = upsample || op.input_count() == 2 ? 1 : 2;
  if (op.has_input(scales) && op.constant(scales).size() > 0) {
    const std::vector<float>& values = op.floats(scales).floats;
    return {values.begin(), values.end()};
  }
  if (const std::vector<float> values = op.attribute_floats("scales"); !values.empty())
    return {values.begin(), values.end()};
  if (!op.has_input(3)) op.fail("has neither scales nor sizes");
  const std::vector<std::int64_t>& sizes = op.ints(3);
  if (sizes.size() != 4) op.fail("has {} sizes, expected 4", sizes.size());
  const std::vector<double> before = {1, static_cast<double>(shape.channels), static_cast<double>(shape.height),
                                      static_cast<double>(shape.width)};
  std::vector<double> result = {1};
  for (std::size_t i = 1; i < 4; ++i) result.push_back(static_cast<double>(sizes[i]) / before[i]);
  return result;
}

void resize(const OnnxNode& op, GraphBuilder& graph) {
  const Activation& x = graph.nchw_activation(op, 0);
  const std::string mode = op.attribute_string("mode", "nearest");
  if (mode != "nearest")
    op.fail("mode '{}', expected nearest: a pixel between two would take a product that is no shift", mode);
  if (op.attribute("axes") != nullptr) op.fail("names axes, expected sizes or scales of all four");
  const Shape in = graph.node_of(x).shape;
  const std::vector<double> all = factors(op, in);
  if (all.size() != 4 || all[0] != 1 || all[1] != 1)
    op.fail("resizes batch or channels, expected height and width only");
  const bool upsample = op.type() == "Upsample";
  const std::string transformation =
      upsample ? "asymmetric" : op.attribute_string("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = upsample ? "floor" : op.attribute_string("nearest_mode", "round_prefer_floor");
  Node node;
  node.kind = NodeKind::kView;
  node.name = op.layer_name();
  node.inputs = {x.node};
  node.view.channels = range(0, in.channels);
  node.view.input_channels = in.channels;
  node.view.upsample_h = whole_factor(op, all[2], in.height, transformation, rounding);
  node.view.upsample_w = whole_factor(op, all[3], in.width, transformation, rounding);
  node.shape = {in.channels, in.height * node.view.upsample_h, in.width * node.view.upsample_w};
  if (node.shape.height > kLargestSize || node.shape.width > kLargestSize) op.fail("makes a map that is too large");
  graph.define_map(op, std::move(node));
}

}  // namespace

OnnxOperators view_operators() {
  return {
      {"Concat", concat}, {"Split", split},   {"Slice", slice},
      {"Gather", gather}, {"Resize", resize}, {"Upsample", resize},
  };
}

}  // namespace shiftsim::quantizer
