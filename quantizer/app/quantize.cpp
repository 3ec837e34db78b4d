#include "quantizer/app/quantize.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "common/log.h"
#include "common/resident_memory.h"
#include "quantizer/app/checkpoint.h"
#include "quantizer/app/passes.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/calibrate/joined_scales.h"
#include "quantizer/calibrate/scale_alignment.h"
#include "quantizer/learn/distillation.h"
#include "quantizer/learn/exponent_moves.h"
#include "quantizer/learn/reconstruct.h"
#include "quantizer/plan/legality.h"

namespace shiftsim::quantizer {

namespace {

class Quantizer {
public:
  Quantizer(Plan plan, const Recipe& recipe, const ImageSet& images, const std::vector<std::size_t>& chosen,
            const QuantizeOptions& options, MemoryBudget& budget, std::vector<StageMemory> stages)
      : network_(undecided(std::move(plan))),
        plan_(*network_.plan),
        recipe_(recipe),
        images_(images),
        roles_(chosen, recipe),
        workers_(options.threads),
        budget_(budget),
        stages_(std::move(stages)),
        memory_(budget, recipe.spill_folder),
        checkpoint_(options.checkpoint, options.fingerprint),
        timeline_(options.timeline),
        units_(partition(plan_, recipe.reconstruction.units)) {}

  QuantizedNetwork run() {
    const std::vector<Pass> passes = passes_of(recipe_);
    for (std::size_t i = 0; i < passes.size(); ++i) run_pass(i, passes[i]);
    if (has_network_stage(recipe_)) {
      network_stage();
      measure_layers();
    }
    check_legal();
    checkpoint_.remove();
    return std::move(network_);
  }

private:
  /// Values near the end of the float range find no place in 32 bits, whatever is searched.
  void check_legal() const {
    if (recipe_.scales == Scales::kFree) return;
    const PlannedLayer* layer = first_illegal_layer(network_, recipe_);
    if (layer != nullptr)
      fail("layer {}: weights, bias or activations are too large: no power-of-two steps keep its sums within 32 bits",
           layer->name);
  }

  /// Of the stages with these names, the most.
  std::size_t memory_of(std::initializer_list<const char*> names) const {
    std::size_t most = 0;
    for (const StageMemory& stage : stages_)
      if (std::ranges::find(names, stage.stage) != names.end()) most = std::max(most, stage.bytes);
    return most;
  }

  void run_pass(std::size_t number, const Pass& pass) {
    // Activations get what is left.
    const MemoryBudget::Share share = budget_.take(memory_of({kSearch, pass.reconstruct ? kUnits : kSearch}));
    Calibrator calibrator(network_, recipe_, workers_, memory_);
    {
      const StageScope stage(timeline_, kSearch);
      calibrator.load(images_, roles_.calibration);
    }
    const std::size_t steps =
        pass.reconstruct ? units_.size() * static_cast<std::size_t>(pass.iterations) : plan_.layers.size();
    Progress progress(pass.name, steps, pass.reconstruct ? "iterations" : "layers");
    for (std::size_t u = 0; u < units_.size(); ++u) {
      const Unit& unit = units_[u];
      const std::size_t done = u * static_cast<std::size_t>(pass.iterations);
      const std::string step = fmt::format("pass{}-unit{}", number, u);
      const bool learned = is_learned(plan_, unit, pass, recipe_);
      const bool finished = learned && checkpoint_.load(step, unit, network_);
      // What was searched before a finished unit was learned, nobody needs again.
      if (!finished) search(calibrator, unit, pass, progress);
      if (!pass.reconstruct) continue;
      if (learned) {
        const StageScope stage(timeline_, kUnits);
        if (!finished) {
          learn(calibrator, unit, pass, number * 1000 + u,
                [&](int iteration) { progress.update(done + static_cast<std::size_t>(iteration)); });
          checkpoint_.save(step, unit, network_);
        }
        for (int i = unit.first; i <= unit.last; ++i)
          calibrator.run(static_cast<std::size_t>(i), {false, false, pass.start.quantize_activations});
      }
      calibrator.release(static_cast<std::size_t>(unit.last));
      progress.update(done + static_cast<std::size_t>(pass.iterations));
    }
  }

