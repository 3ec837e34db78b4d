#include "quantizer/app/quantize.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "common/log.h"
#include "common/resident_memory.h"
#include "quantizer/app/checkpoint.h"
#include "quantizer/app/passes.h"
#include "quantizer/app/unit_norm.h"
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
        record_(options.record != nullptr ? *options.record : unread_),
        whole_(partition(plan_, Granularity::kNetwork).front()),
        units_(partition(plan_, recipe.reconstruction.units)) {}

  QuantizedNetwork run() {
    record_.held_out = roles_.held_out.size();
    // What the search alone makes is what learned units have to be better than, on the held-out images.
    std::optional<QuantizedNetwork> searched;
    if (judges_units(recipe_)) searched = search_alone();
    const std::vector<Pass> passes = passes_of(recipe_);
    for (std::size_t i = 0; i < passes.size(); ++i) run_pass(i, passes[i]);
    const bool dropped = searched && !judge_units(*searched);
    if (has_network_stage(recipe_)) {
      network_stage();
      measure_layers(network_);
    } else if (dropped) {
      measure_search();
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
      calibrator.load(images_, roles_.calibration, roles_.mirrored);
    }
    const std::size_t steps =
        pass.reconstruct ? units_.size() * static_cast<std::size_t>(pass.iterations) : plan_.layers.size();
    Progress progress(pass.name, steps, pass.reconstruct ? "iterations" : "layers");
    const std::vector<double> parts = parts_of_work(plan_, units_);
    double part = 0;  // of the work, before the unit
    for (std::size_t u = 0; u < units_.size(); ++u) {
      const Unit& unit = units_[u];
      const std::size_t done = u * static_cast<std::size_t>(pass.iterations);
      const std::string step = fmt::format("pass{}-unit{}", number, u);
      const bool learned = is_learned(plan_, unit, pass, recipe_);
      std::vector<double> losses;
      const bool finished = learned && checkpoint_.load(step, unit, network_, &losses);
      // What was searched before a finished unit was learned, nobody needs again.
      if (!finished) search(calibrator, unit, pass, progress);
      if (!pass.reconstruct) continue;
      if (learned) {
        const StageScope stage(timeline_, kUnits);
        if (!finished) {
          const UnitLoss loss = learn(calibrator, unit, pass, number * 1000 + u, [&](int iteration) {
            progress.update(done + static_cast<std::size_t>(iteration), part + parts[u] * iteration / pass.iterations);
          });
          losses = {loss.before, loss.after};
          checkpoint_.save(step, unit, network_, losses);
        }
        record_.units.push_back({pass.name, unit.name, unit.first, unit.last, losses.at(0), losses.at(1)});
        for (int i = unit.first; i <= unit.last; ++i)
          calibrator.run(static_cast<std::size_t>(i), {false, false, pass.start.quantize_activations});
      }
      calibrator.release(static_cast<std::size_t>(unit.last));
      if (finished || !learned) progress.skip(parts[u]);
      part += parts[u];
      progress.update(done + static_cast<std::size_t>(pass.iterations), std::min(part, 1.0));
    }
  }

  /// The network that a recipe without learning would make.
  QuantizedNetwork search_alone() {
    const QuantizedNetwork blank = network_;
    if (!checkpoint_.load("search", whole_, network_)) {
      run_pass(0, {});
      checkpoint_.save("search", whole_, network_);
    }
    return std::exchange(network_, blank);
  }

  /// Takes the search's network back where the units are no better, and says whether they are.
  bool judge_units(const QuantizedNetwork& searched) {
    const StageScope stage(timeline_, kJudging);
    const MemoryBudget::Share share = budget_.take(memory_of({kJudging}));
    HeldOutDivergence held_out(plan_, images_, roles_.held_out, workers_);
    held_out.set(searched);
    const double before = held_out.loss();
    held_out.set(network_);
    const double after = held_out.loss();
    record_.stages.push_back({kSearch, before, true});
    record_.stages.push_back({kUnits, after, after < before});
    if (!(after < before)) network_ = searched;
    return after < before;
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

  UnitLoss learn(const Calibrator& calibrator, const Unit& unit, const Pass& pass, std::size_t number,
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
    task.norm = loss_norm(plan_, unit, recipe_, calibrator);
    task.seed = static_cast<std::uint64_t>(recipe_.calibration_seed) * 1'000'003 + number;
    const UnitLoss loss = reconstruct(unit, data, recipe_, task, workers_, network_, progress);
    spdlog::debug("{}: {} loss {:.5g} -> {:.5g}, norm {}", unit.name, pass.name, loss.before, loss.after, task.norm);
    return loss;
  }

  /// All layers together, against the float network's logits.
  void network_stage() {
    std::vector<double> divergences;  // before, behind distillation, behind exponent moves
    if (checkpoint_.load("network", whole_, network_, &divergences)) {
      record_network_stage(divergences);
      return;
    }
    std::optional<StageScope> scope;
    scope.emplace(timeline_, kNetwork);
    // The corrected biases are where this starts, and nothing corrects them any more.
    for (QuantizedLayer& layer : network_.layers) layer.learned_bias.assign(layer.bias.begin(), layer.bias.end());
    MemoryBudget::Share share = budget_.take(memory_of({kNetwork, kMoves}));
    HeldOutDivergence held_out(plan_, images_, roles_.held_out, workers_);
    held_out.set(network_);
    const NetworkStage& stage = recipe_.network;
    if (stage.iterations > 0) {
      const std::uint64_t seed = static_cast<std::uint64_t>(recipe_.calibration_seed) * 1'000'003 + 999'999;
      Progress progress("network", static_cast<std::size_t>(stage.iterations), "iterations");
      const DistillationResult found =
          distill(images_, roles_.distillation, recipe_, seed, workers_, held_out, network_,
                  [&](int done) { progress.update(static_cast<std::size_t>(done)); });
      divergences = {found.before, found.after};
    }
    if (stage.exponent_moves) {
      scope.reset();
      scope.emplace(timeline_, kMoves);
      share = budget_.take(memory_of({kMoves}));
      std::optional<Progress> progress;
      const MovesResult found =
          move_exponents(held_out, memory_, recipe_, kMovePasses, network_, [&](int done, int total) {
            if (!progress || done == 1) progress.emplace("exponents", static_cast<std::size_t>(total), "moves");
            progress->update(static_cast<std::size_t>(done));
          });
      spdlog::info("exponents: {} moves tried, {} taken", found.tried, found.taken);
      if (divergences.empty()) divergences = {found.before};
      divergences.push_back(found.after);
    }
    checkpoint_.save("network", whole_, network_, divergences);
    record_network_stage(divergences);
  }

  /// 'divergences': what was there before, then each of the stages that the recipe has.
  void record_network_stage(const std::vector<double>& divergences) {
    std::vector<const char*> names;
    if (recipe_.network.iterations > 0) names.push_back(kNetwork);
    if (recipe_.network.exponent_moves) names.push_back(kMoves);
    if (record_.stages.empty()) record_.stages.push_back({kSearch, divergences.at(0), true});
    for (std::size_t i = 0; i < names.size(); ++i)
      record_.stages.push_back({names[i], divergences.at(i + 1), divergences.at(i + 1) < divergences.at(i)});
  }

  /// Statistics of the search's network, which may come from a checkpoint, without a change of its biases.
  void measure_search() {
    QuantizedNetwork measured = network_;
    for (QuantizedLayer& layer : measured.layers) layer.learned_bias.assign(layer.bias.begin(), layer.bias.end());
    measure_layers(measured);
    network_.statistics = measured.statistics;
  }

  /// The network stage knows no layers by themselves: their statistics, from a few images.
  void measure_layers(QuantizedNetwork& network) {
    const StageScope stage(timeline_, kStatistics);
    constexpr int kImages = 64;
    Recipe as_it_is = recipe_;
    as_it_is.bias_correction = false;
    Calibrator calibrator(network, as_it_is, workers_, memory_);
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
  LearningRecord unread_;
  LearningRecord& record_;
  Unit whole_;
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
