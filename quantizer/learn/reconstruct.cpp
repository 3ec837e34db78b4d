#include "quantizer/learn/reconstruct.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "common/error.h"
#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/learn/learned.h"
#include "quantizer/learn/unit_model.h"
#include "quantizer/plan/accumulator_rounding.h"

namespace shiftsim::quantizer {

namespace {

/// One convolution's weights while they are learned.
struct SoftLayer {
  int index = 0;  ///< in the plan
  const PlannedLayer* layer = nullptr;
  std::size_t fan = 0;
  std::vector<float>
      weight;  ///< rounded up or down from here: the float weight, or beside it where the search left that
  Learned rounding;
  Learned exponent;  ///< relaxed: step = 2^(base_exponent + h(value))
  std::vector<int> base_exponent;
  std::vector<WeightGrid> grids;  ///< as of now; with relaxed exponents the last hard ones
  Learned bias;                   ///< in units of bias_unit
  float bias_unit = 1;
  std::vector<float> start_bias;
  std::vector<float> weights, bias_now, weight_gradient, bias_gradient;

  std::size_t channels() const { return grids.size(); }
};

/// The scale of one tensor while it is learned: log2 of the steps.
struct SoftTensor {
  int tensor = 0;
  Learned log_step;
};

class UnitReconstruction {
public:
  UnitReconstruction(const Plan& plan, const Unit& unit, const UnitData& data, const Recipe& recipe,
                     const UnitTask& task, ThreadPool& workers, QuantizedNetwork& network)
      : plan_(plan),
        unit_(unit),
        data_(data),
        recipe_(recipe),
        options_(recipe.reconstruction),
        task_(task),
        workers_(workers),
        network_(network),
        split_(options_.batch, data.images, workers.threads()),
        batch_(split_.batch),
        chunk_(split_.chunk),
        model_(plan, unit, chunk_, split_.slots, UnitModel::Use::kTraining, split_.areas) {
    make_buffers();
    make_layers();
    make_tensors();
  }

  UnitLoss run(const std::function<void(int)>& progress) {
    UnitLoss loss;
    const Saved before = save();
    set_hard();
    loss.before = hard_loss();
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
    set_hard();
    loss.after = hard_loss();
    if (!(loss.after < loss.before)) {
      restore(before);
      loss.after = loss.before;
    }
    if (options_.exponent_moves && task_.quantized_inside) {
      set_hard();
      move_exponents(loss);
    }
    return loss;
  }

private:
  struct Saved {
    std::vector<QuantizedLayer> layers;
    std::vector<std::vector<double>> steps;
  };

  bool free_scales() const { return recipe_.scales == Scales::kFree; }
  QuantizedLayer& target(const SoftLayer& soft) const { return network_.layers[static_cast<std::size_t>(soft.index)]; }

  // ---- set up ----

  void make_buffers() {
    const std::size_t areas = model_.areas();
    inputs_.resize(areas);
    for (auto& of_area : inputs_)
      for (const int tensor : unit_.inputs) of_area.emplace_back(chunk_ * plan_.tensor(tensor).shape.size());
    out_size_ = plan_.tensor(unit_.output).shape.size();
    targets_.assign(areas, std::vector<float>(chunk_ * out_size_));
    gradients_.assign(areas, std::vector<float>(chunk_ * out_size_));
    losses_.resize(split_.slots);
  }

  void make_layers() {
    for (int i = unit_.first; i <= unit_.last; ++i) {
      const PlannedLayer& layer = plan_.layers[static_cast<std::size_t>(i)];
      if (layer.kind != qnet::LayerKind::kConv) continue;
      SoftLayer soft;
      soft.index = i;
      soft.layer = &layer;
      const QuantizedLayer& now = network_.layers[static_cast<std::size_t>(i)];
      soft.grids = now.grids;
      soft.fan = layer.weight.size() / layer.bias.size();
      soft.start_bias = now.learned_bias;
      soft.bias.resize(layer.bias.size());
      soft.rounding.resize(layer.weight.size());
      soft.exponent.resize(layer.bias.size());
      soft.base_exponent.resize(layer.bias.size());
      soft.weights.resize(layer.weight.size());
      soft.weight_gradient.resize(layer.weight.size());
      soft.bias_gradient.resize(layer.bias.size());
      soft.bias_now = soft.start_bias;
      soft.weight = layer.weight;
      if (recipe_.codes == CodeSearch::kOutput && !options_.relax_exponents) start_at_codes(soft, now.codes);
      start_rounding(soft);
      append_blocks(layers_.size(), layer.bias.size(), soft.fan, blocks_);
      layers_.push_back(std::move(soft));
    }
  }

