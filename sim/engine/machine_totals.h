// What a machine found on some images, and how the parts of several machines are put together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/engine/engine.h"
#include "sim/engine/layer_results.h"
#include "sim/engine/system.h"
#include "sim/lockstep/scoreboard.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

struct MachineTotals {
  MachineCounts counts;
  ValueCheck values;
  std::int64_t images = 0;                                                         ///< begun
  std::int64_t compared_cycles = 0, comparisons = 0, accumulator_comparisons = 0;  ///< of lockstep
  std::optional<Difference> difference;                                            ///< of lockstep
  double seconds = 0;

  MachineTotals& operator+=(const MachineTotals& other);
};

/// Text for another process, and back. Only of totals without a difference or a mismatch.
std::string to_text(const MachineTotals& totals);
MachineTotals totals_from(const std::string& text);

/// Runs the first config.image_count images, each batch on a machine as it is at the beginning, in as many processes as
/// config.threads says (SystemC allows one machine a process). The totals are the same at any number. Where something
/// differs the images are run again, one after the other up to the difference.
MachineTotals run_machines(const EngineSetup& setup, const Program& program, const SystemOptions& options,
                           const ImageSet& images);

/// The part of a result that all engines with values have alike.
RunResult result_of(const EngineSetup& setup, const Program& program, const MachineTotals& totals);

}  // namespace shiftsim::sim
