#include "quantizer/learn/learning_speed.h"

#include <chrono>
#include <random>
#include <vector>

#include "quantizer/learn/learned.h"
#include "quantizer/learn/unit_model.h"

namespace shiftsim::quantizer {

namespace {

std::vector<float> random_values(std::size_t count) {
  std::mt19937 random(1);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random() % 1024) / 1024.0f;
  return values;
}

}  // namespace

double seconds_an_iteration(const Plan& plan, const Unit& unit, int batch, ThreadPool& workers) {
  const BatchSplit split(batch, static_cast<std::size_t>(batch), workers.threads());
  UnitModel model(plan, unit, split.chunk, split.slots, UnitModel::Use::kTraining, split.areas);
  for (int i = unit.first; i <= unit.last; ++i) {
    const PlannedLayer& layer = plan.layers[static_cast<std::size_t>(i)];
    if (layer.has_weights()) model.set_weights(i, layer.weight, layer.bias);
    if (plan.has_scale(layer)) model.set_quantizer(layer.output, {true, 0.5, {0.125}});
  }
  std::vector<std::vector<float>> inputs;
  std::vector<const float*> pointers;
  for (const int tensor : unit.inputs) {
    inputs.push_back(random_values(split.chunk * plan.tensor(tensor).shape.size()));
    pointers.push_back(inputs.back().data());
  }
  const std::vector<float> gradient = random_values(split.chunk * plan.tensor(unit.output).shape.size());
  std::vector<std::vector<float>> gradients(split.slots);
  double seconds = 0;
  for (int iteration = 0; iteration < 2; ++iteration) {
    for (auto& of_slot : gradients) of_slot = gradient;
    const auto start = std::chrono::steady_clock::now();
    workers.run(model.slots(), [&](std::size_t slot, std::size_t thread) {
      model.forward(model.place(slot, thread), pointers, split.chunk, 1);
      model.backward(slot, gradients[slot].data(), true);
    });
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return seconds;
}

}  // namespace shiftsim::quantizer
