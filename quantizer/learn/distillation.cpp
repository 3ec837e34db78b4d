#include "quantizer/learn/distillation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/error.h"
#include "common/log.h"
#include "quantizer/learn/block_hints.h"
#include "quantizer/learn/divergence.h"
#include "quantizer/learn/latent_layer.h"
#include "quantizer/learn/latent_weights.h"
#include "quantizer/learn/learned.h"
#include "quantizer/learn/learned_steps.h"
#include "quantizer/learn/unit_model.h"
#include "quantizer/plan/accumulator_rounding.h"
#include "quantizer/plan/image_input.h"
#include "quantizer/plan/legality.h"

namespace shiftsim::quantizer {

namespace {

/// Of the running averages: about the last 30 iterations.
constexpr float kKept = 0.97f;

class Distillation {
public:
  Distillation(const ImageSet& images, std::vector<std::size_t> chosen, const Recipe& recipe, std::uint64_t seed,
               ThreadPool& workers, HeldOutDivergence& held_out, QuantizedNetwork& network)
      : plan_(*network.plan),
        images_(images),
        recipe_(recipe),
        options_(recipe.network),
        seed_(seed),
        workers_(workers),
        held_out_(held_out),
        network_(network),
        distillation_images_(std::move(chosen)),
        whole_(partition(plan_, Granularity::kNetwork).front()) {
    const Plan& plan = plan_;
    const BatchSplit split(options_.batch, distillation_images_.size(), workers.threads());
    batch_ = split.batch;
    chunk_ = split.chunk;
    const std::size_t slots = split.slots, areas = split.areas;
    student_ = std::make_unique<UnitModel>(plan, whole_, chunk_, slots, UnitModel::Use::kTraining, areas);
    // It leaves nothing behind a chunk: its slots are its areas.
    teacher_ = std::make_unique<UnitModel>(plan, whole_, chunk_, areas, UnitModel::Use::kInference);
    classes_ = plan.tensor(whole_.output).shape.size();
    hints_ = std::make_unique<BlockHints>(plan, whole_, chunk_, areas, options_.hint_weight);
    if (!hints_->empty()) teacher_->keep(hints_->tensors());
    pixels_.assign(slots, std::vector<float>(chunk_ * plan.tensor(0).shape.size()));
    gradients_.assign(slots, std::vector<float>(chunk_ * classes_));
    losses_.resize(slots);
    for (std::size_t i = 0; i < plan.layers.size(); ++i) {
      const PlannedLayer& layer = plan.layers[i];
      if (layer.has_weights()) {
        teacher_->set_weights(static_cast<int>(i), layer.weight, layer.bias);
        add_layer(static_cast<int>(i));
      }
      if (plan.moves_scale(layer)) add_tensor(layer.output);
    }
    set_roundings();
  }

  DistillationResult run(const std::function<void(int)>& progress) {
    DistillationResult result;
    result.before = result.after = held_out_.loss();
    make_bias_units();
    QuantizedNetwork best = network_;
    const int every = std::max(1, options_.iterations / 8);
    for (int i = 0; i < options_.iterations; ++i) {
      iterate(i);
      if ((i + 1) % every == 0 || i + 1 == options_.iterations) {
        for (const bool averaged : {false, true}) {
          harden(averaged);
          held_out_.set(network_);
          const double found = held_out_.loss();
          spdlog::debug("network stage: iteration {}{}, KL divergence {:.5g}, of the distillation images {:.5g}", i + 1,
                        averaged ? ", averaged" : "", found, learned_sum_ / learned_count_);
          if (found < result.after && is_legal_enough()) {
            result.after = found;
            best = network_;
          }
        }
        learned_sum_ = learned_count_ = 0;
      }
      if (progress) progress(i + 1);
    }
    network_ = std::move(best);
    held_out_.set(network_);
    return result;
  }

private:
  bool free_scales() const { return recipe_.scales == Scales::kFree; }
  bool is_legal_enough() const { return free_scales() || is_legal(network_, recipe_); }
  QuantizedLayer& target(const LatentLayer& latent) const {
    return network_.layers[static_cast<std::size_t>(latent.index)];
  }

  // ---- set up ----

  void add_layer(int index) {
    LatentLayer latent(network_, index);
    append_blocks(layers_.size(), latent.channels(), latent.fan, blocks_);
    layers_.push_back(std::move(latent));
  }

  void add_tensor(int tensor) {
    tensors_.emplace_back(network_, tensor, free_scales());
    student_->set_quantizer(tensor, {true, 1, network_.steps(tensor)});
  }

  /// As the steps are now: one that moved makes another accumulator of what reads the tensor.
  void set_roundings() {
    for (LatentLayer& latent : layers_) {
      latent.rounding = AccumulatorRounding(network_, static_cast<std::size_t>(latent.index));
      student_->set_residual_steps(latent.index, latent.rounding.residual_steps());
    }
  }

