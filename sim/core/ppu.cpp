#include "sim/core/ppu.h"

#include <algorithm>

#include "sim/core/ppu_lane.h"

namespace shiftsim::sim {

Ppu::Ppu(const Geometry& geometry, Tokens& tokens, Scratchpads& scratchpads, const PeArray& array,
         CoreCounters& counters)
    : g_(geometry), tokens_(tokens), scratchpads_(scratchpads), array_(array), counters_(counters) {
  const auto lanes = static_cast<std::size_t>(g_.ppu_lanes);
  b1_acc_.resize(lanes);
  b2_v_.resize(lanes);
  b2_n_.resize(lanes);
  b2_hi_.resize(lanes);
  bytes_.resize(lanes);
}

void Ppu::reset() {
  busy_ = false;
  b1_.valid = false;
  b2_.valid = false;
  b3_.valid = false;
}

/// Channels that a beat computes: the last one may have fewer than Q.
int Ppu::lanes_of(const Beat& beat) const {
  return std::min(g_.ppu_lanes, g_.channels - beat.q * g_.ppu_lanes);
}

void Ppu::start(const Step& step) {
  busy_ = true;
  end_ = step.end;
  context_ = *step.context;
  ++counters_.of(context_.layer).drains;
  f_ = step.j;
  p_ = 0;
  pass_ = 0;
  q_ = 0;
}

/// Reads the table, the residual and the drain registers.
void Ppu::clock_b0() {
  const ComputeCommand& c = *context_.command;
  Events& events = counters_.of(context_.layer);
  const bool last = last_beat();
  b1_.context = context_;
  b1_.write = f_ < c.m_tile;
  b1_.last = last && end_;
  b1_.q = q_;
  b1_.pass = pass_;
  b1_.address = c.out_base + (c.wide ? 4 * f_ + static_cast<std::uint32_t>(pass_) : f_);
  tab_ = scratchpads_.tab.word(c.tab_half, c.tab_base + static_cast<std::uint32_t>(q_));
  ++events.table_read_words;
  if (c.has_res && b1_.write) {
    res_ = scratchpads_.res.word(c.res_half, c.res_base + f_);
    ++events.res_read_words;
  }
  const std::int32_t* drain = array_.drain_acc() + p_ * g_.channels + q_ * g_.ppu_lanes;
  const int lanes = lanes_of(b1_);
  for (int lane = 0; lane < g_.ppu_lanes; ++lane)
    b1_acc_[static_cast<std::size_t>(lane)] = lane < lanes ? drain[lane] : 0;
  b1_s_ = array_.drain_s()[p_];
  next_beat(c);
  if (last) busy_ = false;
}

void Ppu::next_beat(const ComputeCommand& c) {
  if (++q_ < g_.ppu_beats()) return;
  q_ = 0;
  if (++pass_ < passes()) return;
  pass_ = 0;
  ++p_;
  f_ += c.seg;
}

/// Offset, bias, residual.
void Ppu::clock_b1() {
  const ComputeCommand& c = *b1_.context.command;
  const int lanes = lanes_of(b1_);
  for (int lane = 0; lane < g_.ppu_lanes; ++lane) {
    const auto i = static_cast<std::size_t>(lane);
    const TableEntry entry = ppu_lane::entry(tab_, lane);
    std::uint32_t v = ppu_lane::sum(b1_acc_[i], b1_s_, c.has_offset, entry);
    if (c.has_res && b1_.write && lane < lanes) {
      const std::uint8_t byte = res_[b1_.q * g_.ppu_lanes + lane];
      v += ppu_lane::residual(c.res_signed ? static_cast<std::int8_t>(byte) : byte, entry.rs);
    }
    b2_v_[i] = static_cast<std::int32_t>(v);
    b2_n_[i] = static_cast<std::int8_t>(entry.n);
    b2_hi_[i] = static_cast<std::uint8_t>(entry.hi);
  }
  if (!b1_.write) return;
  Events& events = counters_.of(b1_.context.layer);
  events.ppu_ops += lanes;
  if (c.has_offset) events.ppu_offset_ops += lanes;
  if (c.has_res) events.ppu_residual_ops += lanes;
}

/// Shift and clamp; without activation tables the bytes are written.
void Ppu::clock_b2() {
  if (b2_.write) shift_and_clamp(*b2_.context.command, bytes_.data());
  if (g_.activation_tables) {
    const bool valid = b3_.valid;
    b3_ = b2_;
    b3_.valid = valid;
    if (b2_.write && b2_.context.command->use_lut) counters_.of(b2_.context.layer).lut_read_words += lanes_of(b2_);
    return;
  }
  if (b2_.write) write(b2_, bytes_.data());
  give_tokens(b2_);
}

/// Looks the bytes up in the activation table.
void Ppu::clock_b3() {
  const ComputeCommand& c = *b3_.context.command;
  if (b3_.write) {
    if (c.use_lut)
      for (std::uint8_t& byte : bytes_)
        byte = scratchpads_.lut.word(c.lut_half, byte / kLutEntriesPerWord)[byte % kLutEntriesPerWord];
    write(b3_, bytes_.data());
  }
  give_tokens(b3_);
}

void Ppu::shift_and_clamp(const ComputeCommand& c, std::uint8_t* bytes) {
  const int lanes = lanes_of(b2_);
  for (int lane = 0; lane < lanes; ++lane) {
    const auto i = static_cast<std::size_t>(lane);
    const std::int32_t y = ppu_lane::requantize(b2_v_[i], b2_n_[i]);
    bytes[lane] = c.wide ? static_cast<std::uint8_t>(static_cast<std::uint32_t>(y) >> (8 * b2_.pass))
                         : static_cast<std::uint8_t>(std::max(c.lo, std::min(y, std::int32_t{b2_hi_[i]})));
  }
}

void Ppu::write(const Beat& beat, const std::uint8_t* bytes) {
  const int lanes = lanes_of(beat);
  std::copy_n(bytes, lanes,
              scratchpads_.out.word(beat.context.command->out_half, beat.address) + beat.q * g_.ppu_lanes);
  counters_.of(beat.context.layer).out_write_bytes += lanes;
}

/// With the last beat of a command's last pixel.
void Ppu::give_tokens(const Beat& beat) {
  if (!beat.last) return;
  const ComputeCommand& c = *beat.context.command;
  if (c.rel_tab) tokens_.credit_of(Target::kTab).give();
  if (c.rel_res) tokens_.credit_of(Target::kRes).give();
  if (c.sig_out) tokens_.ready_of(Target::kOut).give();
}

}  // namespace shiftsim::sim