  /// Weights as far from the float ones as makes them round to the codes that the search found.
  static void start_at_codes(SoftLayer& soft, const std::vector<std::int8_t>& codes) {
    constexpr double kMargin = 0.45;
    for (std::size_t i = 0; i < soft.weight.size(); ++i) {
      const WeightGrid& grid = soft.grids[i / soft.fan];
      const double place = static_cast<double>(soft.weight[i]) / grid.step() - grid.offset * 0.5;
      const double kept = std::clamp(place, codes[i] - kMargin, codes[i] + kMargin);
      if (grid.quantize(static_cast<double>(soft.weight[i])) != codes[i])
        soft.weight[i] = static_cast<float>((kept + grid.offset * 0.5) * grid.step());
    }
  }

  /// h(v) = the place of the float weight between its two codes.
  static void start_rounding(SoftLayer& soft) {
    for (std::size_t i = 0; i < soft.weight.size(); ++i) {
      const WeightGrid& grid = soft.grids[i / soft.fan];
      const auto place = static_cast<float>(soft.weight[i] / grid.step() - grid.offset * 0.5);
      soft.rounding.value[i] = kernels::inverse_rectified_sigmoid(place - std::floor(place));
    }
    soft.rounding.forget();
  }

  void make_tensors() {
    for (int i = unit_.first; i <= unit_.last; ++i) {
      const PlannedLayer& layer = plan_.layers[static_cast<std::size_t>(i)];
      if (layer.kind == qnet::LayerKind::kMaxPool || plan_.tensor(layer.output).is_logits) continue;
      SoftTensor soft;
      soft.tensor = layer.output;
      const std::vector<double> steps = network_.steps(layer.output);
      soft.log_step.resize(steps.size());
      for (std::size_t c = 0; c < steps.size(); ++c) soft.log_step.value[c] = static_cast<float>(std::log2(steps[c]));
      tensors_.push_back(std::move(soft));
    }
    set_quantizers(options_.drop);
  }

  std::vector<double> steps_of(const SoftTensor& soft) const {
    std::vector<double> steps;
    for (const float value : soft.log_step.value) {
      const auto log = static_cast<double>(value);
      // The forward pass knows legal steps only; the gradient passes straight through the rounding (as in TQT).
      steps.push_back(std::exp2(free_scales() ? log : std::round(log)));
    }
    return steps;
  }

  void set_quantizers(double drop) {
    for (const SoftTensor& soft : tensors_)
      model_.set_quantizer(soft.tensor, {task_.quantized_inside, 1 - drop, steps_of(soft)});
  }

  /// Biases are learned in units of their layer's output's spread, or one rate could not suit all.
  void make_bias_units() {
    if (!learns_bias()) return;
    load_batch(0, 0);
    forward(0, 0);
    for (SoftLayer& soft : layers_) {
      double sum = 0, squares = 0, count = 0;
      for (const float value : model_.values(0, soft.layer->output, true)) {
        sum += static_cast<double>(value);
        squares += static_cast<double>(value) * static_cast<double>(value);
        ++count;
      }
      soft.bias_unit = static_cast<float>(std::sqrt(std::max(squares / count - sum / count * sum / count, 1e-12)));
    }
  }

  bool learns_bias() const { return task_.weights && options_.learn_bias; }

  // ---- batches ----

  std::size_t images_of(std::size_t slot) const { return std::min(chunk_, batch_ - slot * chunk_); }

  /// Different images, drawn for this iteration.
  void load_batch(std::uint64_t iteration, double drop) {
    drop_ = drop;
    chosen_ = draw_batch(data_.images, batch_, mix_seed(task_.seed, iteration));
  }

  void gather(UnitModel::Place at, std::uint64_t iteration) {
    const std::size_t slot = at.slot;
    const auto seed = static_cast<std::uint32_t>(mix_seed(task_.seed ^ 0x5bd1e995u, iteration * kSlots + slot));
    for (std::size_t i = 0; i < unit_.inputs.size(); ++i) {
      const std::size_t size = plan_.tensor(unit_.inputs[i]).shape.size();
      for (std::size_t j = 0; j < images_of(slot); ++j) {
        const std::size_t image = chosen_[slot * chunk_ + j];
        float* to = inputs_[at.area][i].data() + j * size;
        const float* quantized = data_.quantized[i].data() + image * size;
        if (drop_ <= 0) {
          std::copy_n(quantized, size, to);
          continue;
        }
        const auto keep = static_cast<std::uint32_t>((1 - drop_) * 4294967295.0);
        kernels::mix(quantized, data_.exact[i].data() + image * size, to, size, keep,
                     seed + static_cast<std::uint32_t>(j * 7919 + i * 104729));
      }
    }
    for (std::size_t j = 0; j < images_of(slot); ++j)
      std::copy_n(data_.target.data() + chosen_[slot * chunk_ + j] * out_size_, out_size_,
                  targets_[at.area].data() + j * out_size_);
  }

