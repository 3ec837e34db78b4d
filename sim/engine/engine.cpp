#include "sim/engine/engine.h"

#include <algorithm>

#include "common/error.h"
#include "sim/engine/cycle_engine.h"
#include "sim/engine/golden_engine.h"
#include "sim/engine/lockstep_engine.h"
#include "sim/engine/transaction_engine.h"

namespace shiftsim::sim {
namespace {

template <typename T>
std::unique_ptr<Engine> make(const EngineSetup& setup) {
  return std::make_unique<T>(setup);
}

struct Entry {
  Fidelity fidelity;
  std::unique_ptr<Engine> (*make)(const EngineSetup&);
};

constexpr Entry kEngines[] = {
    {Fidelity::kGolden, make<GoldenEngine>},
    {Fidelity::kTransaction, make<TransactionEngine>},
    {Fidelity::kCycle, make<CycleEngine>},
    {Fidelity::kLockstep, make<LockstepEngine>},
};

}  // namespace

std::size_t images_to_run(const EngineSetup& setup, const ImageSet& images) {
  const std::size_t count = std::min(static_cast<std::size_t>(setup.config.image_count), images.count);
  SHIFTSIM_CHECK(count % static_cast<std::size_t>(setup.config.batch) == 0, "{} images in batches of {}", count,
                 setup.config.batch);
  return count;
}

std::unique_ptr<Engine> make_engine(const EngineSetup& setup) {
  for (const Entry& entry : kEngines)
    if (entry.fidelity == setup.config.fidelity) return entry.make(setup);
  SHIFTSIM_CHECK(false, "no engine for fidelity {}", to_string(setup.config.fidelity));
  return nullptr;
}

}  // namespace shiftsim::sim