  // ---- images ----

  /// An image of the batch, as this iteration shows it.
  void show_image(std::size_t which, std::uint64_t random, float* to) const {
    const Shape& shape = plan_.tensor(0).shape;
    const auto draw = [&](auto extent) {
      const auto most = static_cast<std::uint64_t>(options_.shift * static_cast<double>(extent));
      const std::uint64_t drawn = random % (2 * most + 1);
      random /= 2 * most + 1;
      return static_cast<int>(drawn) - static_cast<int>(most);
    };
    const bool mirror = options_.mirror && (random & 1u) != 0;
    random >>= 1;
    const int dy = draw(shape.height), dx = draw(shape.width);
    place_image(plan_, images_.image(which), dy, dx, mirror, to);
  }

  std::size_t images_of(std::size_t slot) const { return std::min(chunk_, batch_ - slot * chunk_); }

  /// Biases are learned in units of their layer's output's spread, or one rate could not suit all.
  void make_bias_units() {
    set_latent_weights();
    show_batch(0);
    student_->forward(0, {pixels_[0].data()}, images_of(0), 0);
    for (LatentLayer& latent : layers_)
      latent.bias_unit = static_cast<float>(std::sqrt(variance(student_->values(0, latent.layer->output, true))));
    if (hints_->empty()) return;
    teacher_->forward(0, {pixels_[0].data()}, images_of(0), 0);
    hints_->measure(*teacher_);
  }

  // ---- an iteration ----

  void show_batch(int iteration) {
    const auto number = static_cast<std::uint64_t>(iteration);
    const std::vector<std::size_t> chosen =
        draw_batch(distillation_images_.size(), batch_, mix_seed(seed_, 2 * number));
    const std::size_t size = plan_.tensor(0).shape.size();
    workers_.run(batch_, [&](std::size_t at, std::size_t) {
      show_image(distillation_images_[chosen[at]], mix_seed(mix_seed(seed_, 2 * number + 1), at),
                 pixels_[at / chunk_].data() + at % chunk_ * size);
    });
  }

  /// Eight bits are fine enough to pass straight through.
  bool is_soft(const LatentLayer& latent) const {
    return options_.rounding == StageRounding::kSoft && latent.layer->weight_bits < 8;
  }

  void iterate(int iteration) {
    soft_ = SoftRounding::at(static_cast<double>(iteration) / options_.iterations, options_.slope);
    set_latent_weights();
    for (const LearnedSteps& learned : tensors_) student_->set_quantizer(learned.tensor(), {true, 1, learned.steps()});
    show_batch(iteration);
    workers_.run(student_->slots(), [&](std::size_t slot, std::size_t thread) {
      const std::size_t count = images_of(slot);
      const UnitModel::Place at = student_->place(slot, thread);
      const float* wanted = teacher_->forward(at.area, {pixels_[slot].data()}, count, 0);
      const float* logits = student_->forward(at, {pixels_[slot].data()}, count, 0);
      double& sum = losses_[slot] = 0;
      for (std::size_t j = 0; j < count; ++j)
        sum += output_divergence(logits + j * classes_, wanted + j * classes_, gradients_[slot].data() + j * classes_,
                                 network_.plan->tensor(whole_.output).shape, options_.temperature,
                                 1 / static_cast<double>(batch_));
      student_->backward(slot, gradients_[slot].data(), true, hints_->gradients(*student_, *teacher_, at, batch_));
    });
    learned_sum_ += std::accumulate(losses_.begin(), losses_.end(), 0.0) / static_cast<double>(batch_);
    ++learned_count_;
    const double decay = cosine_decay(static_cast<double>(iteration) / options_.iterations);
    step_weights(decay, iteration + 1);
    if (options_.activation_rate > 0) step_activations(decay, iteration + 1);
  }

  void set_latent_weights() {
    workers_.run(blocks_.size(), [&](std::size_t b, std::size_t) {
      const ChannelBlock& block = blocks_[b];
      LatentLayer& latent = layers_[block.layer];
      const SoftRounding* const soft = is_soft(latent) ? &soft_ : nullptr;
      for (std::size_t k = block.begin; k < block.end; ++k) latent.set_weights(channel(latent, k), k, soft);
    });
    workers_.run(layers_.size(), [&](std::size_t i, std::size_t) {
      student_->set_weights(layers_[i].index, layers_[i].weights, layers_[i].bias_now);
    });
  }

  LatentChannel channel(const LatentLayer& latent, std::size_t k) const {
    return LatentChannel::of(target(latent).quantizers[k], latent.fan);
  }

