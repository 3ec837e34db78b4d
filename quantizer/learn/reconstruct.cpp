#include "quantizer/learn/reconstruct.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/log.h"
#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/learn/hard_unit.h"
#include "quantizer/learn/learned.h"
#include "quantizer/learn/learned_steps.h"
#include "quantizer/learn/soft_layer.h"
#include "quantizer/learn/unit_batches.h"
#include "quantizer/learn/unit_model.h"

namespace shiftsim::quantizer {

namespace {

class UnitReconstruction {
public:
  UnitReconstruction(const Unit& unit, const UnitData& data, const Recipe& recipe, const UnitTask& task,
                     ThreadPool& workers, QuantizedNetwork& network)
      : plan_(*network.plan),
        unit_(unit),
        recipe_(recipe),
        options_(recipe.reconstruction),
        task_(task),
        workers_(workers),
        network_(network),
        split_(options_.batch, data.images, workers.threads()),
        model_(plan_, unit, split_.chunk, split_.slots, UnitModel::Use::kTraining, split_.areas),
        batches_(plan_, data, task, split_, model_) {
    make_layers();
    make_tensors();
  }

  UnitLoss run(const std::function<void(int)>& progress) {
    UnitLoss loss;
    HardUnit hard(network_, model_, batches_, workers_, layer_indices(), tensor_indices(), task_.quantized_inside);
    const HardUnit::Values before = hard.values();
    hard.set();
    loss.before = hard.loss();
    make_bias_units();
    relaxed_ = task_.weights && options_.relax_exponents && !free_scales();
    const int relaxed_until = relaxed_ ? std::max(1, static_cast<int>(options_.exponent_share * task_.iterations)) : 0;
    if (relaxed_) start_exponents();
    for (int i = 0; i < task_.iterations; ++i) {
      if (relaxed_ && i == relaxed_until) harden_exponents();
      iterate(i, relaxed_until);
      if (progress) progress(i + 1);
    }
    if (relaxed_) harden_exponents();
    harden();
    if (options_.average > 0) take_better_average(hard);
    hard.set();
    loss.after = hard.loss();
    if (!(loss.after < loss.before)) {
      hard.restore(before);
      loss.after = loss.before;
    }
    if (options_.exponent_moves && task_.quantized_inside) {
      hard.set();
      hard.move_exponents(loss.after);
    }
    return loss;
  }

private:
  bool free_scales() const { return recipe_.scales == Scales::kFree; }
  QuantizedLayer& target(const SoftLayer& soft) const { return network_.layers[static_cast<std::size_t>(soft.index)]; }

  /// The rounding variables averaged over iterations, where they are better than the last ones.
  void take_better_average(HardUnit& hard) {
    hard.set();
    const double last = hard.loss();
    const HardUnit::Values values = hard.values();
    for (SoftLayer& soft : layers_) std::swap(soft.average, soft.rounding.value);
    harden();
    hard.set();
    const double averaged = hard.loss();
    std::size_t changed = 0;
    const HardUnit::Values now = hard.values();
    for (std::size_t l = 0; l < now.layers.size(); ++l)
      for (std::size_t i = 0; i < now.layers[l].codes.size(); ++i)
        changed += now.layers[l].codes[i] != values.layers[l].codes[i];
    spdlog::debug("{}: averaged {:.5g}, last {:.5g}, {} codes differ", unit_.name, averaged, last, changed);
    if (!(averaged < last)) hard.restore(values);
  }

  // ---- set up ----

  void make_layers() {
    for (int i = unit_.first; i <= unit_.last; ++i) {
      const PlannedLayer& layer = plan_.layers[static_cast<std::size_t>(i)];
      if (!layer.has_weights()) continue;
      SoftLayer soft(network_, i, recipe_);
      append_blocks(layers_.size(), soft.channels(), soft.fan, blocks_);
      layers_.push_back(std::move(soft));
    }
  }

  void make_tensors() {
    for (int i = unit_.first; i <= unit_.last; ++i) {
      const PlannedLayer& layer = plan_.layers[static_cast<std::size_t>(i)];
      if (!plan_.moves_scale(layer)) continue;
      tensors_.emplace_back(network_, layer.output, free_scales());
    }
    set_quantizers(options_.drop);
  }

  std::vector<int> layer_indices() const {
    std::vector<int> result;
    for (const SoftLayer& soft : layers_) result.push_back(soft.index);
    return result;
  }
  std::vector<int> tensor_indices() const {
    std::vector<int> result;
    for (const LearnedSteps& learned : tensors_) result.push_back(learned.tensor());
    return result;
  }

