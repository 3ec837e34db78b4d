#include "sim/engine/lockstep_engine.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "common/error.h"
#include "common/log.h"
#include "sim/engine/machine_totals.h"
#include "sim/engine/mapped_program.h"

namespace shiftsim::sim {
namespace {

RtlOptions rtl_options(const LockstepConfig& config, bool trace) {
  return {trace, config.mutant, config.rtl, config.library};
}

}  // namespace

LockstepEngine::LockstepEngine(const EngineSetup& setup)
    : setup_(setup), program_(mapped_program(setup.network, setup.config, Contents::kFilled)) {
  options_.rtl = RtlLibrary::open(program_.geometry, rtl_options(setup.config.lockstep, false));
  options_.seed = static_cast<std::uint32_t>(setup.config.seed);
  options_.compare_cycles = setup.config.lockstep.max_cycles;
}

std::string LockstepEngine::scope() const {
  const std::string cycles =
      options_.compare_cycles > 0 ? fmt::format("each of the first {} cycles", options_.compare_cycles) : "every cycle";
  return fmt::format("all ports in {}, accumulators of active slots at every drain, event counters, assertions",
                     cycles);
}

RunResult LockstepEngine::run(const ImageSet& images) {
  const MachineTotals totals = run_machines(setup_, program_, options_, images);
  const std::optional<Difference>& difference = totals.difference;
  RunResult result = result_of(setup_, program_, totals);
  result.lockstep.verdict = difference ? "fail" : "pass";
  result.lockstep.scope = scope();
  result.lockstep.not_compared = options_.rtl->lacks();
  result.lockstep.images = result.images;
  result.lockstep.cycles = totals.compared_cycles;
  result.lockstep.comparisons = totals.comparisons;
  result.lockstep.accumulator_comparisons = totals.accumulator_comparisons;
  result.versions.emplace_back("verilator", verilator_version());
  if (!difference) return result;
  result.lockstep.difference = fmt::format("{} (seed {})", difference->text(), setup_.config.seed);
  spdlog::error("lockstep: {}", result.lockstep.difference);
  // A core that was brought built may have been built without waveforms.
  const bool traces = setup_.config.lockstep.library.empty() || options_.rtl->traces();
  if (setup_.config.lockstep.wave_cycles > 0 && traces && !setup_.output.empty())
    result.lockstep.waveform = record_waveform(images, result.images, difference->cycle);
  return result;
}

/// Runs the same images again up to the difference on the RTL built for tracing, the last cycles into an FST file.
std::string LockstepEngine::record_waveform(const ImageSet& images, std::int64_t images_run,
                                            std::int64_t difference_cycle) const {
  const RunConfig& config = setup_.config;
  std::filesystem::create_directories(setup_.output);
  SystemOptions options = options_;
  options.rtl = RtlLibrary::open(program_.geometry, rtl_options(config.lockstep, true));
  options.trace = setup_.output / "lockstep.fst";
  options.trace_from = std::max<std::int64_t>(0, difference_cycle - config.lockstep.wave_cycles);
  System system(setup_.network, program_, config.accelerator.dram, options);
  for (std::int64_t first = 0; first < images_run; first += config.batch)
    if (!system.run(images.image(static_cast<std::size_t>(first)))) break;
  SHIFTSIM_CHECK(system.scoreboard()->difference() && system.scoreboard()->difference()->cycle == difference_cycle,
                 "the run with tracing did not show the difference of cycle {} again", difference_cycle);
  return options.trace.string();
}

}  // namespace shiftsim::sim
