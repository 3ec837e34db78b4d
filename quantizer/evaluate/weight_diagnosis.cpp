#include "quantizer/evaluate/weight_diagnosis.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "quantizer/search/weight_search.h"

namespace shiftsim::quantizer {

namespace {

constexpr double kSquares = 2;  // the norm of all noise here, as SQNR counts it

/// The least noise of any grid with these bits: the better of this grid with another step and of a search of its own.
double best_free_noise(std::span<const float> weights, const WeightGrid& grid) {
  const double step = best_free_step(weights, grid, kSquares);
  double best = grid_error(weights, grid, kSquares);
  for (const WeightGrid& free :
       {WeightGrid::free(grid.bits, step, grid.offset), search_free_grid(weights, grid.bits, kSquares)})
    best = std::min(best, grid_error(weights, free, kSquares));
  return best;
}

void add_channel(WeightDiagnosis& result, std::span<const float> weights, std::span<const std::int8_t> codes,
                 const WeightGrid& grid) {
  std::set<int> used;
  bool zero = true;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double weight = weights[i], error = weight - grid.value(codes[i]);
    const double place = weight / grid.step() - grid.offset * 0.5 + 0.5, code = std::floor(place);
    const bool clipped = code < grid.low() || code > grid.high();
    result.noise.signal += weight * weight;
    (clipped ? result.noise.clipping : result.noise.rounding) += error * error;
    if (clipped) ++result.clipped;
    if (place == code && code > grid.low() && code <= grid.high()) ++result.ties;
    if (codes[i] == grid.low() || codes[i] == grid.high()) ++result.saturated;
    if (codes[i] != grid.quantize(weight)) ++result.moved;
    if (grid.value(codes[i]) != 0) zero = false;
    used.insert(codes[i]);
  }
  const std::size_t usable = std::min(std::size_t{1} << grid.bits, weights.size());
  result.codes += usable;
  result.dead_codes += usable - used.size();
  if (zero) ++result.zero_channels;
}

}  // namespace

WeightDiagnosis diagnose_weights(std::span<const float> weights, const QuantizedLayer& layer) {
  WeightDiagnosis result;
  result.weights = weights.size();
  result.channels = layer.grids.size();
  result.exponents_searched = layer.searched_exponents;
  if (layer.grids.empty()) return result;
  result.bits = layer.grids.front().bits;
  const std::size_t fan = weights.size() / layer.grids.size();
  double bound = 0, free = 0;
  for (std::size_t k = 0; k < layer.grids.size(); ++k) {
    const WeightGrid& grid = layer.grids[k];
    const auto channel = weights.subspan(k * fan, fan);
    add_channel(result, channel, std::span(layer.codes).subspan(k * fan, fan), grid);
    result.exponents.push_back(grid.exponent);
    const double noise = grid_error(channel, grid, kSquares), best = best_free_noise(channel, grid);
    bound += noise;
    free += best;
    result.worst_power_of_two_loss_db = std::max(result.worst_power_of_two_loss_db, decibels(noise, best));
  }
  result.power_of_two_loss_db = decibels(bound, free);
  return result;
}

}  // namespace shiftsim::quantizer