  void set_quantizers(double drop) {
    for (const LearnedSteps& learned : tensors_)
      model_.set_quantizer(learned.tensor(), {task_.quantized_inside, 1 - drop, learned.steps(), task_.weighted});
  }

  /// Biases are learned in units of their layer's output's spread, or one rate could not suit all.
  void make_bias_units() {
    if (!learns_bias()) return;
    batches_.draw(0, 0);
    batches_.forward(0, 0);
    for (SoftLayer& soft : layers_)
      soft.bias_unit = static_cast<float>(std::sqrt(variance(model_.values(0, soft.layer->output, true))));
  }

  bool learns_bias() const { return task_.weights && options_.learn_bias; }

  // ---- an iteration ----

  /// b of the regularizer: 20 until the warm-up ends, then linearly to 2 (AdaRound).
  kernels::RoundingRegularizer regularizer(int iteration, int first) const {
    const double span = task_.iterations - first;
    const double done = (iteration - first) / std::max(span, 1.0);
    if (done < options_.warmup) return {};
    const double part = (done - options_.warmup) / std::max(1 - options_.warmup, 1e-9);
    return {static_cast<float>(options_.rounding_weight), static_cast<float>(20 - 18 * part)};
  }

  void iterate(int iteration, int relaxed_until) {
    const bool relaxed = relaxed_ && iteration < relaxed_until;
    if (task_.weights) {
      const double done = static_cast<double>(iteration) / task_.iterations;
      for (SoftLayer& soft : layers_) soft.now_slope = SoftRounding::at(done, recipe_.network.slope).slope;
      workers_.run(blocks_.size(), [&](std::size_t b, std::size_t) {
        const ChannelBlock& block = blocks_[b];
        SoftLayer& soft = layers_[block.layer];
        for (std::size_t k = block.begin; k < block.end; ++k) soft.set_weights(k, relaxed);
      });
      workers_.run(layers_.size(), [&](std::size_t i, std::size_t) {
        model_.set_weights(layers_[i].index, layers_[i].weights, layers_[i].bias_now);
      });
    }
    if (task_.activations) set_quantizers(options_.drop);
    batches_.draw(static_cast<std::uint64_t>(iteration), options_.drop);
    workers_.run(model_.slots(), [&](std::size_t slot, std::size_t thread) {
      const UnitModel::Place at = model_.place(slot, thread);
      batches_.forward_loss(at, static_cast<std::uint64_t>(iteration));
      model_.backward(slot, batches_.gradient(at.area), task_.weights);
    });
    if (task_.weights) step_weights(iteration, relaxed_until, relaxed);
    if (task_.activations) step_activations(iteration);
  }

  void step_weights(int iteration, int relaxed_until, bool relaxed) {
    const int first = relaxed ? 0 : relaxed_until;
    const kernels::RoundingRegularizer pull = relaxed ? kernels::RoundingRegularizer{} : regularizer(iteration, first);
    const int step = iteration - first + 1;
    workers_.run(blocks_.size(), [&](std::size_t b, std::size_t) {
      const ChannelBlock& block = blocks_[b];
      SoftLayer& soft = layers_[block.layer];
      const std::size_t begin = block.begin * soft.fan, count = (block.end - block.begin) * soft.fan;
      float* gradient = soft.weight_gradient.data() + begin;
      std::copy_n(model_.weight_gradient(0, soft.index).data() + begin, count, gradient);
      for (std::size_t slot = 1; slot < model_.slots(); ++slot)
        kernels::add(gradient, model_.weight_gradient(slot, soft.index).data() + begin, count);
      for (std::size_t k = block.begin; k < block.end; ++k) {
        float bias = 0;
        for (std::size_t slot = 0; slot < model_.slots(); ++slot) bias += model_.bias_gradient(slot, soft.index)[k];
        soft.bias.gradient[k] = bias * soft.bias_unit;
        if (soft.soft) {
          soft.soft_backward(k);
          continue;
        }
        const float step_gradient =
            kernels::soft_weights_backward(soft.channel(k, relaxed), soft.weight_gradient.data() + k * soft.fan, pull,
                                           soft.rounding.gradient.data() + k * soft.fan);
        if (relaxed) soft.exponent_gradient(k, step_gradient, options_.rounding_weight, iteration, relaxed_until);
      }
      const double done = static_cast<double>(iteration) / task_.iterations;
      // A fifth of AdaRound's rate: places move by steps, and v by a few units from one integer to the next.
      soft.rounding.adam(begin, count, soft.soft ? 0.2 * task_.rounding_rate * cosine_decay(done) : task_.rounding_rate,
                         step);
      if (soft.soft)
        for (std::size_t k = block.begin; k < block.end; ++k)
          keep_in_range(LatentChannel::of(soft.grids[k], soft.fan), soft.rounding.value.data() + k * soft.fan);
      if (options_.average > 0) soft.average_rounding(block.begin, block.end, options_.average);
      if (relaxed)
        soft.exponent.adam(block.begin, block.end - block.begin, exponent_rate(relaxed_until), iteration + 1);
      if (learns_bias()) soft.bias.adam(block.begin, block.end - block.begin, options_.bias_rate, iteration + 1);
    });
  }