  void search(Calibrator& calibrator, const Unit& unit, const Pass& pass, Progress& progress) const {
    const StageScope stage(timeline_, kSearch);
    for (int i = unit.first; i <= unit.last; ++i) {
      const auto layer = static_cast<std::size_t>(i);
      calibrator.run(layer, pass.start);
      if (pass.reconstruct) continue;
      calibrator.release(layer);
      progress.update(layer + 1);
    }
  }

  void learn(const Calibrator& calibrator, const Unit& unit, const Pass& pass, std::size_t number,
             const std::function<void(int)>& progress) {
    UnitData data;
    data.images = calibrator.images();
    for (const int tensor : unit.inputs) {
      data.quantized.push_back(calibrator.quantized(tensor).values());
      data.exact.push_back(calibrator.reference(tensor).values());
    }
    data.target = calibrator.reference(unit.output).values();
    UnitTask task;
    task.weights = pass.weights;
    task.activations = pass.activations;
    task.quantized_inside = pass.start.quantize_activations;
    task.iterations = pass.iterations;
    task.rounding_rate = recipe_.reconstruction.rounding_rate;
    task.activation_rate = recipe_.reconstruction.activation_rate;
    task.norm = loss_norm(calibrator, unit);
    task.seed = static_cast<std::uint64_t>(recipe_.calibration_seed) * 1'000'003 + number;
    const UnitLoss loss = reconstruct(unit, data, recipe_, task, workers_, network_, progress);
    spdlog::debug("{}: {} loss {:.5g} -> {:.5g}, norm {}", unit.name, pass.name, loss.before, loss.after, task.norm);
  }

  double loss_norm(const Calibrator& calibrator, const Unit& unit) const {
    const Reconstruction& r = recipe_.reconstruction;
    if (r.loss == LossNorm::kFixed || plan_.tensor(unit.output).is_logits) return r.norm;
    for (int i = unit.last; i >= unit.first; --i) {
      const PlannedLayer& layer = plan_.layers[static_cast<std::size_t>(i)];
      if (!layer.has_weights()) continue;
      if (!layer.gamma.empty()) return batch_norm_loss_norm(layer.gamma, r.norm_gain);
      return batch_norm_loss_norm(deviations(calibrator, layer), r.norm_gain);
    }
    return r.norm;
  }

  /// Each channel's standard deviation in the float network before activation function and addition, from a few images:
  /// what a BatchNorm's gamma would be.
  std::vector<float> deviations(const Calibrator& calibrator, const PlannedLayer& layer) const {
    const std::size_t images = std::min<std::size_t>(calibrator.images(), 32);
    LayerOp op(layer.in_float(), 1);
    op.set_weights(layer.weight, layer.bias);
    ConvScratch scratch;
    std::vector<float> values(layer.geometry.output.size());
    const std::size_t channels = layer.bias.size();
    std::vector<double> sum(channels), squares(channels);
    for (std::size_t image = 0; image < images; ++image) {
      op.forward(calibrator.reference(layer.input).data() + image * layer.geometry.input.size(), nullptr, values.data(),
                 1, scratch);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto value = static_cast<double>(values[i]);
        sum[i % channels] += value;
        squares[i % channels] += value * value;
      }
    }
    std::vector<float> result;
    const std::size_t pixels = images * values.size() / channels;
    const auto count = static_cast<double>(pixels);
    for (std::size_t c = 0; c < channels; ++c) {
      const double mean = sum[c] / count;
      result.push_back(static_cast<float>(std::sqrt(std::max(squares[c] / count - mean * mean, 0.0))));
    }
    return result;
  }

