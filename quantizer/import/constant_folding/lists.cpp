#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>

#include "quantizer/import/constant_folding/folds.h"

namespace shiftsim::quantizer {

namespace {

Constant shape(const FoldedNode& node) {
  return {{static_cast<std::int64_t>(node.in(0).dims.size())}, {}, node.in(0).dims, false};
}

Constant constant_of_shape(const FoldedNode& node) {
  if (node.in(0).is_float) node.reject("takes a shape of floats");
  Constant result{node.in(0).ints, {}, {}, true};
  node.check_size(result.dims);
  const std::int64_t count = element_count(result.dims);
  const auto* value = node.attribute("value");
  Constant fill = value != nullptr ? read_tensor(value->t(), "") : Constant{{1}, {0.0f}, {}, true};
  if (fill.size() != 1) node.reject("takes a value of more than one element");
  result.is_float = fill.is_float;
  if (fill.is_float)
    result.floats.assign(static_cast<std::size_t>(count), fill.floats[0]);
  else
    result.ints.assign(static_cast<std::size_t>(count), fill.ints[0]);
  return result;
}

Constant concat(const FoldedNode& node) {
  Constant result{{0}, {}, {}, node.in(0).is_float};
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (node.in(i).dims.size() > 1 || node.in(i).is_float != result.is_float)
      node.reject("concatenates constants that are not lists");
    result.floats.insert(result.floats.end(), node.in(i).floats.begin(), node.in(i).floats.end());
    result.ints.insert(result.ints.end(), node.in(i).ints.begin(), node.in(i).ints.end());
  }
  result.dims = {static_cast<std::int64_t>(result.size())};
  return result;
}

Constant gather(const FoldedNode& node) {
  const Constant& x = node.in(0);
  const Constant& indices = node.in(1);
  if (x.dims.size() != 1 || indices.is_float) node.reject("gathers from a constant that is not a list");
  Constant result{indices.dims, {}, {}, x.is_float};
  const auto size = static_cast<std::int64_t>(x.size());
  for (std::int64_t index : indices.ints) {
    index = index < 0 ? index + size : index;
    if (index < 0 || index >= size) node.reject(fmt::format("gathers element {} of {}", index, size));
    result.append(x, static_cast<std::size_t>(index));
  }
  return result;
}

Constant slice(const FoldedNode& node) {
  const Constant& x = node.in(0);
  const auto starts = node.list("starts", 1), ends = node.list("ends", 2), steps = node.list("steps", 4);
  if (x.dims.size() != 1 || starts.size() != 1 || ends.size() != 1 || (!steps.empty() && steps[0] != 1))
    node.reject("slices a constant in other ways than a list by one step");
  const auto size = static_cast<std::int64_t>(x.size());
  const auto clip = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size); };
  const auto begin = clip(starts[0]), end = std::max(clip(starts[0]), clip(ends[0]));
  Constant result{{end - begin}, {}, {}, x.is_float};
  if (x.is_float)
    result.floats.assign(x.floats.begin() + begin, x.floats.begin() + end);
  else
    result.ints.assign(x.ints.begin() + begin, x.ints.begin() + end);
  return result;
}

}  // namespace

std::vector<Fold> list_folds() {
  return {
      {"Shape", shape}, {"ConstantOfShape", constant_of_shape}, {"Concat", concat}, {"Gather", gather},
      {"Slice", slice},
  };
}

}  // namespace shiftsim::quantizer
