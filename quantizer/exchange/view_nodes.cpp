#include "quantizer/exchange/view_nodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "common/index.h"

namespace shiftsim::quantizer {

namespace {

/// Rows or columns of what a view joins, and which of them it shows.
struct Side {
  std::int64_t axis;
  int size, first, count;
};

/// A node of a view, behind its first input.
struct ViewStep {
  std::string type;
  std::vector<std::string> more_inputs;
  std::vector<OnnxWriter::Attribute> attributes;
};

ViewStep slice_step(ExportState& state, const qnet::Layer& layer, std::int64_t axis, std::int64_t first,
                    std::int64_t end) {
  const std::string name = fmt::format("{}/axis{}", layer.name, axis);
  return {"Slice",
          {state.writer.ints(name + "_first", {&first, 1}), state.writer.ints(name + "_end", {&end, 1}),
           state.writer.ints(name, {&axis, 1})},
          {}};
}

/// Neighbours are a Slice, others a Gather.
ViewStep channel_step(ExportState& state, const qnet::Layer& layer) {
  const std::vector<std::int64_t> picked(layer.channels.begin(), layer.channels.end());
  const auto leap = [](std::int64_t a, std::int64_t b) { return b != a + 1; };
  if (std::adjacent_find(picked.begin(), picked.end(), leap) != picked.end())
    return {"Gather", {state.writer.ints(layer.name + "/channels", picked)}, {{"axis", std::int64_t{1}}}};
  return slice_step(state, layer, 1, picked.front(), picked.back() + 1);
}

ViewStep repetition_step(ExportState& state, const qnet::Layer& layer) {
  const float times[] = {1, 1, static_cast<float>(layer.view.upsample_h), static_cast<float>(layer.view.upsample_w)};
  return {"Resize",
          {"", state.writer.floats(layer.name + "/times", {4}, times)},
          {{"mode", std::string("nearest")},
           {"nearest_mode", std::string("floor")},
           {"coordinate_transformation_mode", std::string("asymmetric")}}};
}

}  // namespace

void write_view(ExportState& state, const qnet::Layer& layer) {
  const qnet::Tensor& input = state.network.in(layer);
  const qnet::Tensor& output = state.network.out(layer);
  int channels = input.channels;
  Side height{2, input.height, layer.view.crop_top, output.height / layer.view.upsample_h};
  Side width{3, input.width, layer.view.crop_left, output.width / layer.view.upsample_w};
  std::vector<ViewStep> steps;
  if (layer.residual >= 0) {
    const qnet::Tensor& joined = state.network.tensors[index(layer.residual)];
    const auto axis = static_cast<std::int64_t>(layer.view.join) + 1;
    steps.push_back({"Concat", {state.values[index(layer.residual)]}, {{"axis", axis}}});
    if (layer.view.join == qnet::JoinAxis::kChannels) channels += joined.channels;
    if (layer.view.join == qnet::JoinAxis::kHeight) height.size += joined.height;
    if (layer.view.join == qnet::JoinAxis::kWidth) width.size += joined.width;
  }
  std::vector<std::int32_t> all(index(channels));
  std::iota(all.begin(), all.end(), 0);
  if (layer.channels != all) steps.push_back(channel_step(state, layer));
  for (const Side& side : {height, width})
    if (side.count != side.size)
      steps.push_back(slice_step(state, layer, side.axis, side.first, side.first + side.count));
  if (layer.view.upsample_h != 1 || layer.view.upsample_w != 1) steps.push_back(repetition_step(state, layer));
  if (steps.empty()) steps.push_back({"Identity", {}, {}});
  std::string y = state.values[index(layer.input)];
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool last = i + 1 == steps.size();
    std::vector<std::string> inputs{y};
    inputs.insert(inputs.end(), steps[i].more_inputs.begin(), steps[i].more_inputs.end());
    y = state.writer.node(steps[i].type, last ? layer.name : fmt::format("{}/{}_{}", layer.name, steps[i].type, i),
                          inputs, state.writer.unique(last ? output.name : layer.name + "/joined"),
                          steps[i].attributes);
  }
  state.values[index(layer.output)] = y;
}

}  // namespace shiftsim::quantizer