  /// All layers together, against the float network's logits.
  void network_stage() {
    const NetworkStage& stage = recipe_.network;
    const Unit whole = partition(plan_, Granularity::kNetwork).front();
    if (checkpoint_.load("network", whole, network_)) return;
    std::optional<StageScope> scope;
    scope.emplace(timeline_, kNetwork);
    // The corrected biases are where this starts, and nothing corrects them any more.
    for (QuantizedLayer& layer : network_.layers) layer.learned_bias.assign(layer.bias.begin(), layer.bias.end());
    MemoryBudget::Share share = budget_.take(memory_of({kNetwork, kMoves}));
    NetworkJudge judge(plan_, images_, roles_.judges, workers_);
    judge.set(network_);
    if (stage.iterations > 0) {
      const std::uint64_t seed = static_cast<std::uint64_t>(recipe_.calibration_seed) * 1'000'003 + 999'999;
      Progress progress("network", static_cast<std::size_t>(stage.iterations), "iterations");
      const DistillationResult found = distill(images_, roles_.teachers, recipe_, seed, workers_, judge, network_,
                                               [&](int done) { progress.update(static_cast<std::size_t>(done)); });
      spdlog::info("network stage: KL divergence from the float network {:.4f} -> {:.4f}", found.before, found.after);
    }
    if (stage.exponent_moves) {
      scope.reset();
      scope.emplace(timeline_, kMoves);
      share = budget_.take(memory_of({kMoves}));
      std::optional<Progress> progress;
      const MovesResult found =
          move_exponents(judge, memory_, recipe_, kMovePasses, network_, [&](int done, int total) {
            if (!progress || done == 1) progress.emplace("exponents", static_cast<std::size_t>(total), "moves");
            progress->update(static_cast<std::size_t>(done));
          });
      spdlog::info("exponents: {} moves tried, {} taken, KL divergence {:.4f} -> {:.4f}", found.tried, found.taken,
                   found.before, found.after);
    }
    checkpoint_.save("network", whole, network_);
  }

  /// The network stage knows no layers by themselves: their statistics, from a few images.
  void measure_layers() {
    const StageScope stage(timeline_, kStatistics);
    constexpr int kImages = 64;
    Recipe as_it_is = recipe_;
    as_it_is.bias_correction = false;
    Calibrator calibrator(network_, as_it_is, workers_, memory_);
    calibrator.load(images_, first_images(roles_.calibration, kImages));
    for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
      calibrator.run(i, {false, false, true});
      calibrator.release(i);
    }
  }

  static constexpr int kMovePasses = 2;
  QuantizedNetwork network_;
  const Plan& plan_;
  const Recipe& recipe_;
  const ImageSet& images_;
  ImageRoles roles_;
  ThreadPool workers_;
  MemoryBudget& budget_;
  std::vector<StageMemory> stages_;
  ActivationMemory memory_;
  Checkpoint checkpoint_;
  Timeline* timeline_;
  std::vector<Unit> units_;
};

}  // namespace

QuantizedNetwork quantize(Plan plan, const Recipe& recipe, const ImageSet& images,
                          const std::vector<std::size_t>& chosen, const QuantizeOptions& options) {
  MemoryBudget budget(static_cast<std::size_t>(recipe.memory_gb * 1e9), resident_memory().anonymous);
  const std::vector<StageMemory> stages = stage_memory(plan, recipe, ImageRoles(chosen, recipe), options.threads);
  check_memory(budget, stages, options.threads);
  const bool some_joined = std::ranges::any_of(plan.tensors, [](const PlannedTensor& t) { return t.is_joined; });
  if (recipe.align_scales || some_joined) {
    const StageScope stage(options.timeline, kAlignment);
    constexpr int kImages = 64;
    ThreadPool workers(options.threads);
    ActivationMemory memory(budget, recipe.spill_folder);
    const auto few = first_images(chosen, std::min(kImages, recipe.calibration_images));
    const auto sample = [&] { return sample_tensors(plan, images, few, workers, memory); };
    if (recipe.align_scales)
      spdlog::info("alignment: {} tensors scaled", align_scales(plan, sample(), recipe.offsets, workers));
    if (some_joined)
      spdlog::info("joined tensors: {} exponents decided",
                   decide_joined_exponents(plan, sample(), recipe.norm, workers));
  }
  return Quantizer(std::move(plan), recipe, images, chosen, options, budget, stages).run();
}

}  // namespace shiftsim::quantizer
