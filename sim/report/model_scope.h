// Which parts of the machine the RTL has, and which only the SystemC model.
#pragma once

namespace shiftsim::sim {

inline constexpr const char* kRtlScope = "queues, LOAD, COMPUTE and STORE units, scratchpads, array, PPU";
inline constexpr const char* kSystemCScope = "DRAM, second-level buffer and DMA timing, host, energy";

}  // namespace shiftsim::sim
