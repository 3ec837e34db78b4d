#include "sim/mapping/mapping_search.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/suggestion.h"
#include "common/thread_pool.h"
#include "sim/compiler/compiler.h"
#include "sim/compiler/output_stationary.h"
#include "sim/energy/event_weights.h"
#include "sim/mapping/layer_timing.h"

namespace shiftsim::sim {
namespace {

/// 'balanced' takes the least energy among the mappings that are at most 2 % slower than the fastest. The brief search
/// for the fastest may miss it by a third of a percent, and layers overlap in the network: that is taken off.
constexpr double kBalancedCycles = 1.015;

/// When a search ends: after so many runs, or where the next candidate could be better by less than 'enough'.
struct Patience {
  int tries;
  double enough;
  int trusting_after;  ///< runs, after which all estimates are taken to be as far below the truth as theirs
};
constexpr Patience kThorough{32, 3e-4, 32};
/// For 'balanced': the fewest cycles are but a limit, and a little energy is not worth a run.
constexpr Patience kBrief{10, 3e-3, 10};

/// What a mapping costs, estimated or exact.
struct Price {
  double cycles = 0, dram_bytes = 0, pj = 0;
};

/// The order of preference, the first of equals counting next.
std::array<double, 3> preference(Objective objective, const Price& price) {
  switch (objective) {
    case Objective::kCycles:
      return {price.cycles, price.pj, price.dram_bytes};
    case Objective::kBalanced:
    case Objective::kEnergy:
      return {price.pj, price.cycles, price.dram_bytes};
    case Objective::kEdp:
      return {price.pj * price.cycles, price.cycles, price.dram_bytes};
    case Objective::kDramBytes:
      return {price.dram_bytes, price.cycles, price.pj};
  }
  SHIFTSIM_CHECK(false, "no such objective");
}

class LayerSearch {
public:
  LayerSearch(const LayerTask& task, const EventWeights& weights) : task_(task), weights_(weights) {}

  MappedLayer find(Objective objective, const FixedMapping& fixed) {
    collect(fixed);
    try_both_orders(objective == Objective::kBalanced ? Objective::kCycles : objective);
    std::size_t best = 0;
    if (objective == Objective::kBalanced) {
      best = best_of(Objective::kCycles, kAnyCycles, kBrief);
      best = best_of(Objective::kEnergy, kBalancedCycles * exact(best).cycles, kBrief);
    } else {
      best = best_of(objective, kAnyCycles, kThorough);
    }
    const Candidate& chosen = candidates_[best];
    const auto tried = std::ranges::count_if(candidates_, [](const Candidate& c) { return c.exact.has_value(); });
    return {chosen.mapping,
            {chosen.estimate.cycles, chosen.estimate.dram_bytes},
            static_cast<std::int64_t>(exact(best).cycles),
            static_cast<int>(candidates_.size()),
            static_cast<int>(tried)};
  }

private:
  struct Candidate {
    Mapping mapping;
    Price estimate;
    std::optional<Price> exact;
  };

  void collect(const FixedMapping& fixed) {
    mapper_.visit_candidates(task_, fixed, [&](const Mapping& mapping, const Workload& workload) {
      const Cost estimate = cost(workload, task_.accelerator);
      Events events = workload.events;
      events.cycles = static_cast<std::int64_t>(estimate.cycles);
      candidates_.push_back({mapping, {estimate.cycles, estimate.dram_bytes, weights_.pj(events)}, {}});
    });
    if (candidates_.empty())
      fail("layer {}: no mapping as mapping.layers fixes it fits the scratchpads", task_.layer().name);
  }

  const Price& exact(std::size_t i) {
    Candidate& candidate = candidates_[i];
    if (!candidate.exact) {
      const ExactCost cost = run_alone(mapper_, task_, candidate.mapping);
      candidate.exact = {static_cast<double>(cost.cycles), static_cast<double>(cost.dram_bytes),
                         weights_.pj(cost.events)};
    }
    return *candidate.exact;
  }

  /// Runs the best estimate of each order of the loops. Estimates may be wrong about an order as a whole, and then none
  /// of its candidates would come up.
  void try_both_orders(Objective objective) {
    std::map<bool, std::size_t> best;  // by whether the outer loop goes over weights
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      const auto [entry, is_new] = best.emplace(candidates_[i].mapping.weights_outer, i);
      if (is_new) continue;
      if (preference(objective, candidates_[i].estimate) < preference(objective, candidates_[entry->second].estimate))
        entry->second = i;
    }
    double least = std::numeric_limits<double>::infinity();
    for (const auto& [outer, i] : best) least = std::min(least, preference(objective, candidates_[i].estimate)[0]);
    for (const auto& [outer, i] : best)
      if (preference(objective, candidates_[i].estimate)[0] <= kHopeful * least) exact(i);
  }

  /// No estimate is off by more, where its mapping is the best.
  static constexpr double kHopeful = 1.25;
  static constexpr double kAnyCycles = std::numeric_limits<double>::infinity();

