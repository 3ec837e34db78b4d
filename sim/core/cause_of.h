// The one cause that a cycle is counted under, whatever counts it.
#pragma once

#include "sim/core/commands.h"
#include "sim/counters/causes.h"

namespace shiftsim::sim {

/// 'barrier': the load unit waits for the barrier; 'draining': steps or outputs are still on their way.
inline Cause cause_of(ExState state, bool barrier, bool draining) {
  switch (state) {
    case ExState::kRun:
      return Cause::kRun;
    case ExState::kPpuStall:
      return Cause::kPpu;
    case ExState::kSetup:
      return Cause::kSetup;
    case ExState::kWaitAct:
      return barrier ? Cause::kBarrier : Cause::kActivations;
    case ExState::kWaitWgt:
      return Cause::kWeights;
    case ExState::kWaitTab:
      return Cause::kTables;
    case ExState::kWaitRes:
      return barrier ? Cause::kBarrier : Cause::kResidual;
    case ExState::kWaitOut:
      return Cause::kOutput;
    case ExState::kNoCommand:
      break;
  }
  return draining ? Cause::kDrain : Cause::kNoCommand;
}

}  // namespace shiftsim::sim
