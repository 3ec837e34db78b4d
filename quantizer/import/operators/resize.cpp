// Pixels repeated: nearest neighbour in whole factors.
#include <algorithm>
#include <cmath>

#include "quantizer/import/onnx_operators.h"

namespace shiftsim::quantizer {

namespace {

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
  node.view = whole_view(in);
  qnet::ViewGeometry& geometry = node.view.geometry;
  geometry.upsample_h = whole_factor(op, all[2], in.height, transformation, rounding);
  geometry.upsample_w = whole_factor(op, all[3], in.width, transformation, rounding);
  node.shape = {in.channels, in.height * geometry.upsample_h, in.width * geometry.upsample_w};
  if (node.shape.height > kLargestSize || node.shape.width > kLargestSize) op.fail("makes a map that is too large");
  graph.define_map(op, std::move(node));
}

}  // namespace

OnnxOperators resize_operators() {
  return {
      {"Resize", resize},
      {"Upsample", resize},
  };
}

}  // namespace shiftsim::quantizer
