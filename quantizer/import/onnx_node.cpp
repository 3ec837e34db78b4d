#include "quantizer/import/onnx_node.h"

#include <onnx/onnx_pb.h>

#include <cmath>

namespace shiftsim::quantizer {

namespace {

/// "/features/features.3/Add", as PyTorch nests module names, to "features.3.Add".
std::string dotted(const std::string& path) {
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

}  // namespace

const std::string& OnnxNode::type() const {
  return proto_.op_type();
}

bool OnnxNode::is_standard() const {
  return proto_.domain().empty() || proto_.domain() == "ai.onnx";
}

std::string OnnxNode::label() const {
  if (!proto_.name().empty()) return proto_.name();
  return proto_.output_size() > 0 ? proto_.output(0) : "(no name)";
}

std::string OnnxNode::layer_name(int weight_input) const {
  std::string name = label();
  const std::string suffix = ".weight";
  if (weight_input >= 0 && has_input(weight_input)) {
    const std::string& weight = proto_.input(weight_input);
    if (weight.size() > suffix.size() && weight.ends_with(suffix))
      name = weight.substr(0, weight.size() - suffix.size());
  }
  return dotted(name);
}

int OnnxNode::input_count() const {
  return proto_.input_size();
}

const std::string& OnnxNode::input_name(int index) const {
  return proto_.input(index);
}

int OnnxNode::output_count() const {
  return proto_.output_size();
}

const std::string& OnnxNode::output_name(int index) const {
  static const std::string none;
  return index < proto_.output_size() ? proto_.output(index) : none;
}

bool OnnxNode::has_input(int index) const {
  return index < proto_.input_size() && !proto_.input(index).empty();
}

const Value& OnnxNode::input(int index) const {
  if (!has_input(index)) fail("input {} is missing", index);
  const auto found = values_.find(proto_.input(index));
  if (found == values_.end())
    fail("reads '{}', which no earlier node, initializer or input defines", proto_.input(index));
  return found->second;
}

bool OnnxNode::is_constant(int index) const {
  return std::holds_alternative<Constant>(input(index));
}

const Constant& OnnxNode::constant(int index) const {
  if (const auto* value = std::get_if<Constant>(&input(index))) return *value;
  fail("input {} ('{}') must be constant", index, proto_.input(index));
}

const Constant& OnnxNode::floats(int index) const {
  const Constant& value = constant(index);
  if (!value.is_float) fail("input {} ('{}') holds integers, expected floats", index, proto_.input(index));
  for (const float x : value.floats)
    if (!std::isfinite(x)) fail("input {} ('{}') holds a value that is not finite", index, proto_.input(index));
  return value;
}

const std::vector<std::int64_t>& OnnxNode::ints(int index) const {
  const Constant& value = constant(index);
  if (value.is_float) fail("input {} ('{}') holds floats, expected integers", index, proto_.input(index));
  return value.ints;
}

double OnnxNode::scalar(int index) const {
  const Constant& value = constant(index);
  if (value.size() != 1) fail("input {} ('{}') has {} values, expected one", index, proto_.input(index), value.size());
  return value.is_float ? static_cast<double>(value.floats[0]) : static_cast<double>(value.ints[0]);
}

const Activation& OnnxNode::activation(int index) const {
  if (const auto* value = std::get_if<Activation>(&input(index))) return *value;
  fail("input {} ('{}') is a constant, expected an activation", index, proto_.input(index));
}

const onnx::AttributeProto* OnnxNode::attribute(const std::string& name) const {
  for (const auto& candidate : proto_.attribute())
    if (candidate.name() == name) return &candidate;
  return nullptr;
}

std::int64_t OnnxNode::attribute_int(const std::string& name, std::int64_t fallback) const {
  const auto* found = attribute(name);
  return found != nullptr ? found->i() : fallback;
}

double OnnxNode::attribute_float(const std::string& name, double fallback) const {
  const auto* found = attribute(name);
  return found != nullptr ? static_cast<double>(found->f()) : fallback;
}

std::string OnnxNode::attribute_string(const std::string& name, const std::string& fallback) const {
  const auto* found = attribute(name);
  return found != nullptr ? found->s() : fallback;
}

std::vector<std::int64_t> OnnxNode::attribute_ints(const std::string& name, std::vector<std::int64_t> fallback) const {
  const auto* found = attribute(name);
  if (found == nullptr) return fallback;
  return {found->ints().begin(), found->ints().end()};
}

std::vector<float> OnnxNode::attribute_floats(const std::string& name) const {
  const auto* found = attribute(name);
  if (found == nullptr) return {};
  return {found->floats().begin(), found->floats().end()};
}

std::vector<std::int64_t> OnnxNode::attribute_or_input(const std::string& name, int index) const {
  return has_input(index) ? ints(index) : attribute_ints(name, {});
}

int OnnxNode::small(std::int64_t value, std::int64_t low, const char* what) const {
  if (value < low || value > kLargestSize) fail("{} is {}, expected {} to {}", what, value, low, kLargestSize);
  return static_cast<int>(value);
}

std::size_t OnnxNode::axis_index(std::int64_t axis, std::size_t rank) const {
  const std::int64_t index = axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis;
  if (index < 0 || index >= static_cast<std::int64_t>(rank)) fail("axis {} of a tensor of rank {}", axis, rank);
  return static_cast<std::size_t>(index);
}

}  // namespace shiftsim::quantizer
