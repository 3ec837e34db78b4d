#include <fmt/format.h>

#include <algorithm>

#include "common/text.h"
#include "quantizer/import/constant_folding/folds.h"

namespace shiftsim::quantizer {

namespace {

Constant identity(const FoldedNode& node) {
  return node.in(0);
}

Constant reshape(const FoldedNode& node) {
  Constant result = node.in(0);
  const auto target = node.list("shape", 1);
  const auto total = static_cast<std::int64_t>(result.size());
  std::vector<std::int64_t> dims = target;
  std::int64_t known = 1;
  std::size_t open = dims.size();
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0 && i < result.dims.size()) dims[i] = result.dims[i];
    if (dims[i] == -1 && open == dims.size())
      open = i;
    else if (dims[i] < 0)
      node.reject(fmt::format("reshapes a constant to [{}]", join(target)));
    else
      known *= dims[i];
  }
  if (open < dims.size()) dims[open] = known > 0 ? total / known : 0;
  if (element_count(dims) != total) node.reject(fmt::format("reshapes {} elements to [{}]", total, join(target)));
  result.dims = dims;
  return result;
}

Constant squeeze_unsqueeze(const FoldedNode& node) {
  Constant result = node.in(0);
  auto axes = node.list("axes", 1);
  const bool adds = node.type() == "Unsqueeze";
  const auto rank = static_cast<std::int64_t>(result.dims.size() + (adds ? axes.size() : 0));
  for (auto& axis : axes) {
    axis = axis < 0 ? axis + rank : axis;
    if (axis < 0 || axis >= rank) node.reject(fmt::format("axis {} of a tensor of rank {}", axis, rank));
  }
  const auto named = [&](std::int64_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); };
  std::vector<std::int64_t> dims;
  if (adds) {
    std::size_t next = 0;
    for (std::int64_t i = 0; i < rank; ++i)
      dims.push_back(named(i) || next >= result.dims.size() ? 1 : result.dims[next++]);
  } else {
    for (std::int64_t i = 0; i < rank; ++i) {
      const std::int64_t size = result.dims[static_cast<std::size_t>(i)];
      const bool drop = axes.empty() ? size == 1 : named(i);
      if (drop && size != 1) node.reject(fmt::format("squeezes an axis of size {}", size));
      if (!drop) dims.push_back(size);
    }
  }
  result.dims = dims;
  return result;
}

Constant transpose(const FoldedNode& node) {
  const Constant& x = node.in(0);
  const std::size_t rank = x.dims.size();
  auto order = node.list("perm", 1);
  if (order.empty())
    for (std::size_t i = rank; i-- > 0;) order.push_back(static_cast<std::int64_t>(i));
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted.size() != rank || sorted[i] != static_cast<std::int64_t>(i))
      node.reject(fmt::format("perm [{}] for a tensor of rank {}", join(order), rank));
  std::vector<std::size_t> strides(rank, 1);
  for (std::size_t i = rank; i-- > 1;) strides[i - 1] = strides[i] * static_cast<std::size_t>(x.dims[i]);
  Constant result{{}, {}, {}, x.is_float};
  for (const auto axis : order) result.dims.push_back(x.dims[static_cast<std::size_t>(axis)]);
  std::vector<std::int64_t> index(rank, 0);
  for (std::size_t n = 0; n < x.size(); ++n) {
    std::size_t from = 0;
    for (std::size_t i = 0; i < rank; ++i)
      from += static_cast<std::size_t>(index[i]) * strides[static_cast<std::size_t>(order[i])];
    result.append(x, from);
    for (std::size_t i = rank; i-- > 0;) {
      if (++index[i] < result.dims[i]) break;
      index[i] = 0;
    }
  }
  return result;
}

}  // namespace

std::vector<Fold> layout_folds() {
  return {
      {"Identity", identity},           {"Dropout", identity},    {"Reshape", reshape}, {"Squeeze", squeeze_unsqueeze},
      {"Unsqueeze", squeeze_unsqueeze}, {"Transpose", transpose},
  };
}

}  // namespace shiftsim::quantizer
