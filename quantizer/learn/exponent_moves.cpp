#include "quantizer/learn/exponent_moves.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "common/error.h"
#include "quantizer/plan/legality.h"

namespace shiftsim::quantizer {

namespace {

/// A step of the scales of tensors, or of the channels of a layer that have an exponent in common.
struct Move {
  std::vector<std::pair<int, int>> tensors;  ///< tensor, by how many powers of two
  int layer = -1, exponent = 0, by = 0;      ///< layer -1: none
};

/// The tensor whose scale this one has: a max pool hands codes on.
int owner_of_scale(const Plan& plan, int tensor) {
  for (auto layer = plan.layers.rbegin(); layer != plan.layers.rend(); ++layer)
    if (!layer->requantizes() && layer->output == tensor) tensor = layer->input;
  return tensor;
}

/// The first layer that the move changes.
std::size_t first_layer(const Plan& plan, const Move& move) {
  for (std::size_t i = 0; i < plan.layers.size(); ++i)
    if (static_cast<int>(i) == move.layer ||
        std::ranges::any_of(move.tensors, [&](const auto& moved) { return moved.first == plan.layers[i].output; }))
      return i;
  SHIFTSIM_CHECK(false, "a move of nothing");
}

std::vector<Move> moves_of(const QuantizedNetwork& network) {
  constexpr std::size_t kFewest = 20;  // a group of less than one channel in so many is left alone
  const Plan& plan = *network.plan;
  std::vector<Move> moves;
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const PlannedLayer& layer = plan.layers[i];
    if (plan.moves_scale(layer))
      for (const int by : {-1, 1}) moves.push_back({{{layer.output, by}}, -1, 0, 0});
    const std::vector<WeightQuantizer>& quantizers = network.layers[i].quantizers;
    std::set<int> exponents;
    for (const WeightQuantizer& quantizer : quantizers) exponents.insert(quantizer.exponent);
    for (const int exponent : exponents) {
      const auto members = static_cast<std::size_t>(
          std::count_if(quantizers.begin(), quantizers.end(),
                        [&](const WeightQuantizer& quantizer) { return quantizer.exponent == exponent; }));
      if (members * kFewest < quantizers.size()) continue;
      for (const int by : {-1, 1}) moves.push_back({{}, static_cast<int>(i), exponent, by});
    }
    const int input = owner_of_scale(plan, layer.input);
    if (input > 0 && !plan.tensor(input).is_joined && plan.moves_scale(layer))
      for (const int by : {-1, 1}) moves.push_back({{{input, by}, {layer.output, -by}}, -1, 0, 0});
  }
  return moves;
}

/// The channel's integer weights at steps 'by' powers of two coarser.
void move_channel(QuantizedLayer& layer, std::size_t k, int by, const Recipe& recipe) {
  const std::size_t fan = layer.integer_weights.size() / layer.quantizers.size();
  WeightQuantizer& quantizer = layer.quantizers[k];
  std::vector<float> values(fan);
  for (std::size_t i = 0; i < fan; ++i)
    values[i] = static_cast<float>(quantizer.value(layer.integer_weights[k * fan + i]));
  quantizer.exponent += by;
  if (recipe.offsets && quantizer.bits < 8) quantizer.offset = best_offset(values, quantizer, recipe.norm);
  for (std::size_t i = 0; i < fan; ++i)
    layer.integer_weights[k * fan + i] = static_cast<std::int8_t>(quantizer.quantize(values[i]));
}

/// Does the move; false where it changes nothing, as its group is gone.
bool make_move(const Move& move, const Recipe& recipe, QuantizedNetwork& network) {
  for (const auto& [tensor, by] : move.tensors) {
    std::vector<double> steps = network.steps(tensor);
    for (double& step : steps) step = std::ldexp(step, by);
    network.set_steps(tensor, steps);
  }
  if (move.layer < 0) return true;
  QuantizedLayer& layer = network.layers[static_cast<std::size_t>(move.layer)];
  bool any = false;
  for (std::size_t k = 0; k < layer.quantizers.size(); ++k) {
    if (layer.quantizers[k].exponent != move.exponent) continue;
    move_channel(layer, k, move.by, recipe);
    any = true;
  }
  return any;
}

void show(const Move& move, const QuantizedNetwork& network, HeldOutDivergence& held_out) {
  for (const auto& [tensor, by] : move.tensors) held_out.set_tensor(network, tensor);
  if (move.layer >= 0) held_out.set_layer(network, static_cast<std::size_t>(move.layer));
}

/// What the move changes, as it was.
struct Saved {
  std::vector<std::vector<double>> steps;
  QuantizedLayer layer;

  Saved(const Move& move, const QuantizedNetwork& network) {
    for (const auto& [tensor, by] : move.tensors) steps.push_back(network.steps(tensor));
    if (move.layer >= 0) layer = network.layers[static_cast<std::size_t>(move.layer)];
  }
  void restore(const Move& move, QuantizedNetwork& network) const {
    for (std::size_t i = 0; i < steps.size(); ++i) network.set_steps(move.tensors[i].first, steps[i]);
    if (move.layer >= 0) network.layers[static_cast<std::size_t>(move.layer)] = layer;
  }
};

}  // namespace

MovesResult move_exponents(HeldOutDivergence& held_out, ActivationMemory& memory, const Recipe& recipe, int passes,
                           QuantizedNetwork& network, const std::function<void(int, int)>& progress) {
  MovesResult result;
  held_out.hardest_first();
  result.before = result.after = held_out.loss();
  for (int pass = 0; pass < passes; ++pass) {
    const int taken_before = result.taken;
    const std::vector<Move> moves = moves_of(network);
    std::vector<std::size_t> starts(moves.size());  // no move from here on changes an earlier layer
    for (std::size_t i = moves.size(), start = network.plan->layers.size(); i-- > 0;)
      starts[i] = start = std::min(start, first_layer(*network.plan, moves[i]));
    for (std::size_t i = 0; i < moves.size(); ++i) {
      const Move& move = moves[i];
      held_out.start_at(network, starts[i], memory);
      const Saved saved(move, network);
      if (!make_move(move, recipe, network)) continue;
      show(move, network, held_out);
      ++result.tried;
      const double found = held_out.loss(result.after);
      if (found < result.after && (recipe.scales == Scales::kFree || is_legal(network, recipe))) {
        result.after = found;
        ++result.taken;
      } else {
        saved.restore(move, network);
        show(move, network, held_out);
      }
      if (progress) progress(static_cast<int>(i + 1), static_cast<int>(moves.size()));
    }
    held_out.set(network);
    if (result.taken == taken_before) break;
  }
  return result;
}

}  // namespace shiftsim::quantizer
