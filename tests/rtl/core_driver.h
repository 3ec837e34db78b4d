// A host and a DMA for a Verilated core, as small as they can be: command queues, reads answered from a table,
// writes collected; every handshake can be held back at random.
#ifndef SHIFTSIM_TESTS_RTL_CORE_DRIVER_H_
#define SHIFTSIM_TESTS_RTL_CORE_DRIVER_H_

#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <utility>
#include <vector>

#include "tests/rtl/core_library.h"

namespace shiftsim::test {

using Command = std::array<uint32_t, SHIFTSIM_CORE_CMD_WORDS>;
using Word = std::vector<uint32_t>;

// Writes `bits` low bits of `value` at bit `lsb`.
inline void PutBits(uint32_t* words, int lsb, int bits, int64_t value) {
  for (int i = 0; i < bits; ++i) {
    const int bit = lsb + i;
    const uint32_t mask = uint32_t{1} << (bit % 32);
    if ((value >> i) & 1) {
      words[bit / 32] |= mask;
    } else {
      words[bit / 32] &= ~mask;
    }
  }
}

// Fields one after the other from bit 0: docs/hardware.md, "Commands".
inline Command Pack(const std::vector<std::pair<int, int64_t>>& width_and_value) {
  Command command{};
  int lsb = 0;
  for (const auto& [width, value] : width_and_value) {
    PutBits(command.data(), lsb, width, value);
    lsb += width;
  }
  return command;
}

struct LoadCommand {
  int target = 0, half = 0, acquire = 0, signal = 0, barrier = 0, base = 0, count = 1, dma_id = 0;
  int seg = 1, m_tile = 1, tw = 1, seg_x = 0, seg_xa = 0, tw_xa = 0, seg_off = 0, row_off = 0, win_len = 1;
  int carry_stride = 0;
  Command Packed() const {
    return Pack({{2, target},
                 {1, half},
                 {1, acquire},
                 {1, signal},
                 {1, barrier},
                 {16, base},
                 {24, count},
                 {32, dma_id},
                 {16, seg},
                 {16, m_tile},
                 {16, tw},
                 {16, seg_x},
                 {16, seg_xa},
                 {16, tw_xa},
                 {24, seg_off},
                 {24, row_off},
                 {16, win_len},
                 {16, carry_stride}});
  }
};

struct ComputeCommand {
  int mode = 0, act_signed = 0, has_offset = 0, has_res = 0, res_signed = 0, wide = 0;
  int first = 1, shift_first = 0, plane0_last = 1, drain = 1;
  int act_half = 0, wgt_half = 0, tab_half = 0, res_half = 0, out_half = 0;
  int acq_act = 0, acq_wgt = 0, acq_tab = 0, acq_res = 0, acq_out = 0;
  int rel_act = 0, rel_wgt = 0, rel_tab = 0, rel_res = 0, sig_out = 0;
  int planes = 1, seg = 1, m_tile = 1, tw = 1, x_inc = 1, row_inc = 1, sub_last = 1, cw_n = 1, kx_n = 1, ky_n = 1;
  int inc_kx = 1, inc_ky = 1, act_base = 0, wgt_base = 0, tab_base = 0, res_base = 0, out_base = 0, lo = 0;
  Command Packed() const {
    return Pack({{2, mode},     {1, act_signed},  {1, has_offset},  {1, has_res},   {1, res_signed}, {1, wide},
                 {1, first},    {1, shift_first}, {1, plane0_last}, {1, drain},     {1, act_half},   {1, wgt_half},
                 {1, tab_half}, {1, res_half},    {1, out_half},    {1, acq_act},   {1, acq_wgt},    {1, acq_tab},
                 {1, acq_res},  {1, acq_out},     {1, rel_act},     {1, rel_wgt},   {1, rel_tab},    {1, rel_res},
                 {1, sig_out},  {3, planes},      {16, seg},        {16, m_tile},   {16, tw},        {16, x_inc},
                 {16, row_inc}, {8, sub_last},    {16, cw_n},       {8, kx_n},      {8, ky_n},       {16, inc_kx},
                 {16, inc_ky},  {16, act_base},   {16, wgt_base},   {16, tab_base}, {16, res_base},  {16, out_base},
                 {8, lo}});
  }
};

struct StoreCommand {
  int half = 0, acquire = 0, release = 0, sig_layer = 0, base = 0, count = 1, dma_id = 0;
  Command Packed() const {
    return Pack({{1, half}, {1, acquire}, {1, release}, {1, sig_layer}, {16, base}, {16, count}, {32, dma_id}});
  }
};

class CoreDriver {
public:
  CoreDriver(const CoreLibrary& library, uint32_t seed)
      : library_(library), info_(library.Info()), core_(library.create(seed)), random_(seed) {}
  ~CoreDriver() { library_.destroy(core_); }
  CoreDriver(const CoreDriver&) = delete;
  CoreDriver& operator=(const CoreDriver&) = delete;