  const float* forward(UnitModel::Place at, std::uint64_t iteration) {
    gather(at, iteration);
    std::vector<const float*> inputs;
    for (const auto& input : inputs_[at.area]) inputs.push_back(input.data());
    const std::uint64_t counter = (iteration * kSlots + at.slot) ^ 0xabcdefull;
    return model_.forward(at, inputs, images_of(at.slot), static_cast<std::uint32_t>(mix_seed(task_.seed, counter)));
  }

  /// Fills the output gradient of the area and the slot's part of the loss: mean over images and pixels, summed over
  /// channels.
  void loss(UnitModel::Place at, const float* y) {
    const std::size_t count = images_of(at.slot) * out_size_;
    const Shape& shape = plan_.tensor(unit_.output).shape;
    const double pixels = static_cast<double>(batch_) * static_cast<double>(shape.height * shape.width);
    losses_[at.slot] = kernels::norm_loss(y, targets_[at.area].data(), gradients_[at.area].data(), count,
                                          static_cast<float>(task_.norm), static_cast<float>(1 / pixels)) /
                       pixels;
  }

  // ---- an iteration ----

  kernels::SoftChannel channel(const SoftLayer& soft, std::size_t k, bool relaxed) const {
    const WeightGrid& grid = soft.grids[k];
    kernels::SoftChannel result;
    result.count = soft.fan;
    result.weight = soft.weight.data() + k * soft.fan;
    result.rounding = soft.rounding.value.data() + k * soft.fan;
    result.step = static_cast<float>(grid.step());
    if (relaxed)
      result.step =
          std::exp2(static_cast<float>(soft.base_exponent[k]) + kernels::rectified_sigmoid(soft.exponent.value[k]));
    result.offset = static_cast<float>(grid.offset) * 0.5f;
    result.low = static_cast<float>(grid.low());
    result.high = static_cast<float>(grid.high());
    return result;
  }

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
      workers_.run(blocks_.size(), [&](std::size_t b, std::size_t) {
        const ChannelBlock& block = blocks_[b];
        SoftLayer& soft = layers_[block.layer];
        for (std::size_t k = block.begin; k < block.end; ++k) {
          kernels::soft_weights(channel(soft, k, relaxed), soft.weights.data() + k * soft.fan);
          soft.bias_now[k] = soft.start_bias[k] + soft.bias_unit * soft.bias.value[k];
        }
      });
      workers_.run(layers_.size(), [&](std::size_t i, std::size_t) {
        model_.set_weights(layers_[i].index, layers_[i].weights, layers_[i].bias_now);
      });
    }
    if (task_.activations) set_quantizers(options_.drop);
    load_batch(static_cast<std::uint64_t>(iteration), options_.drop);
    workers_.run(model_.slots(), [&](std::size_t slot, std::size_t thread) {
      const UnitModel::Place at = model_.place(slot, thread);
      loss(at, forward(at, static_cast<std::uint64_t>(iteration)));
      model_.backward(slot, gradients_[at.area].data(), task_.weights);
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
        const float step_gradient =
            kernels::soft_weights_backward(channel(soft, k, relaxed), soft.weight_gradient.data() + k * soft.fan, pull,
                                           soft.rounding.gradient.data() + k * soft.fan);
        if (relaxed) exponent_gradient(soft, k, step_gradient, iteration, relaxed_until);
        float bias = 0;
        for (std::size_t slot = 0; slot < model_.slots(); ++slot) bias += model_.bias_gradient(slot, soft.index)[k];
        soft.bias.gradient[k] = bias * soft.bias_unit;
      }
      soft.rounding.adam(begin, count, task_.rounding_rate, step);
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
    for (SoftLayer& soft : layers_) {
      workers_.run(soft.channels(), [&](std::size_t k, std::size_t) {
        const auto weights = std::span(soft.layer->weight).subspan(k * soft.fan, soft.fan);
        const double log = std::log2(best_free_step(weights, soft.grids[k], recipe_.norm));
        soft.base_exponent[k] = static_cast<int>(std::floor(log));
        soft.exponent.value[k] = kernels::inverse_rectified_sigmoid(static_cast<float>(log - std::floor(log)));
      });
    }
  }

