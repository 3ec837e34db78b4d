// The core's ports, one struct each way: what crosses them in a cycle. docs/hardware.md, "Ports".
#pragma once

#include <cstdint>

#include "sim/core/commands.h"

namespace shiftsim::sim {

/// A command offered to a queue. The SystemC core reads the struct, the RTL the packed word; 'layer' is a
/// simulation-only tag that says for which layer events are counted.
template <typename Command>
struct CommandOffer {
  bool valid = false;
  const Command* command = nullptr;
  const CommandWord* word = nullptr;
  int layer = 0;
};

struct CoreInputs {
  CommandOffer<LoadCommand> ld;
  CommandOffer<ComputeCommand> ex;
  CommandOffer<StoreCommand> st;
  bool rd_req_ready = false;
  bool rd_data_valid = false;
  const std::uint8_t* rd_data = nullptr;  ///< the word's bytes, least significant first; valid during this cycle
  bool wr_req_ready = false;
  bool wr_data_ready = false;
};

struct CoreOutputs {
  bool ld_cmd_ready = true, ex_cmd_ready = true, st_cmd_ready = true;
  bool rd_req_valid = false;
  Target rd_req_target = Target::kAct;
  std::uint32_t rd_req_count = 0, rd_req_id = 0;
  bool rd_data_ready = false;
  bool wr_req_valid = false;
  std::uint32_t wr_req_count = 0, wr_req_id = 0;
  bool wr_data_valid = false;
  const std::uint8_t* wr_data = nullptr;  ///< N bytes
  bool drain_valid = false;
  const std::int32_t* drain_acc = nullptr;  ///< [P][N], sign-extended from ACC_W bits
  const std::int32_t* drain_s = nullptr;    ///< [P]
  int drain_slots = 0;                      ///< slots, from the first, whose sums mean something
  bool drain_has_s = false;                 ///< whether S does
  ExState ex_state = ExState::kNoCommand;
  LdState ld_state = LdState::kNoCommand;
  bool idle = true;
};

}  // namespace shiftsim::sim
