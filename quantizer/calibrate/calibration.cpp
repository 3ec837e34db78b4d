#include "quantizer/calibrate/calibration.h"

#include <algorithm>

#include "common/error.h"
#include "common/log.h"
#include "quantizer/calibrate/bias_correction.h"
#include "quantizer/calibrate/layer_weights.h"
#include "quantizer/calibrate/signal_to_noise.h"
#include "quantizer/plan/accumulator_rounding.h"

namespace shiftsim::quantizer {

Calibrator::Calibrator(QuantizedNetwork& network, const Recipe& recipe, ThreadPool& workers, ActivationMemory& memory)
    : network_(network),
      plan_(*network.plan),
      recipe_(recipe),
      workers_(workers),
      quantized_(plan_, workers, memory),
      reference_(plan_, workers, memory),
      scales_(network, recipe, workers) {}

std::size_t Calibrator::memory(const Plan& plan, const Recipe& recipe, std::size_t images) {
  std::size_t most = 0;
  for (const PlannedLayer& layer : plan.layers) most = std::max(most, LayerWeights::memory(layer, recipe, images));
  return most;
}

void Calibrator::load(const ImageSet& images, const std::vector<std::size_t>& chosen,
                      const std::vector<std::size_t>& mirrored) {
  for (TensorValues* values : {&quantized_, &reference_}) values->load(images, chosen, mirrored);
}

void Calibrator::release(std::size_t layer) {
  for (TensorValues* values : {&quantized_, &reference_}) values->release(layer);
}

void Calibrator::run(std::size_t index, const LayerTask& task) {
  const PlannedLayer& layer = plan_.layers[index];
  if (layer.has_weights())
    run_weighted(index, task);
  else
    run_unweighted(index, task);
  network_.statistics[index].output_sqnr =
      signal_to_noise(reference_.of(layer.output).values(), quantized_.of(layer.output).values(), workers_);
}

void Calibrator::run_weighted(std::size_t index, const LayerTask& task) {
  const PlannedLayer& layer = plan_.layers[index];
  LayerOp op = TensorValues::op_of(layer);
  Values reference = reference_.forward_float(layer, op);
  settle(index, task, op, reference);
  reference_.set(layer.output, std::move(reference));
  QuantizedLayer& target = network_.layers[index];
  network_.statistics[index].weight_sqnr = signal_to_noise(layer.weight, target.weights(), workers_);
  if (!task.search_weights) return;
  target.searched_exponents.clear();
  for (const WeightQuantizer& quantizer : target.quantizers) target.searched_exponents.push_back(quantizer.exponent);
}

/// Which weights are legal depends on the output's exponent, which depends on the weights: settled after at most a few
/// rounds, and as a rule after one.
void Calibrator::settle(std::size_t index, const LayerTask& task, LayerOp& op, const Values& reference) {
  const PlannedLayer& layer = plan_.layers[index];
  QuantizedLayer& target = network_.layers[index];
  const bool logits = plan_.tensor(layer.output).is_logits;
  LayerWeights weights(network_, index, task.weight_bits.value_or(layer.weight_bits),
                       {quantized_.of(layer.input).data(), images()}, recipe_, workers_);
  if (task.search_weights) weights.search();
  target.bias.assign(target.learned_bias.begin(), target.learned_bias.end());
  if (logits) weights.align_logits();
  constexpr int kRounds = 8;
  for (int round = 0;; ++round) {
    SHIFTSIM_CHECK(round < kRounds, "layer {}: weights and output exponent do not settle", layer.name);
    Values values = output(index, task, op, reference);
    if (logits) return quantized_.set(layer.output, std::move(values));
    if (task.search_activations) search_scale(layer.output, reference, values);
    const auto illegal = task.quantize_activations ? weights.illegal_channels() : std::vector<std::size_t>{};
    if (illegal.empty()) {
      if (task.quantize_activations) scales_.round(layer.output, values, images());
      return quantized_.set(layer.output, std::move(values));
    }
    spdlog::debug("{}: {} channels searched again to keep shifts and bias within range", layer.name, illegal.size());
    weights.search_again(illegal);
  }
}

/// The quantized layer's output before its own quantization, biases rounded as the accumulator does; sets the corrected
/// bias where the recipe wants it.
Calibrator::Values Calibrator::output(std::size_t index, const LayerTask& task, LayerOp& op, const Values& reference) {
  const PlannedLayer& layer = plan_.layers[index];
  const QuantizedLayer& target = network_.layers[index];
  // Activations that stay float are no accumulator's steps.
  const AccumulatorRounding rounding =
      task.quantize_activations ? AccumulatorRounding(network_, index) : AccumulatorRounding();
  op.set_weights(target.weights(), rounding.biases(target.learned_bias));
  op.set_residual_steps(rounding.residual_steps());
  Values values = quantized_.forward(layer, op);
  const std::vector<float> correction = recipe_.bias_correction
                                            ? correct_bias(network_, index, rounding, reference, values, workers_)
                                            : std::vector<float>();
  quantized_.activate(layer, values, correction);
  return values;
}

void Calibrator::search_scale(int tensor, const Values& reference, const Values& quantized) {
  scales_.search(tensor, recipe_.activation_source == ActivationSource::kFloat ? reference : quantized);
}

void Calibrator::run_unweighted(std::size_t index, const LayerTask& task) {
  const PlannedLayer& layer = plan_.layers[index];
  for (TensorValues* values : {&quantized_, &reference_}) values->run(layer);
  const auto in = static_cast<std::size_t>(layer.input), out = static_cast<std::size_t>(layer.output);
  if (!layer.requantizes()) {
    network_.exponents[out] = network_.exponents[in];
    network_.mantissas[out] = network_.mantissas[in];
    return;
  }
  if (task.search_activations) search_scale(layer.output, reference_.of(layer.output), quantized_.of(layer.output));
  if (task.quantize_activations) scales_.round(layer.output, quantized_.of(layer.output), images());
}

}  // namespace shiftsim::quantizer