  /// step = 2^(base + h(v)); the pull to 0 or 1 grows with the phase.
  void exponent_gradient(SoftLayer& soft, std::size_t k, float step_gradient, int iteration, int until) {
    const float h = kernels::rectified_sigmoid(soft.exponent.value[k]);
    const float step = std::exp2(static_cast<float>(soft.base_exponent[k]) + h);
    constexpr float kLn2 = 0.69314718f;
    const float done = static_cast<float>(iteration) / static_cast<float>(until);
    const float power = 20 - 18 * done, distance = 2 * h - 1;
    const float pull = 10 * static_cast<float>(options_.rounding_weight) * power * 2 *
                       std::pow(std::max(std::abs(distance), 1e-12f), power - 1);
    const float logistic = (h + 0.1f) / 1.2f, slope = h > 0 && h < 1 ? 1.2f * logistic * (1 - logistic) : 0.0f;
    soft.exponent.gradient[k] = slope * (step_gradient * step * kLn2 - std::copysign(pull, distance));
  }

  /// Rounds the exponents, searches the offsets that suit them, and starts the rounding afresh from there.
  void harden_exponents() {
    if (!relaxed_) return;
    relaxed_ = false;
    for (SoftLayer& soft : layers_) {
      workers_.run(soft.channels(), [&](std::size_t k, std::size_t) {
        WeightGrid& grid = soft.grids[k];
        const int exponent = soft.base_exponent[k] + (soft.exponent.value[k] >= 0 ? 1 : 0);
        if (exponent == grid.exponent) return;
        grid.exponent = exponent;
        if (recipe_.offsets && grid.bits < 8)
          grid.offset = best_offset(std::span(soft.layer->weight).subspan(k * soft.fan, soft.fan), grid, recipe_.norm);
      });
      start_rounding(soft);
    }
  }

  // ---- activation scales ----

  void step_activations(int iteration) {
    const double rate =
        task_.activation_rate * cosine_decay(static_cast<double>(iteration) / static_cast<double>(task_.iterations));
    for (SoftTensor& soft : tensors_) {
      const std::size_t count = soft.log_step.value.size();
      const std::vector<double> steps = steps_of(soft);
      const auto channels = static_cast<std::size_t>(plan_.tensor(soft.tensor).shape.channels);
      std::fill(soft.log_step.gradient.begin(), soft.log_step.gradient.end(), 0.0f);
      for (std::size_t slot = 0; slot < model_.slots(); ++slot)
        for (std::size_t c = 0; c < channels; ++c)
          soft.log_step.gradient[count == 1 ? 0 : c] += model_.step_gradient(slot, soft.tensor)[c];
      for (std::size_t c = 0; c < count; ++c) soft.log_step.gradient[c] *= static_cast<float>(steps[c] * std::log(2.0));
      soft.log_step.adam(0, count, rate, iteration + 1);
    }
  }

  // ---- the hard model ----

  void harden() {
    for (SoftLayer& soft : layers_) {
      if (!task_.weights) continue;
      QuantizedLayer& to = target(soft);
      to.grids = soft.grids;
      for (std::size_t i = 0; i < to.codes.size(); ++i) {
        const WeightGrid& grid = soft.grids[i / soft.fan];
        const double below = std::floor(soft.weight[i] / grid.step() - grid.offset * 0.5);
        to.codes[i] = static_cast<std::int8_t>(
            std::clamp<double>(below + (soft.rounding.value[i] >= 0 ? 1 : 0), grid.low(), grid.high()));
      }
      if (learns_bias())
        for (std::size_t k = 0; k < soft.channels(); ++k)
          to.learned_bias[k] = soft.start_bias[k] + soft.bias_unit * soft.bias.value[k];
    }
    if (task_.activations)
      for (const SoftTensor& soft : tensors_) network_.set_steps(soft.tensor, steps_of(soft));
  }

  void set_hard() {
    for (const SoftLayer& soft : layers_) {
      // Biases are corrected, and rounded, when the unit is done.
      model_.set_weights(soft.index, target(soft).weights(), target(soft).learned_bias);
      if (task_.quantized_inside)
        model_.set_residual_steps(soft.index,
                                  AccumulatorRounding(network_, static_cast<std::size_t>(soft.index)).residual_steps());
    }
    for (const SoftTensor& soft : tensors_)
      model_.set_quantizer(soft.tensor, {task_.quantized_inside, 1, network_.steps(soft.tensor)});
  }

