#include "quantizer/import/constant_folding/folded_node.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <cstdlib>
#include <functional>
#include <numeric>

#include "common/text.h"

namespace shiftsim::quantizer {

const std::string& FoldedNode::type() const {
  return node_.op_type();
}

const Constant& FoldedNode::in(std::size_t index) const {
  if (index >= inputs_.size() || inputs_[index] == nullptr) reject(fmt::format("input {} is missing", index));
  return *inputs_[index];
}

const onnx::AttributeProto* FoldedNode::attribute(const std::string& name) const {
  for (const auto& candidate : node_.attribute())
    if (candidate.name() == name) return &candidate;
  return nullptr;
}

std::int64_t FoldedNode::attribute_int(const std::string& name, std::int64_t fallback) const {
  const auto* found = attribute(name);
  return found != nullptr ? found->i() : fallback;
}

std::vector<std::int64_t> FoldedNode::list(const std::string& name, std::size_t index) const {
  if (index < inputs_.size() && inputs_[index] != nullptr) {
    if (inputs_[index]->is_float) reject(fmt::format("input {} holds floats, expected integers", index));
    return inputs_[index]->ints;
  }
  const auto* found = attribute(name);
  if (found == nullptr) return {};
  return {found->ints().begin(), found->ints().end()};
}

void FoldedNode::reject(const std::string& message) const {
  fail_(message);
  std::abort();
}

void FoldedNode::check_size(const std::vector<std::int64_t>& dims) const {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  std::int64_t fits = 1;
  for (const std::int64_t dim : dims) fits = dim < 0 || fits > kMost ? kMost + 1 : fits * dim;
  if (fits > kMost) reject(fmt::format("fills [{}] elements, expected at most 2^31", join(dims)));
}

std::int64_t element_count(const std::vector<std::int64_t>& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

}  // namespace shiftsim::quantizer
