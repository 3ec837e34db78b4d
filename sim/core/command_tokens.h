// Which tokens a command waits for and takes. docs/hardware.md, "Tokens".
#pragma once

#include "sim/core/commands.h"
#include "sim/core/tokens.h"

namespace shiftsim::sim {

/// The first token that a COMPUTE command waits for; kSetup where it has them all.
inline ExState missing_token(const ComputeCommand& c, const Tokens& tokens) {
  if (c.acq_act && !tokens.ready_of(Target::kAct).available()) return ExState::kWaitAct;
  if (c.acq_wgt && !tokens.ready_of(Target::kWgt).available()) return ExState::kWaitWgt;
  if (c.acq_tab && !tokens.ready_of(Target::kTab).available()) return ExState::kWaitTab;
  if (c.acq_res && !tokens.ready_of(Target::kRes).available()) return ExState::kWaitRes;
  if (c.acq_out && !tokens.credit_of(Target::kOut).available()) return ExState::kWaitOut;
  return ExState::kSetup;
}

inline void take_tokens(const ComputeCommand& c, Tokens& tokens) {
  if (c.acq_act) tokens.ready_of(Target::kAct).take();
  if (c.acq_wgt) tokens.ready_of(Target::kWgt).take();
  if (c.acq_tab) tokens.ready_of(Target::kTab).take();
  if (c.acq_res) tokens.ready_of(Target::kRes).take();
  if (c.acq_out) tokens.credit_of(Target::kOut).take();
}

/// What a LOAD command waits for; kRequest where it has its tokens. 'pending_full': two requests wait for their data.
inline LdState load_wait(const LoadCommand& c, const Tokens& tokens, bool pending_full) {
  if (c.barrier && !tokens.barrier.available()) return LdState::kWaitBarrier;
  if (c.acquire && !tokens.credit_of(c.target).available()) return LdState::kWaitCredit;
  return pending_full ? LdState::kPendingFull : LdState::kRequest;
}

}  // namespace shiftsim::sim