  // A word for rd_data, all zero.
  Word ReadWord() const { return Word(info_.rd_data_words, 0); }
  // Registers the words of a read; the id goes into a LOAD.
  int AddRead(std::vector<Word> words) {
    reads_.push_back(std::move(words));
    return static_cast<int>(reads_.size()) - 1;
  }
  void Load(const LoadCommand& command) { load_.push_back(command.Packed()); }
  void Compute(const ComputeCommand& command) { compute_.push_back(command.Packed()); }
  void Store(const StoreCommand& command) { store_.push_back(command.Packed()); }

  // Runs until everything is done; false where it is not within `limit` cycles. Each handshake of the host and
  // the DMA is held back with a chance of `hold` in 256.
  bool Run(int64_t limit, uint32_t hold = 0) {
    for (int64_t i = 0; i < limit; ++i) {
      if (Cycle(hold)) return true;
    }
    return false;
  }

  const std::vector<Word>& Written(int dma_id) { return writes_.at(dma_id); }
  int64_t Cycles() const { return cycles_; }
  // How often ex_state had each value.
  const std::array<int64_t, 16>& ExStates() const { return ex_states_; }

private:
  bool Go(uint32_t hold) { return hold == 0 || (random_() & 255) >= hold; }

  // One cycle; true when core, queues and DMA are empty.
  bool Cycle(uint32_t hold) {
    ShiftsimCoreOutputs out;
    library_.outputs(core_, &out);
    if (out.idle && load_.empty() && compute_.empty() && store_.empty() && read_queue_.empty()) return true;
    ++ex_states_[out.ex_state];

    ShiftsimCoreInputs in{};
    in.ld_cmd_valid = !load_.empty() && Go(hold);
    in.ex_cmd_valid = !compute_.empty() && Go(hold);
    in.st_cmd_valid = !store_.empty() && Go(hold);
    in.rd_req_ready = Go(hold);
    in.rd_data_valid = !read_queue_.empty() && Go(hold);
    in.wr_req_ready = Go(hold);
    in.wr_data_ready = Go(hold);
    if (in.ld_cmd_valid) in.ld_cmd = load_.front().data();
    if (in.ex_cmd_valid) in.ex_cmd = compute_.front().data();
    if (in.st_cmd_valid) in.st_cmd = store_.front().data();
    if (in.rd_data_valid) in.rd_data = reads_.at(read_queue_.front().first).at(read_queue_.front().second).data();
    Word written;  // taken before the edge: the pointer is the core's
    if (out.wr_data_valid) written.assign(out.wr_data, out.wr_data + info_.wr_data_words);
    library_.cycle(core_, &in);
    ++cycles_;

    if (in.ld_cmd_valid && out.ld_cmd_ready) load_.pop_front();
    if (in.ex_cmd_valid && out.ex_cmd_ready) compute_.pop_front();
    if (in.st_cmd_valid && out.st_cmd_ready) store_.pop_front();
    if (in.rd_data_valid && out.rd_data_ready) {
      auto& [id, next] = read_queue_.front();
      if (++next == reads_.at(id).size()) read_queue_.pop_front();
    }
    if (in.rd_req_ready && out.rd_req_valid) read_queue_.emplace_back(out.rd_req_id, 0);
    if (in.wr_req_ready && out.wr_req_valid) {
      write_id_ = out.wr_req_id;
      if (writes_.size() <= write_id_) writes_.resize(write_id_ + 1);
    }
    if (in.wr_data_ready && out.wr_data_valid) {
      writes_.at(write_id_).push_back(written);
    }
    return false;
  }

  const CoreLibrary& library_;
  ShiftsimCoreInfo info_;
  ShiftsimCore* core_;
  std::mt19937 random_;
  std::deque<Command> load_, compute_, store_;
  std::vector<std::vector<Word>> reads_;
  std::deque<std::pair<uint32_t, std::size_t>> read_queue_;  // (id, next word)
  std::vector<std::vector<Word>> writes_;
  std::size_t write_id_ = 0;
  int64_t cycles_ = 0;
  std::array<int64_t, 16> ex_states_{};
};

}  // namespace shiftsim::test

#endif  // SHIFTSIM_TESTS_RTL_CORE_DRIVER_H_