  void step_weights(double decay, int step) {
    workers_.run(blocks_.size(), [&](std::size_t b, std::size_t) {
      const ChannelBlock& block = blocks_[b];
      LatentLayer& latent = layers_[block.layer];
      const std::size_t begin = block.begin * latent.fan, count = (block.end - block.begin) * latent.fan;
      float* gradient = latent.latent.gradient.data() + begin;
      std::copy_n(student_->weight_gradient(0, latent.index).data() + begin, count, gradient);
      for (std::size_t slot = 1; slot < student_->slots(); ++slot)
        kernels::add(gradient, student_->weight_gradient(slot, latent.index).data() + begin, count);
      for (std::size_t k = block.begin; k < block.end; ++k) {
        float* const of_channel = latent.latent.gradient.data() + k * latent.fan;
        scale(of_channel, latent.fan, channel(latent, k).step);
        if (is_soft(latent))
          soft_.backward(channel(latent, k), latent.latent.value.data() + k * latent.fan, of_channel);
        float bias = 0;
        for (std::size_t slot = 0; slot < student_->slots(); ++slot)
          bias += student_->bias_gradient(slot, latent.index)[k];
        latent.bias.gradient[k] = bias * latent.bias_unit;
      }
      latent.latent.adam(begin, count, options_.weight_rate * decay, step);
      for (std::size_t k = block.begin; k < block.end; ++k)
        keep_in_range(channel(latent, k), latent.latent.value.data() + k * latent.fan);
      latent.bias.adam(block.begin, block.end - block.begin, options_.bias_rate * decay, step);
      const float kept = std::min(kKept, static_cast<float>(step - 1) / static_cast<float>(step));
      average(latent.average_latent.data() + begin, latent.latent.value.data() + begin, count, kept);
      average(latent.average_bias.data() + block.begin, latent.bias.value.data() + block.begin, block.end - block.begin,
              kept);
    });
  }

  void step_activations(double decay, int step) {
    for (LearnedSteps& learned : tensors_) {
      learned.learn(*student_, options_.activation_rate * decay, step);
      network_.set_steps(learned.tensor(), learned.steps());
    }
    set_roundings();
  }

  /// The network as of now, or with the average of the last iterations' weights and biases: a weight that flips between
  /// two integer weights has one of them most of the time.
  void harden(bool averaged) {
    for (const LatentLayer& latent : layers_) latent.harden(averaged, target(latent));
    for (const LearnedSteps& learned : tensors_) network_.set_steps(learned.tensor(), learned.steps());
  }

  const Plan& plan_;
  const ImageSet& images_;
  const Recipe& recipe_;
  const NetworkStage& options_;
  std::uint64_t seed_;
  ThreadPool& workers_;
  HeldOutDivergence& held_out_;
  QuantizedNetwork& network_;
  std::vector<std::size_t> distillation_images_;  ///< to learn on
  Unit whole_;
  SoftRounding soft_ = SoftRounding::at(0, options_.slope);
  std::size_t batch_ = 0, chunk_ = 0, classes_ = 0;
  std::unique_ptr<UnitModel> student_, teacher_;
  std::vector<LatentLayer> layers_;
  std::vector<LearnedSteps> tensors_;
  std::vector<ChannelBlock> blocks_;
  std::vector<std::vector<float>> pixels_, gradients_;  ///< by slot
  std::vector<double> losses_;                          ///< of the batch, by slot
  double learned_sum_ = 0, learned_count_ = 0;          ///< divergences of the iterations since the last moment
  std::unique_ptr<BlockHints> hints_;
};

}  // namespace

DistillationResult distill(const ImageSet& images, const std::vector<std::size_t>& chosen, const Recipe& recipe,
                           std::uint64_t seed, ThreadPool& workers, HeldOutDivergence& held_out,
                           QuantizedNetwork& network, const std::function<void(int)>& progress) {
  return Distillation(images, chosen, recipe, seed, workers, held_out, network).run(progress);
}

std::size_t distillation_memory(const Plan& plan, const Recipe& recipe, std::size_t images, int threads) {
  const BatchSplit batch(recipe.network.batch, images, threads);
  const Unit whole = partition(plan, Granularity::kNetwork).front();
  std::size_t values = batch.slots * plan.tensor(0).shape.size();
  if (recipe.network.hint_weight > 0)
    for (const Unit& unit : partition(plan, Granularity::kBlock))
      values += 2 * batch.areas * plan.tensor(unit.output).shape.size();  // gradients, and the teacher's values
  std::size_t weights = 0;
  for (const PlannedLayer& layer : plan.layers) weights += layer.weight.size();
  constexpr std::size_t kArrays = 6;  // of a weight: Adam's four, the average, its value now
  return UnitModel::memory(plan, whole, batch.chunk, batch.slots, UnitModel::Use::kTraining, batch.areas) +
         UnitModel::memory(plan, whole, batch.chunk, batch.areas, UnitModel::Use::kInference, batch.areas) +
         sizeof(float) * (batch.chunk * values + kArrays * weights);
}

}  // namespace shiftsim::quantizer
