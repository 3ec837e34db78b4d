// The whole simulated machine in SystemC: host, DMA and DRAM, core, and in lockstep the Verilated RTL with the
// scoreboard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"
#include "sim/core/core_model.h"
#include "sim/lockstep/rtl_library.h"
#include "sim/lockstep/scoreboard.h"
#include "sim/memory/dma.h"
#include "sim/memory/tensor_memory.h"

namespace shiftsim::sim {

/// What runs beside the SystemC core.
struct SystemOptions {
  std::shared_ptr<RtlLibrary> rtl;  ///< null: the SystemC core alone
  std::uint32_t seed = 1;           ///< of the noise in the RTL's registers without reset
  std::int64_t compare_cycles = 0;  ///< lockstep for so many cycles (0: all)
  std::filesystem::path trace;      ///< waveform (the library must have been built for it), or empty
  std::int64_t trace_from = 0;      ///< first cycle in it
};

/// One machine. Only one may exist at a time in a process (SystemC's elaboration is global); when it is destroyed the
/// next may be made.
class System {
public:
  System(const qnet::Network& network, const Program& program, const DramConfig& dram, const SystemOptions& options);
  ~System();
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  /// Runs the program on the images of one batch (uint8, NHWC, one behind the other) until all is quiet. Returns false
  /// if lockstep found a difference.
  /// Throws InternalError if nothing moves for 200,000 cycles, and Stopped (common/watcher.h), after which the machine
  /// is of no use any more.
  bool run(const std::uint8_t* images);

  const TensorMemory& memory() const;
  const CoreModel& core() const;
  const Dma& dma() const;
  /// Null without RTL.
  const Scoreboard* scoreboard() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Version of the SystemC library.
std::string systemc_version();

}  // namespace shiftsim::sim
