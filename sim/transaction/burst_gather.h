// A store of the DMA under way, in time: which bursts its words fill.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "sim/counters/events.h"
#include "sim/memory/store_words.h"

namespace shiftsim::sim {

/// Words are gathered into bursts: one is open for each block of channels that they touch.
class BurstGather {
public:
  /// 'level': where the words go; 'burst_bytes': of one burst.
  BurstGather(const StoreWords& words, MemoryLevel level, std::int64_t burst_bytes)
      : words_(words), level_(level), burst_bytes_(static_cast<std::uint64_t>(burst_bytes)) {}

  MemoryLevel level() const { return level_; }
  int layer() const { return words_.layer(); }
  bool done() const { return words_.done(); }
  /// Gathers the next word. Returns how many bursts it closes; the last word closes all.
  int add_word();

private:
  using OpenBurst = std::optional<std::uint64_t>;  ///< number of the burst

  StoreWords words_;
  MemoryLevel level_;
  std::uint64_t burst_bytes_;
  std::array<OpenBurst, StoreWords::kBlocks> open_{};
};

}  // namespace shiftsim::sim