  /// Over a few batches, always the same.
  double hard_loss() {
    constexpr std::uint64_t kBatches = 8, kFirst = std::uint64_t{1} << 40;
    double total = 0;
    for (std::uint64_t batch = 0; batch < kBatches; ++batch) {
      load_batch(kFirst + batch, 0);
      workers_.run(model_.slots(), [&](std::size_t slot, std::size_t thread) {
        const UnitModel::Place at = model_.place(slot, thread);
        loss(at, forward(at, kFirst + batch));
      });
      total += std::accumulate(losses_.begin(), losses_.end(), 0.0);
    }
    return total / static_cast<double>(kBatches);
  }

  Saved save() const {
    Saved saved;
    for (const SoftLayer& soft : layers_) saved.layers.push_back(target(soft));
    for (const SoftTensor& soft : tensors_) saved.steps.push_back(network_.steps(soft.tensor));
    return saved;
  }

  void restore(const Saved& saved) {
    for (std::size_t i = 0; i < layers_.size(); ++i) target(layers_[i]) = saved.layers[i];
    for (std::size_t i = 0; i < tensors_.size(); ++i) network_.set_steps(tensors_[i].tensor, saved.steps[i]);
  }

  /// Tries each tensor's exponents one up and one down, all channels together, codes kept.
  void move_exponents(UnitLoss& loss) {
    for (const SoftTensor& soft : tensors_) {
      for (const double factor : {0.5, 2.0}) {
        const std::vector<double> now = network_.steps(soft.tensor);
        std::vector<double> moved = now;
        for (double& step : moved) step *= factor;
        network_.set_steps(soft.tensor, moved);
        set_hard();
        const double found = hard_loss();
        if (found < loss.after) {
          loss.after = found;
        } else {
          network_.set_steps(soft.tensor, now);
          set_hard();
        }
      }
    }
  }

  const Plan& plan_;
  const Unit& unit_;
  const UnitData& data_;
  const Recipe& recipe_;
  const Reconstruction& options_;
  const UnitTask& task_;
  ThreadPool& workers_;
  QuantizedNetwork& network_;
  BatchSplit split_;
  std::size_t batch_, chunk_, out_size_ = 0;
  UnitModel model_;
  std::vector<SoftLayer> layers_;
  std::vector<SoftTensor> tensors_;
  std::vector<ChannelBlock> blocks_;
  std::vector<std::vector<std::vector<float>>> inputs_;  ///< by area and unit.inputs
  std::vector<std::vector<float>> targets_, gradients_;  ///< by area
  std::vector<double> losses_;
  std::vector<std::size_t> chosen_;
  double drop_ = 0;
  bool relaxed_ = false;
};

}  // namespace

UnitLoss reconstruct(const Plan& plan, const Unit& unit, const UnitData& data, const Recipe& recipe,
                     const UnitTask& task, ThreadPool& workers, QuantizedNetwork& network,
                     const std::function<void(int)>& progress) {
  return UnitReconstruction(plan, unit, data, recipe, task, workers, network).run(progress);
}

std::size_t reconstruction_memory(const Plan& plan, const Unit& unit, const Recipe& recipe, std::size_t images,
                                  int threads) {
  const BatchSplit batch(recipe.reconstruction.batch, images, threads);
  const std::size_t output = plan.tensor(unit.output).shape.size();
  std::size_t values = 2 * output;  // targets and gradients, and the unit's inputs
  for (const int tensor : unit.inputs) values += plan.tensor(tensor).shape.size();
  std::size_t weights = 0;
  for (int i = unit.first; i <= unit.last; ++i) weights += plan.layers[static_cast<std::size_t>(i)].weight.size();
  constexpr std::size_t kArrays = 7;  // of a weight: where it starts, Adam's four, its value now, the gradient's sum
  return UnitModel::memory(plan, unit, batch.chunk, batch.slots, UnitModel::Use::kTraining, batch.areas) +
         sizeof(float) * (batch.areas * batch.chunk * values + kArrays * weights);
}

double batch_norm_loss_norm(std::span<const float> gamma, double gain) {
  const double sum = std::accumulate(gamma.begin(), gamma.end(), 0.0);
  const double sigmoid = 1 / (1 + std::exp(-(sum - 1) / static_cast<double>(gamma.size())));
  return std::round(10 * (1 + gain * sigmoid)) / 10;
}

}  // namespace shiftsim::quantizer
