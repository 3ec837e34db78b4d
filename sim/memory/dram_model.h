// The DRAM's timing, as the DMA sees it. It holds no contents: those are TensorMemory's and the program's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/compiler/dram_layout.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

/// What moved in one cycle.
struct DramGrant {
  std::int64_t read_bytes = 0;     ///< of the oldest read request with bytes left
  std::int64_t written_bytes = 0;  ///< of the oldest bursts to be written
  bool busy = false;               ///< nothing moved, but the memory works on what it may serve
};

/// A model of DRAM. The DMA hands over requests as runs of whole, aligned bursts, then asks cycle by cycle what moved.
/// Reads are served in the order of their requests, and no cycle serves two of them; writes are served in their order.
/// Everything that is handed over must be served after finitely many cycles in which it may be. A model that does so
/// for long without moving a byte says that it is busy: a machine in which nothing is busy or moves is in deadlock.
class DramModel {
public:
  virtual ~DramModel() = default;

  /// A read request of 'layer', accepted in this cycle. Returns a cycle before which none of its data comes, padding
  /// included. There may be no runs: then nothing is to be served.
  virtual std::int64_t read(const std::vector<BurstRun>& runs, int layer, std::int64_t cycle) = 0;
  /// Bursts to be written for 'layer', complete in this cycle.
  virtual void write(const BurstRun& run, int layer, std::int64_t cycle) = 0;
  /// One cycle; cycles in which nothing is under way may be left out. 'may_read': the DMA has room for
  /// 'bytes_per_cycle' of the oldest read's data, and no older write holds it back.
  virtual DramGrant clock(std::int64_t cycle, bool may_read) = 0;

protected:
  DramModel() = default;
  DramModel(const DramModel&) = default;
  DramModel& operator=(const DramModel&) = default;
};

/// The model that a configuration asks for.
std::unique_ptr<DramModel> make_dram_model(const DramConfig& config);

}  // namespace shiftsim::sim
