// Exit status of simrun beside those of common/guarded_main.h.
#pragma once

namespace shiftsim::sim {

inline constexpr int kDisagreement = 3;  ///< a wrong value, a lockstep difference, or two engines that differ

}  // namespace shiftsim::sim
