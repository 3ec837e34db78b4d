#include "sim/core/core_model.h"

#include <algorithm>
#include <cstring>

#include "common/error.h"
#include "sim/core/array_kernel.h"

namespace shiftsim::sim {
namespace {

std::size_t index(Target target) {
  return static_cast<std::size_t>(target);
}

std::int32_t sign_extend(std::uint32_t value, int bits) {
  const int unused = 32 - bits;
  return static_cast<std::int32_t>(value << unused) >> unused;
}

/// One lane's entry of a TAB word.
struct TableEntry {
  std::int32_t bias;
  std::int32_t n, c, rs;
  std::uint8_t hi;
};

TableEntry table_entry(const std::uint8_t* word, int lane) {
  std::uint64_t raw = 0;
  std::memcpy(&raw, word + 7 * lane, 7);
  TableEntry entry{};
  entry.bias = static_cast<std::int32_t>(raw & 0xffffffffU);
  entry.n = sign_extend(static_cast<std::uint32_t>(raw >> 32) & 0x3fU, 6);
  entry.c = sign_extend(static_cast<std::uint32_t>(raw >> 38) & 0xfU, 4);
  entry.rs = sign_extend(static_cast<std::uint32_t>(raw >> 42) & 0x3fU, 6);
  entry.hi = static_cast<std::uint8_t>(raw >> 48);
  return entry;
}

std::uint32_t shift_left(std::uint32_t value, int amount) {
  return amount > 31 ? 0 : value << amount;
}

}  // namespace

CoreModel::CoreModel(const Geometry& geometry, int layers)
    : g_(geometry),
      P_(static_cast<std::size_t>(g_.pixels)),
      N_(static_cast<std::size_t>(g_.channels)),
      L_(static_cast<std::size_t>(g_.lanes)),
      Q_(static_cast<std::size_t>(g_.ppu_lanes)),
      events_(static_cast<std::size_t>(layers)),
      causes_(static_cast<std::size_t>(layers)) {
  SHIFTSIM_CHECK(
      N_ <= 64 && P_ <= 64 && L_ >= 1 && L_ <= N_ && Q_ >= 1 && Q_ <= N_ && g_.cmd_depth >= 1 && g_.cmd_depth <= 16,
      "geometry {}x{}x{} with {} PPU lanes is outside the limits of docs/hardware.md", P_, N_, L_, Q_);
  const auto words = [](int depth) { return 2 * static_cast<std::size_t>(depth); };
  act_.resize(P_ * words(g_.act_depth) * N_);
  // One word of slack, because entries are read as 8 bytes.
  tab_.resize(words(g_.tab_depth) * 7 * Q_ + 8);
  res_.resize(words(g_.res_depth) * N_);
  mem_out_.resize(words(g_.out_depth) * N_);
  for (Digits& digits : wgt_mem_)
    digits.value.resize(words(g_.wgt_depth) * L_ * N_), digits.nonzero.resize(words(g_.wgt_depth) * L_);
  slots_[0].resize(P_), slots_[1].resize(P_);
  x_.resize(P_), xa_.resize(P_), rem_.resize(P_);
  // Lanes beyond the last channel of a word read zeros.
  op_stride_ = static_cast<std::size_t>(g_.sub_blocks()) * L_;
  read_words_.resize(P_);
  for (ActWords& words_read : act_words_) words_read.op.resize(P_ * op_stride_), words_read.nonzero.resize(op_stride_);
  acc_.resize(P_ * N_), s_.resize(P_);
  for (std::size_t i = 0; i < 2; ++i) drain_acc_[i].resize(P_ * N_), drain_s_[i].resize(P_);
  b1_acc_.resize(Q_), b2_v_.resize(Q_), b2_n_.resize(Q_), b2_hi_.resize(Q_);
  reset();
}

void CoreModel::reset() {
  ld_fifo_ = {}, pending_ = {}, ex_fifo_ = {}, st_fifo_ = {};
  credit_.fill(2), ready_.fill(0), barrier_ = 0;
  receive_ = Receive::kIdle, store_ = Store::kIdle;
  running_ = false, ctx_id_ = 0, d_.valid = e_.valid = false;
  ppu_active_ = false, b1_.valid = b2_.valid = false, drained_ = false;
  update_outputs();
}

bool CoreModel::ppu_ready() const {
  if (!ppu_active_) return true;
  const int passes = ppu_ctx_.command->wide ? 4 : 1;
  return ppu_p_ == g_.pixels - 1 && ppu_pass_ == passes - 1 && ppu_q_ == g_.ppu_beats() - 1;
}

bool CoreModel::stalled() const {
  return e_.valid && e_.capture && !ppu_ready();
}

ExState CoreModel::ex_state() const {
  if (stall_) return ExState::kPpuStall;
  if (running_) return ExState::kRun;
  if (ex_fifo_.empty()) return ExState::kNoCommand;
  const ComputeCommand& c = *ex_fifo_.front().command;
  if (c.acq_act && ready_[index(Target::kAct)] == 0) return ExState::kWaitAct;
  if (c.acq_wgt && ready_[index(Target::kWgt)] == 0) return ExState::kWaitWgt;
  if (c.acq_tab && ready_[index(Target::kTab)] == 0) return ExState::kWaitTab;
  if (c.acq_res && ready_[index(Target::kRes)] == 0) return ExState::kWaitRes;
  if (c.acq_out && credit_[index(Target::kOut)] == 0) return ExState::kWaitOut;
  return ExState::kSetup;
}

LdState CoreModel::ld_state() const {
  if (ld_fifo_.empty()) return LdState::kNoCommand;
  const LoadCommand& c = *ld_fifo_.front().command;
  if (c.barrier && barrier_ == 0) return LdState::kWaitBarrier;
  if (c.acquire && credit_[index(c.target)] == 0) return LdState::kWaitCredit;
  if (pending_.count == 2) return LdState::kPendingFull;
  return LdState::kRequest;
}

void CoreModel::update_outputs() {
  stall_ = stalled();
  out_.ld_cmd_ready = ld_fifo_.count < g_.cmd_depth;
  out_.ex_cmd_ready = ex_fifo_.count < g_.cmd_depth;
  out_.st_cmd_ready = st_fifo_.count < g_.cmd_depth;
  out_.ld_state = ld_state();
  out_.rd_req_valid = out_.ld_state == LdState::kRequest;
  if (out_.rd_req_valid) {
    const LoadCommand& c = *ld_fifo_.front().command;
    out_.rd_req_target = c.target, out_.rd_req_count = c.count, out_.rd_req_id = c.dma_id;
  }
  out_.rd_data_ready = receive_ == Receive::kData;
  out_.wr_req_valid = store_ == Store::kIdle && !st_fifo_.empty() &&
                      (!st_fifo_.front().command->acquire || ready_[index(Target::kOut)] > 0);
  if (out_.wr_req_valid)
    out_.wr_req_count = st_fifo_.front().command->count, out_.wr_req_id = st_fifo_.front().command->dma_id;
  out_.wr_data_valid = store_ == Store::kSend;
  out_.wr_data = out_q_;
  out_.drain_valid = drained_;
  out_.drain_acc = drain_acc_[drain_].data(), out_.drain_s = drain_s_[drain_].data();
  out_.ex_state = ex_state();
  out_.idle = ld_fifo_.empty() && pending_.empty() && ex_fifo_.empty() && st_fifo_.empty() &&
              receive_ == Receive::kIdle && !running_ && !d_.valid && !e_.valid && !ppu_active_ && !b1_.valid &&
              !b2_.valid && store_ == Store::kIdle;
}

void CoreModel::count_cycle() {
  // The layer of a cycle is that of the command at work or at the head of the queue, else the last one worked on.
  const ExState state = out_.ex_state;
  int layer = last_layer_;
  if (!running_ && !ex_fifo_.empty()) layer = ex_fifo_.front().layer;
  Cause cause = Cause::kNoCommand;
  switch (state) {
    case ExState::kRun:
      cause = Cause::kRun;
      break;
    case ExState::kPpuStall:
      cause = Cause::kPpu;
      break;
    case ExState::kSetup:
      cause = Cause::kSetup;
      break;
    case ExState::kWaitAct:
      cause = out_.ld_state == LdState::kWaitBarrier ? Cause::kBarrier : Cause::kActivations;
      break;
    case ExState::kWaitWgt:
      cause = Cause::kWeights;
      break;
    case ExState::kWaitTab:
      cause = Cause::kTables;
      break;
    case ExState::kWaitRes:
      cause = out_.ld_state == LdState::kWaitBarrier ? Cause::kBarrier : Cause::kResidual;
      break;
    case ExState::kWaitOut:
      cause = Cause::kOutput;
      break;
    case ExState::kNoCommand:
      if (d_.valid || e_.valid || ppu_active_ || b1_.valid || b2_.valid || store_ != Store::kIdle || !st_fifo_.empty())
        cause = Cause::kDrain;
      break;
  }
  const auto l = static_cast<std::size_t>(layer);
  ++causes_[l][static_cast<std::size_t>(cause)];
  ++events_[l].cycles;
  if (!e_.valid || stall_) ++events_[l].array_idle_cycles;
}

void CoreModel::clock(const CoreInputs& in) {
  // Downstream stages first, so that each still sees the registers of the stage before it as they stood in this cycle.
  credit_delta_.fill(0), ready_delta_.fill(0), barrier_delta_ = 0;
  drained_ = false;
  count_cycle();
  clock_store(in);
  clock_ppu();
  if (!stall_) {
    clock_accumulate();
    e_ = d_;
  }
  clock_sequencer();
  clock_load(in);
  if (in.ld.valid && out_.ld_cmd_ready) ld_fifo_.push({in.ld.command, in.ld.layer});
  if (in.ex.valid && out_.ex_cmd_ready) ex_fifo_.push({in.ex.command, in.ex.layer});
  if (in.st.valid && out_.st_cmd_ready) st_fifo_.push({in.st.command, in.st.layer});
  for (std::size_t i = 0; i < kTargets; ++i) credit_[i] += credit_delta_[i], ready_[i] += ready_delta_[i];
  barrier_ += barrier_delta_;
  ++cycle_;
  update_outputs();
}

void CoreModel::clock_ppu() {
  // B2: shift, clamp, write.
  if (b2_.valid) {
    const ComputeCommand& c = *b2_command_;
    if (b2_.write) {
      const int first = b2_.q * g_.ppu_lanes, count = std::min(g_.ppu_lanes, g_.channels - first);
      SHIFTSIM_CHECK(b2_.address < static_cast<std::uint32_t>(g_.out_depth), "OUT address {} of {}", b2_.address,
                     g_.out_depth);
      std::uint8_t* word =
          mem_out_.data() + ((c.out_half ? static_cast<std::size_t>(g_.out_depth) : 0) + b2_.address) * N_ + first;
      for (int lane = 0; lane < count; ++lane) {
        const auto i = static_cast<std::size_t>(lane);
        const std::int32_t v = b2_v_[i], n = b2_n_[i];
        const std::int32_t y =
            n > 0 ? v >> n : static_cast<std::int32_t>(shift_left(static_cast<std::uint32_t>(v), -n));
        word[lane] = c.wide
                         ? static_cast<std::uint8_t>(static_cast<std::uint32_t>(y) >> (8 * b2_.pass))
                         : static_cast<std::uint8_t>(std::max(c.lo, std::min(y, static_cast<std::int32_t>(b2_hi_[i]))));
      }
      Events& ev = events_[static_cast<std::size_t>(b2_layer_)];
      ev.out_write_bytes += count;
    }
    if (b2_.last) {
      if (c.rel_tab) ++credit_delta_[index(Target::kTab)];
      if (c.rel_res) ++credit_delta_[index(Target::kRes)];
      if (c.sig_out) ++ready_delta_[index(Target::kOut)];
    }
  }
  // B1: offset, bias, residual.
  b2_ = b1_, b2_command_ = b1_command_, b2_layer_ = b1_layer_;
  if (b1_.valid) {
    const ComputeCommand& c = *b1_command_;
    for (int lane = 0; lane < g_.ppu_lanes; ++lane) {
      const auto i = static_cast<std::size_t>(lane);
      const TableEntry t = table_entry(tab_q_, lane);
      auto v = static_cast<std::uint32_t>(b1_acc_[i]);
      if (c.has_offset) v = (v << 1) + static_cast<std::uint32_t>(t.c) * static_cast<std::uint32_t>(b1_s_);
      v += static_cast<std::uint32_t>(t.bias);
      const int channel = b1_.q * g_.ppu_lanes + lane;
      if (c.has_res && b1_.write && channel < g_.channels) {
        const std::uint8_t byte = res_q_[channel];
        const std::int32_t r = c.res_signed ? static_cast<std::int8_t>(byte) : byte;
        v += t.rs >= 0 ? shift_left(static_cast<std::uint32_t>(r), t.rs)
                       : static_cast<std::uint32_t>(
                             static_cast<std::int32_t>(static_cast<std::uint32_t>(r) + (1U << (-t.rs - 1))) >>
                             std::min(-t.rs, 31));
      }
      b2_v_[i] = static_cast<std::int32_t>(v), b2_n_[i] = static_cast<std::int8_t>(t.n), b2_hi_[i] = t.hi;
    }
    if (b1_.write) {
      Events& ev = events_[static_cast<std::size_t>(b1_layer_)];
      const int lanes = std::min(g_.ppu_lanes, g_.channels - b1_.q * g_.ppu_lanes);
      ev.ppu_ops += lanes;
      if (c.has_offset) ev.ppu_offset_ops += lanes;
      if (c.has_res) ev.ppu_residual_ops += lanes;
    }
  }
  // B0: read the tables, the residual and the drain registers.
  b1_.valid = ppu_active_;
  if (ppu_active_) {
    const ComputeCommand& c = *ppu_ctx_.command;
    b1_command_ = ppu_ctx_.command, b1_layer_ = ppu_ctx_.layer;
    Events& ev = events_[static_cast<std::size_t>(b1_layer_)];
    b1_.write = ppu_f_ < c.m_tile;
    b1_.q = ppu_q_, b1_.pass = ppu_pass_;
    b1_.address = c.out_base + (c.wide ? 4 * ppu_f_ + static_cast<std::uint32_t>(ppu_pass_) : ppu_f_);
    const std::size_t tab = c.tab_base + static_cast<std::uint32_t>(ppu_q_);
    SHIFTSIM_CHECK(tab < static_cast<std::size_t>(g_.tab_depth), "TAB address {} of {}", tab, g_.tab_depth);
    tab_q_ = tab_.data() + ((c.tab_half ? static_cast<std::size_t>(g_.tab_depth) : 0) + tab) * 7 * Q_;
    ++ev.table_read_words;
    if (c.has_res && b1_.write) {
      const std::size_t res = c.res_base + ppu_f_;
      SHIFTSIM_CHECK(res < static_cast<std::size_t>(g_.res_depth), "RES address {} of {}", res, g_.res_depth);
      res_q_ = res_.data() + ((c.res_half ? static_cast<std::size_t>(g_.res_depth) : 0) + res) * N_;
      ++ev.res_read_words;
    }
    const std::size_t first = static_cast<std::size_t>(ppu_q_) * Q_, p = static_cast<std::size_t>(ppu_p_);
    for (std::size_t lane = 0; lane < Q_; ++lane)
      b1_acc_[lane] = first + lane < N_ ? drain_acc_[drain_][p * N_ + first + lane] : 0;
    b1_s_ = drain_s_[drain_][p];
    const bool last_beat = ppu_ready();
    b1_.last = last_beat && ppu_end_;
    if (++ppu_q_ == g_.ppu_beats()) {
      ppu_q_ = 0;
      if (++ppu_pass_ == (c.wide ? 4 : 1)) ppu_pass_ = 0, ++ppu_p_, ppu_f_ += c.seg;
    }
    if (last_beat) ppu_active_ = false;
  }
}

void CoreModel::clock_accumulate() {
  if (!e_.valid) return;
  const Context& ctx = ctx_[static_cast<std::size_t>(e_.id)];
  const ComputeCommand& c = *ctx.command;
  Events& ev = events_[static_cast<std::size_t>(ctx.layer)];
  const ActWords& words = act_words_[e_.words];
  const Digits& weights = wgt_mem_[e_.plane0 ? kWithoutCarry : kWithCarry];
  const std::int16_t* digits = weights.value.data() + e_.weights * L_ * N_;
  const auto active = static_cast<std::int64_t>(words.active);
  const auto N = static_cast<std::int64_t>(N_);
  const int stride = static_cast<int>(op_stride_);
  ev.accumulator_updates += active * N;
  if (e_.clear) std::fill(s_.begin(), s_.end(), 0);
  if (c.mode == Mode::kConv) {
    const std::size_t first = static_cast<std::size_t>(e_.sub) * L_;
    const std::int16_t* op = words.op.data() + first;
    conv_step(acc_.data(), op, digits, g_.pixels, stride, g_.channels, g_.lanes, e_.clear, e_.shift);
    const std::uint8_t* digit_count = weights.nonzero.data() + e_.weights * L_;
    const std::uint8_t* op_count = words.nonzero.data() + first;
    std::int64_t adds = 0;
    for (std::size_t l = 0; l < L_; ++l) adds += digit_count[l] * op_count[l];
    ev.mac_digit_adds_active += adds;
    ev.mac_digit_adds_gated += static_cast<std::int64_t>(P_ * L_) * N - adds;
    ev.operand_register_bits += 9 * active * static_cast<std::int64_t>(L_);
    ev.digit_register_bits += 3 * N * static_cast<std::int64_t>(L_);
    if (e_.s_en) {
      for (std::size_t p = 0; p < P_; ++p)
        for (std::size_t l = 0; l < L_; ++l) s_[p] += op[p * op_stride_ + l];
      for (std::size_t l = 0; l < L_; ++l) ev.offset_column_adds += op_count[l];
      ev.offset_column_updates += active;
    }
  } else if (c.mode == Mode::kDepthwise) {
    depthwise_step(acc_.data(), words.op.data(), digits, g_.pixels, stride, g_.channels, e_.clear, e_.shift);
    std::int64_t adds = 0;
    for (std::size_t n = 0; n < N_; ++n) adds += digits[n] != 0 ? words.nonzero[n] : 0;
    ev.mac_digit_adds_active += adds;
    ev.mac_digit_adds_gated += static_cast<std::int64_t>(P_ * L_) * N - adds;
    ev.operand_register_bits += 9 * active * N;
    ev.digit_register_bits += 3 * N;
  } else {
    max_step(acc_.data(), words.op.data(), g_.pixels, stride, g_.channels, e_.clear);
    ev.max_compares += active * N;
    ev.operand_register_bits += 9 * active * N;
  }
  if (e_.capture) {
    drain_ ^= 1;
    for (std::size_t i = 0; i < acc_.size(); ++i)
      drain_acc_[drain_][i] = sign_extend(static_cast<std::uint32_t>(acc_[i]), g_.acc_bits);
    for (std::size_t p = 0; p < P_; ++p)
      drain_s_[drain_][p] = sign_extend(static_cast<std::uint32_t>(s_[p]), g_.acc_bits);
    drained_ = true;
    ev.drain_captures += static_cast<std::int64_t>(P_) * N + (c.has_offset ? static_cast<std::int64_t>(P_) : 0);
    drain_origin_ = {ctx.layer, ctx.number, e_.j, c.seg};
    ppu_active_ = true, ppu_end_ = e_.end, ppu_ctx_ = ctx;
    ppu_f_ = e_.j, ppu_p_ = ppu_pass_ = ppu_q_ = 0;
  }
  if (e_.end) {
    if (c.rel_act) ++credit_delta_[index(Target::kAct)];
    if (c.rel_wgt) ++credit_delta_[index(Target::kWgt)];
  }
}

void CoreModel::clock_sequencer() {
  if (!running_) {
    if (!stall_) d_.valid = false;
    if (out_.ex_state != ExState::kSetup) return;
    const Queued<ComputeCommand> next = ex_fifo_.front();
    ex_fifo_.pop();
    const ComputeCommand& c = *next.command;
    if (c.acq_act) --ready_delta_[index(Target::kAct)];
    if (c.acq_wgt) --ready_delta_[index(Target::kWgt)];
    if (c.acq_tab) --ready_delta_[index(Target::kTab)];
    if (c.acq_res) --ready_delta_[index(Target::kRes)];
    if (c.acq_out) --credit_delta_[index(Target::kOut)];
    ctx_id_ ^= 1;
    ctx_[static_cast<std::size_t>(ctx_id_)] = {next.command, next.layer, commands_taken_++};
    last_layer_ = next.layer;
    sub_ = cw_ = kx_ = ky_ = plane_ = j_ = 0;
    tap_ = 0, wgt_ = static_cast<std::uint16_t>(c.wgt_base);
    const std::vector<Slot>& slots = slots_[c.act_half];
    for (std::size_t p = 0; p < P_; ++p) x_[p] = slots[p].x, xa_[p] = slots[p].xa, rem_[p] = slots[p].rem;
    running_ = true;
    return;
  }
  if (stall_) return;
  const Context& ctx = ctx_[static_cast<std::size_t>(ctx_id_)];
  const ComputeCommand& c = *ctx.command;
  Events& ev = events_[static_cast<std::size_t>(ctx.layer)];
  const bool conv = c.mode == Mode::kConv;
  const std::uint32_t subs = !conv ? 1 : cw_ == c.cw_n - 1 ? c.sub_last : static_cast<std::uint32_t>(g_.sub_blocks());
  const bool start = (sub_ | cw_ | kx_ | ky_) == 0;
  const bool step_end = sub_ == subs - 1 && cw_ == c.cw_n - 1 && kx_ == c.kx_n - 1 && ky_ == c.ky_n - 1;
  const bool last = step_end && plane_ == c.planes - 1;

  d_.valid = true;
  d_.sub = static_cast<int>(sub_);
  d_.id = ctx_id_;
  d_.j = j_;
  d_.plane0 = c.plane0_last && plane_ == c.planes - 1;
  d_.clear = start && plane_ == 0 && c.first;
  d_.shift = start && !d_.clear && (plane_ != 0 || c.shift_first);
  d_.s_en = d_.plane0 && conv && c.has_offset;
  d_.capture = last && c.drain;
  d_.end = last && j_ == c.seg - 1;
  if (sub_ == 0) {
    act_q_ = (act_q_ + 1) % kActWords;
    ActWords& words = act_words_[act_q_];
    words.active = 0;
    const std::size_t bank_bytes = 2 * static_cast<std::size_t>(g_.act_depth) * N_;
    const std::uint8_t* bank = act_.data() + (c.act_half ? bank_bytes / 2 : 0);
    const auto first = static_cast<std::uint16_t>(c.act_base + tap_);
    for (std::size_t p = 0; p < P_; ++p, bank += bank_bytes) {
      read_words_[p] = nullptr;
      if (static_cast<std::int32_t>(j_) >= rem_[p]) continue;
      const auto address = static_cast<std::uint16_t>(first + xa_[p]);
      SHIFTSIM_CHECK(address < g_.act_depth, "ACT address {} of {} (layer {})", address, g_.act_depth, ctx.layer);
      read_words_[p] = bank + address * N_;
      ++words.active;
    }
    widen_words(read_words_.data(), g_.pixels, g_.channels, c.act_signed, words.op.data(), static_cast<int>(op_stride_),
                words.nonzero.data());
    ev.act_read_words += words.active;
  }
  d_.words = act_q_;
  if (c.mode != Mode::kMax) {
    SHIFTSIM_CHECK(wgt_ < g_.wgt_depth, "WGT address {} of {} (layer {})", wgt_, g_.wgt_depth, ctx.layer);
    d_.weights = (c.wgt_half ? static_cast<std::size_t>(g_.wgt_depth) : 0) + wgt_;
    ++ev.weight_pair_read_words;
    if (!d_.plane0) ++ev.weight_carry_read_words;
  }

  ++wgt_;
  if (sub_ + 1 < subs) {
    ++sub_;
  } else if (sub_ = 0; cw_ + 1 < c.cw_n) {
    ++cw_, ++tap_;
  } else if (cw_ = 0; kx_ + 1 < c.kx_n) {
    ++kx_, tap_ = static_cast<std::uint16_t>(tap_ + c.inc_kx);
  } else if (kx_ = 0; ky_ + 1 < c.ky_n) {
    ++ky_, tap_ = static_cast<std::uint16_t>(tap_ + c.inc_ky);
  } else if (ky_ = 0, tap_ = 0; plane_ + 1 < c.planes) {
    ++plane_;
  } else {
    plane_ = 0, wgt_ = static_cast<std::uint16_t>(c.wgt_base), ++j_;
    for (std::size_t p = 0; p < P_; ++p) {
      if (x_[p] + 1U == c.tw)
        x_[p] = 0, xa_[p] = static_cast<std::uint16_t>(xa_[p] + c.row_inc);
      else
        ++x_[p], xa_[p] = static_cast<std::uint16_t>(xa_[p] + c.x_inc);
    }
  }
  if (d_.end) running_ = false;
}

void CoreModel::write_weight_word(std::size_t address, const std::uint8_t* data) {
  std::int16_t* digits = wgt_mem_[kWithoutCarry].value.data() + address * L_ * N_;
  std::uint8_t* nonzero = wgt_mem_[kWithoutCarry].nonzero.data() + address * L_;
  std::fill_n(nonzero, L_, std::uint8_t{0});
  for (std::size_t n = 0; n < N_; ++n)
    for (std::size_t l = 0; l < L_; ++l) {
      const std::size_t i = n * L_ + l;
      const int pair = (data[i / 4] >> (2 * (i % 4))) & 3;
      const int digit = -2 * (pair >> 1) + (pair & 1);
      digits[l * N_ + n] = static_cast<std::int16_t>(digit);
      nonzero[l] = static_cast<std::uint8_t>(nonzero[l] + (digit != 0));
    }
}

void CoreModel::write_carry(std::size_t address, const std::uint8_t* data) {
  // The top bit of each pair is the Booth carry into the next more significant plane: +1 on its digit.
  const std::int16_t* pairs = wgt_mem_[kWithoutCarry].value.data() + address * L_ * N_;
  std::int16_t* digits = wgt_mem_[kWithCarry].value.data() + address * L_ * N_;
  std::uint8_t* nonzero = wgt_mem_[kWithCarry].nonzero.data() + address * L_;
  std::fill_n(nonzero, L_, std::uint8_t{0});
  for (std::size_t n = 0; n < N_; ++n)
    for (std::size_t l = 0; l < L_; ++l) {
      const std::size_t i = n * L_ + l, at = l * N_ + n;
      digits[at] = static_cast<std::int16_t>(pairs[at] + ((data[i / 4] >> (2 * (i % 4) + 1)) & 1));
      nonzero[l] = static_cast<std::uint8_t>(nonzero[l] + (digits[at] != 0));
    }
}

void CoreModel::write_word(const std::uint8_t* data) {
  const LoadCommand& c = *load_.command;
  Events& ev = events_[static_cast<std::size_t>(load_.layer)];
  const auto half = static_cast<std::size_t>(c.half);
  const std::size_t g = load_g_;
  const std::size_t local = c.base + g;
  switch (c.target) {
    case Target::kAct:
      for (std::size_t p = 0; p < P_; ++p) {
        const std::size_t off = slots_[half][p].off;
        if (g < off || g - off >= c.win_len) continue;
        const std::size_t address = c.base + g - off;
        SHIFTSIM_CHECK(address < static_cast<std::size_t>(g_.act_depth), "ACT write address {} of {}", address,
                       g_.act_depth);
        std::memcpy(act_.data() + ((2 * p + half) * static_cast<std::size_t>(g_.act_depth) + address) * N_, data, N_);
        ++ev.act_write_words;
      }
      break;
    case Target::kWgt: {
      SHIFTSIM_CHECK(local < static_cast<std::size_t>(g_.wgt_depth), "WGT write address {} of {}", local, g_.wgt_depth);
      const std::size_t start = half * static_cast<std::size_t>(g_.wgt_depth);
      write_weight_word(start + local, data);
      if (g >= c.carry_stride) write_carry(start + local - c.carry_stride, data);
      ++ev.weight_write_words;
      break;
    }
    case Target::kTab:
      SHIFTSIM_CHECK(local < static_cast<std::size_t>(g_.tab_depth), "TAB write address {} of {}", local, g_.tab_depth);
      std::memcpy(tab_.data() + (half * static_cast<std::size_t>(g_.tab_depth) + local) * 7 * Q_, data, 7 * Q_);
      ++ev.table_write_words;
      break;
    default:
      SHIFTSIM_CHECK(local < static_cast<std::size_t>(g_.res_depth), "RES write address {} of {}", local, g_.res_depth);
      std::memcpy(res_.data() + (half * static_cast<std::size_t>(g_.res_depth) + local) * N_, data, N_);
      ++ev.res_write_words;
      break;
  }
}

void CoreModel::clock_load(const CoreInputs& in) {
  switch (receive_) {
    case Receive::kIdle:
      if (pending_.empty()) break;
      load_ = pending_.front();
      pending_.pop();
      load_g_ = 0, load_i_ = 0;
      walk_ = {0, 0, 0, static_cast<std::int32_t>(load_.command->m_tile)};
      receive_ = load_.command->target == Target::kAct ? Receive::kInit : Receive::kData;
      break;
    case Receive::kInit: {
      const LoadCommand& c = *load_.command;
      slots_[c.half][static_cast<std::size_t>(load_i_)] = walk_;
      std::uint32_t x = walk_.x + c.seg_x, xa = walk_.xa + c.seg_xa;
      walk_.off += c.seg_off, walk_.rem -= static_cast<std::int32_t>(c.seg);
      if (x >= c.tw) x -= c.tw, xa -= c.tw_xa, walk_.off += c.row_off;
      walk_.x = static_cast<std::uint16_t>(x), walk_.xa = static_cast<std::uint16_t>(xa);
      walk_.off &= 0xffffffU;
      if (++load_i_ == g_.pixels) receive_ = Receive::kData;
      break;
    }
    case Receive::kData:
      if (!in.rd_data_valid) break;
      write_word(in.rd_data);
      if (++load_g_ == load_.command->count) {
        if (load_.command->signal) ++ready_delta_[index(load_.command->target)];
        receive_ = Receive::kIdle;
      }
      break;
  }
  if (out_.rd_req_valid && in.rd_req_ready) {
    const Queued<LoadCommand> next = ld_fifo_.front();
    ld_fifo_.pop();
    if (next.command->acquire) --credit_delta_[index(next.command->target)];
    if (next.command->barrier) --barrier_delta_;
    pending_.push(next);
  }
}

void CoreModel::clock_store(const CoreInputs& in) {
  const auto read = [this] {
    SHIFTSIM_CHECK(st_address_ < static_cast<std::uint32_t>(g_.out_depth), "OUT read address {} of {}", st_address_,
                   g_.out_depth);
    out_q_ = mem_out_.data() + ((st_.command->half ? static_cast<std::size_t>(g_.out_depth) : 0) + st_address_) * N_;
    ++st_address_;
    ++events_[static_cast<std::size_t>(st_.layer)].out_read_words;
  };
  switch (store_) {
    case Store::kIdle:
      if (!out_.wr_req_valid || !in.wr_req_ready) break;
      st_ = st_fifo_.front();
      st_fifo_.pop();
      if (st_.command->acquire) --ready_delta_[index(Target::kOut)];
      st_address_ = st_.command->base, st_left_ = st_.command->count;
      store_ = Store::kRead;
      break;
    case Store::kRead:
      read();
      store_ = Store::kSend;
      break;
    case Store::kSend:
      if (!in.wr_data_ready) break;
      if (--st_left_ == 0) {
        if (st_.command->release) ++credit_delta_[index(Target::kOut)];
        if (st_.command->sig_layer) ++barrier_delta_;
        store_ = Store::kIdle;
      } else {
        read();
      }
      break;
  }
}

}  // namespace shiftsim::sim
