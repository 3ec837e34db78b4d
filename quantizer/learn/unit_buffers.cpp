#include "quantizer/learn/unit_buffers.h"

#include <algorithm>

#include "quantizer/learn/arena_plan.h"

namespace shiftsim::quantizer {

UnitLayout::UnitLayout(const Plan& plan, const Unit& unit, std::size_t chunk, UnitUse use, const std::vector<int>& kept)
    : layers_(static_cast<std::size_t>(unit.last - unit.first + 1)) {
  // Steps: layer i forward is step i, backward step 2n - 1 - i.
  const std::size_t n = layers_, end = 2 * n;
  const auto layer = [&](std::size_t i) -> const PlannedLayer& {
    return plan.layers[static_cast<std::size_t>(unit.first) + i];
  };
  std::vector<Lifetime> arrays(4 * n);
  for (std::size_t i = 0; i < n; ++i) {
    const int tensor = layer(i).output;
    const std::size_t size = chunk * plan.tensor(tensor).shape.size();
    const bool is_output = i + 1 == n;
    std::size_t last_reader = i;
    for (std::size_t j = i + 1; j < n; ++j)
      if (layer(j).input == tensor || layer(j).residual == tensor) last_reader = j;
    if (use == UnitUse::kInference) {
      const bool stays = is_output || std::ranges::find(kept, tensor) != kept.end();
      arrays[i] = {size, i, i};
      arrays[n + i] = {size, i, stays ? end : last_reader};
      continue;
    }
    arrays[i] = {size, i, end};
    arrays[n + i] = {size, i, end};
    if (!is_output) arrays[2 * n + i] = {size, end - 1 - last_reader, end - 1 - i};
    const int input = layer(i).input;
    const bool is_inside = std::ranges::find(unit.inputs, input) == unit.inputs.end();
    bool was_read = layer(i).residual == input;  // by what comes earlier in the backward pass
    for (std::size_t j = i + 1; j < n; ++j)
      was_read = was_read || layer(j).input == input || layer(j).residual == input;
    if (is_inside && was_read && LayerOp::needs_share(layer(i).kind))
      arrays[3 * n + i] = {chunk * layer(i).geometry.input.size(), end - 1 - i, end - 1 - i};
  }
  ArenaPlan arena = plan_arena(arrays);
  offsets_ = std::move(arena.offsets);
  size_ = arena.size;
}

}  // namespace shiftsim::quantizer
