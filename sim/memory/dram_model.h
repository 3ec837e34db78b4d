// The DRAM's timing, as the DMA sees it. It holds no contents: those are TensorMemory's and the program's.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/compiler/dram_layout.h"

namespace shiftsim::sim {

/// What moved in one cycle.
struct DramGrant {
  std::int64_t read_bytes = 0;     ///< of the oldest read request with bytes left
  std::int64_t written_bytes = 0;  ///< of the oldest bursts to be written
};

/// A model of DRAM. The DMA hands over requests as runs of whole, aligned bursts, then asks cycle by cycle what moved.
/// Reads are served in the order of their requests, and no cycle serves two of them; writes are served in their order.
class DramModel {
public:
  virtual ~DramModel() = default;

  /// A read request of 'layer', accepted in this cycle. Returns the first cycle in which its data can come.
  virtual std::int64_t read(const std::vector<BurstRun>& runs, int layer, std::int64_t cycle) = 0;
  /// Bursts to be written for 'layer', complete in this cycle.
  virtual void write(const BurstRun& run, int layer, std::int64_t cycle) = 0;
  /// One cycle. 'may_read': the DMA has room for the oldest read's data, and no older write holds it back.
  virtual DramGrant clock(std::int64_t cycle, bool may_read) = 0;

protected:
  DramModel() = default;
  DramModel(const DramModel&) = default;
  DramModel& operator=(const DramModel&) = default;
};

}  // namespace shiftsim::sim
