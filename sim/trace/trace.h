// A run as slices of time on tracks, for Perfetto (ui.perfetto.dev) and chrome://tracing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"
#include "sim/transaction/observer.h"

namespace shiftsim::sim {

enum class Track { kLoad, kCompute, kPpu, kStore, kDma, kDram, kL2 };
inline constexpr const char* kTrackNames[] = {"LOAD", "COMPUTE", "PPU", "STORE", "DMA", "DRAM", "L2"};

struct Slice {
  Track track = Track::kCompute;
  std::int64_t from = 0, to = 0;  ///< cycles
  int layer = -1;                 ///< -1: of none alone
  std::string name;
  Cause cause = Cause::kRun;  ///< COMPUTE
  std::int64_t bytes = 0;     ///< DMA, DRAM and L2
};

/// What the machine does with one batch, slice by slice, on the transaction machine: equal to the other engines in
/// every cycle.
std::vector<Slice> trace_batch(const qnet::Network& network, const Program& program, const DramConfig& dram);

/// The slices in the trace event format: one process, a track for each unit. Time is that of the accelerator's clock;
/// the arguments of a slice give its cycles. Slices of DMA and memories may overlap: they are
/// asynchronous. Throws UserError if the file
/// cannot be written.
void write_trace(const std::filesystem::path& file, const std::vector<Slice>& slices, const qnet::Network& network,
                 const AcceleratorConfig& accelerator);

}  // namespace shiftsim::sim
