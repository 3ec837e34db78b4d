#include "quantizer/plan/planned_input.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

double mean(const qnet::InputSpec& spec, std::size_t c) {
  return spec.mean[spec.mean.size() == 1 ? 0 : c];
}
double deviation(const qnet::InputSpec& spec, std::size_t c) {
  return spec.std_dev[spec.std_dev.size() == 1 ? 0 : c];
}

/// The recipe's normalization and the graph's own in one.
qnet::InputSpec joint_normalization(const Graph& graph, const Recipe& recipe, const std::string& where) {
  const auto channels = static_cast<std::size_t>(graph.input().shape.channels);
  qnet::InputSpec spec = recipe.input;
  for (auto* list : {&spec.mean, &spec.std_dev}) {
    if (list->size() != 1 && list->size() != channels)
      fail("{}: takes images of {} channels, the recipe's input section has {} values in {}", where, channels,
           list->size(), list == &spec.mean ? "mean" : "std");
  }
  const bool own = std::any_of(graph.input_scale.begin(), graph.input_scale.end(), [](float x) { return x != 1; }) ||
                   std::any_of(graph.input_shift.begin(), graph.input_shift.end(), [](float x) { return x != 0; });
  if (!own) return spec;
  spec.mean.resize(channels, spec.mean[0]);
  spec.std_dev.resize(channels, spec.std_dev[0]);
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale = graph.input_scale[c], shift = graph.input_shift[c];
    if (!(scale > 0)) fail("{}: multiplies the image by {}, expected a positive factor", where, scale);
    spec.mean[c] -= shift / scale * spec.std_dev[c];
    spec.std_dev[c] /= scale;
  }
  return spec;
}

}  // namespace

void plan_input(const Graph& graph, const Recipe& recipe, const std::string& where, Plan& plan) {
  const Shape& shape = graph.input().shape;
  const qnet::InputSpec spec = joint_normalization(graph, recipe, where);
  for (std::size_t c = 0; c < static_cast<std::size_t>(shape.channels); ++c) {
    const double pad = std::round(spec.scale * mean(spec, c));
    if (!(pad >= 0 && pad <= 255))
      fail(
          "{}: a mean of {} at scale {} makes the padding value {}, which is no pixel (0 to 255): see the recipe's "
          "input section",
          where, mean(spec, c), spec.scale, pad);
    plan.pad_values.push_back(static_cast<int>(pad));
  }
  plan.input_spec = spec;
  PlannedTensor image;
  image.name = graph.input().name;
  image.shape = shape;
  image.node = 0;
  image.policy = "pixels";
  plan.tensors.push_back(std::move(image));
}

void fold_normalization(const Plan& plan, PlannedLayer& layer) {
  const std::size_t fan = layer.weight.size() / layer.bias.size();
  const auto window = layer.geometry.window.taps();
  const std::size_t group_inputs = fan / window;
  const std::size_t group_outputs = layer.bias.size() / static_cast<std::size_t>(layer.geometry.groups);
  for (std::size_t k = 0; k < layer.bias.size(); ++k) {
    const std::size_t first = k / group_outputs * group_inputs;
    double bias = layer.bias[k];
    for (std::size_t j = 0; j < fan; ++j) {
      const std::size_t c = first + j / window;
      float& weight = layer.weight[k * fan + j];
      const double per_pixel = weight / (plan.input_spec.scale * deviation(plan.input_spec, c));
      // The layer sees pixel - pad_value; what the rounding of the padding value leaves goes into the bias.
      bias += per_pixel * (plan.pad_values[c] - plan.input_spec.scale * mean(plan.input_spec, c));
      weight = static_cast<float>(per_pixel);
    }
    layer.bias[k] = static_cast<float>(bias);
  }
}

}  // namespace shiftsim::quantizer