  // ---- relaxed exponents (RAPQ) ----

  /// Fast enough that an exponent can cross from one integer to the next within its phase: v has to move by about 5,
  /// and published rates leave most of them half way.
  static double exponent_rate(int iterations) { return std::max(1e-3, 10.0 / iterations); }

  void start_exponents() {
    for (SoftLayer& soft : layers_)
      workers_.run(soft.channels(), [&](std::size_t k, std::size_t) { soft.relax_exponent(k, recipe_.norm); });
  }

  /// Rounds the exponents, searches the offsets that suit them, and starts the rounding afresh from there.
  void harden_exponents() {
    if (!relaxed_) return;
    relaxed_ = false;
    for (SoftLayer& soft : layers_) {
      workers_.run(soft.channels(), [&](std::size_t k, std::size_t) { soft.harden_exponent(k, recipe_); });
      soft.start_rounding();
    }
  }

  // ---- activation scales ----

  void step_activations(int iteration) {
    const double rate =
        task_.activation_rate * cosine_decay(static_cast<double>(iteration) / static_cast<double>(task_.iterations));
    for (LearnedSteps& learned : tensors_) learned.learn(model_, rate, iteration + 1);
  }

  void harden() {
    for (const SoftLayer& soft : layers_) {
      if (task_.weights) soft.harden(target(soft));
      if (learns_bias()) soft.harden_bias(target(soft));
    }
    if (task_.activations)
      for (const LearnedSteps& learned : tensors_) network_.set_steps(learned.tensor(), learned.steps());
  }

  const Plan& plan_;
  const Unit& unit_;
  const Recipe& recipe_;
  const Reconstruction& options_;
  const UnitTask& task_;
  ThreadPool& workers_;
  QuantizedNetwork& network_;
  BatchSplit split_;
  UnitModel model_;
  UnitBatches batches_;
  std::vector<SoftLayer> layers_;
  std::vector<LearnedSteps> tensors_;
  std::vector<ChannelBlock> blocks_;
  bool relaxed_ = false;
};

}  // namespace

UnitLoss reconstruct(const Unit& unit, const UnitData& data, const Recipe& recipe, const UnitTask& task,
                     ThreadPool& workers, QuantizedNetwork& network, const std::function<void(int)>& progress) {
  return UnitReconstruction(unit, data, recipe, task, workers, network).run(progress);
}

std::size_t reconstruction_memory(const Plan& plan, const Unit& unit, const Recipe& recipe, std::size_t images,
                                  int threads) {
  const BatchSplit batch(recipe.reconstruction.batch, images, threads);
  std::size_t weights = 0;
  for (int i = unit.first; i <= unit.last; ++i) weights += plan.layers[static_cast<std::size_t>(i)].weight.size();
  constexpr std::size_t kArrays = 7;  // of a weight: where it starts, Adam's four, its value now, the gradient's sum
  return UnitModel::memory(plan, unit, batch.chunk, batch.slots, UnitModel::Use::kTraining, batch.areas) +
         UnitBatches::memory(plan, unit, batch) + sizeof(float) * kArrays * weights;
}

double batch_norm_loss_norm(std::span<const float> gamma, double gain) {
  const double sum = std::accumulate(gamma.begin(), gamma.end(), 0.0);
  const double sigmoid = 1 / (1 + std::exp(-(sum - 1) / static_cast<double>(gamma.size())));
  return std::round(10 * (1 + gain * sigmoid)) / 10;
}

}  // namespace shiftsim::quantizer