  /// Runs candidates in the order of their estimates until 'patience' ends. Those of more than 'most_cycles' do not
  /// count, unless all have more.
  std::size_t best_of(Objective objective, double most_cycles, const Patience& patience) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < candidates_.size(); ++i)
      if (candidates_[i].estimate.cycles <= most_cycles || candidates_[i].exact) order.push_back(i);
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return preference(objective, candidates_[i].estimate); });
    std::optional<std::size_t> best;
    int tries = 0;
    // The truth in terms of the estimate, the least of those that have been run.
    double least_ratio = kAnyCycles;
    for (const std::size_t i : order) {
      if (!candidates_[i].exact || exact(i).cycles > most_cycles) continue;
      if (!best || preference(objective, exact(i)) < preference(objective, exact(*best))) best = i;
    }
    for (const std::size_t i : order) {
      const double estimate = preference(objective, candidates_[i].estimate)[0];
      const double ratio = tries < patience.trusting_after ? std::min(1.0, least_ratio) : least_ratio;
      const bool decided = best && estimate * ratio >= (1 - patience.enough) * preference(objective, exact(*best))[0];
      if (decided || tries == patience.tries) break;
      if (!candidates_[i].exact) ++tries;
      least_ratio = std::min(least_ratio, preference(objective, exact(i))[0] / estimate);
      if (exact(i).cycles > most_cycles) continue;
      if (!best || preference(objective, exact(i)) < preference(objective, exact(*best))) best = i;
    }
    if (best) return *best;
    // The fastest that has been run.
    const auto has_run = [&](std::size_t i) { return candidates_[i].exact.has_value(); };
    std::size_t fastest = order.front();
    for (const std::size_t i : order)
      if (has_run(i) && (!has_run(fastest) || exact(i).cycles < exact(fastest).cycles)) fastest = i;
    return fastest;
  }

  const LayerTask& task_;
  const EventWeights& weights_;
  OutputStationaryMapper mapper_;
  std::vector<Candidate> candidates_;
};

/// Layers of the same signature have the same mappings at the same cost.
std::vector<int> signature(const LayerTask& task, const FixedMapping& fixed) {
  const qnet::Layer& l = task.layer();
  std::vector<int> result = {static_cast<int>(l.kind),
                             l.kernel_h,
                             l.kernel_w,
                             l.stride_h,
                             l.stride_w,
                             l.dilation_h,
                             l.dilation_w,
                             l.pad_top,
                             l.pad_left,
                             l.groups,
                             task.view.planes,
                             task.view.has_offset,
                             task.has_table(),
                             task.is_last()};
  for (const int index : {l.input, l.output, l.residual}) {
    if (index < 0) {
      result.push_back(-1);
      continue;
    }
    const qnet::Tensor& t = task.network.tensors[static_cast<std::size_t>(index)];
    const int level = static_cast<int>(task.dram.level(index));
    for (const int value : {t.height, t.width, t.channels, t.bits, level}) result.push_back(value);
    // What a view reads has addresses of its own.
    result.push_back(task.dram.sources().is_view(index) ? index : -1);
  }
  const int outer = fixed.outer.empty() ? 0 : fixed.outer == "weights" ? 1 : 2;
  for (const int value : {fixed.rows, fixed.cols, fixed.block, fixed.held, outer}) result.push_back(value);
  return result;
}

FixedMapping fixed_of(const RunConfig& config, const qnet::Layer& layer) {
  const auto found = config.mapping.layers.find(layer.name);
  return found == config.mapping.layers.end() ? FixedMapping{} : found->second;
}

void check_names(const qnet::Network& network, const RunConfig& config) {
  std::vector<std::string> names;
  names.reserve(network.layers.size());
  for (const qnet::Layer& layer : network.layers)
    if (!layer.is_view()) names.push_back(layer.name);
  for (const auto& [name, fixed] : config.mapping.layers)
    if (std::ranges::find(names, name) == names.end())
      fail("mapping.layers: the network {} has no layer '{}'{}", network.name, name, suggestion(name, names));
}

}  // namespace

std::vector<MappedLayer> find_mappings(const qnet::Network& network, const RunConfig& config,
                                       const Technology& technology, int threads) {
  check_names(network, config);
  const AcceleratorConfig& accelerator = config.accelerator;
  const DramLayout dram = layout_of(network, accelerator, config.batch);
  const EventWeights weights(accelerator, technology);
  std::vector<LayerTask> tasks;
  std::vector<std::size_t> distinct;                ///< of 'tasks'
  std::vector<std::optional<std::size_t>> same_as;  ///< by layer: of 'distinct'; none for a view
  std::map<std::vector<int>, std::size_t> seen;     // signature -> of the distinct ones
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].is_view()) {
      same_as.emplace_back();
      continue;
    }
    LayerTask& task = tasks.emplace_back(make_task(network, accelerator, static_cast<int>(i), dram));
    task.alone = true;
    const auto [entry, is_new] = seen.emplace(signature(task, fixed_of(config, network.layers[i])), distinct.size());
    if (is_new) distinct.push_back(tasks.size() - 1);
    same_as.emplace_back(entry->second);
  }
  std::vector<MappedLayer> found(distinct.size());
  parallel_for(distinct.size(), thread_count(threads), [&](std::size_t i, std::size_t) {
    const LayerTask& task = tasks[distinct[i]];
    found[i] = LayerSearch(task, weights).find(config.mapping.objective, fixed_of(config, task.layer()));
  });
  std::vector<MappedLayer> mappings;
  mappings.reserve(same_as.size());
  for (const std::optional<std::size_t>& i : same_as) mappings.push_back(i ? found[*i] : MappedLayer{});
  return mappings;
}

}  // namespace shiftsim::sim
