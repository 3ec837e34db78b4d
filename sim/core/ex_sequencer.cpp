#include "sim/core/ex_sequencer.h"

namespace shiftsim::sim {

ExSequencer::ExSequencer(const Geometry& geometry, Tokens& tokens, const Scratchpads& scratchpads,
                         const SlotTable& slots, OperandSelect& operands, CoreCounters& counters)
    : g_(geometry),
      tokens_(tokens),
      scratchpads_(scratchpads),
      slots_(slots),
      operands_(operands),
      counters_(counters),
      fifo_(geometry.cmd_depth),
      places_(static_cast<std::size_t>(geometry.pixels)),
      words_(static_cast<std::size_t>(geometry.pixels)) {}

void ExSequencer::reset() {
  fifo_.reset();
  running_ = false;
  context_id_ = 0;
  d_.valid = false;
  e_.valid = false;
}

/// The last step of a command is accumulated: its halves may be filled again.
void ExSequencer::release(const Step& step) {
  const ComputeCommand& c = *step.context->command;
  if (c.rel_act) tokens_.credit_of(Target::kAct).give();
  if (c.rel_wgt) tokens_.credit_of(Target::kWgt).give();
}

void ExSequencer::setup() {
  const Queued<ComputeCommand> next = fifo_.front();
  fifo_.pop();
  const ComputeCommand& c = *next.command;
  take_tokens(c, tokens_);
  context_id_ ^= 1;
  context() = {next.command, next.layer, commands_started_++};
  last_layer_ = next.layer;
  sub_ = cw_ = kx_ = ky_ = plane_ = j_ = 0;
  tap_ = 0;
  wgt_ = static_cast<std::uint16_t>(c.wgt_base);
  const std::vector<Slot>& slots = slots_[c.act_half];
  for (std::size_t p = 0; p < places_.size(); ++p) places_[p] = {slots[p].x, slots[p].xa, slots[p].rem};
  counters_.of(next.layer).slot_place_updates += g_.pixels;
  running_ = true;
}

void ExSequencer::issue() {
  const Context& ctx = context();
  const ComputeCommand& c = *ctx.command;
  Events& events = counters_.of(ctx.layer);
  const bool conv = c.mode == Mode::kConv;
  const std::uint32_t subs = !conv ? 1 : cw_ == c.cw_n - 1 ? c.sub_last : static_cast<std::uint32_t>(g_.sub_blocks());
  const bool start = (sub_ | cw_ | kx_ | ky_) == 0;
  const bool step_end = sub_ == subs - 1 && cw_ == c.cw_n - 1 && kx_ == c.kx_n - 1 && ky_ == c.ky_n - 1;
  const bool last = step_end && plane_ == c.planes - 1;

  d_.valid = true;
  d_.sub = static_cast<int>(sub_);
  d_.context = &ctx;
  d_.j = j_;
  d_.plane0 = c.plane0_last && plane_ == c.planes - 1;
  d_.clear = start && plane_ == 0 && c.first;
  d_.shift = start && !d_.clear && (plane_ != 0 || c.shift_first);
  d_.s_en = d_.plane0 && conv && c.has_offset;
  d_.capture = last && c.drain;
  d_.end = last && j_ == c.seg - 1;
  if (sub_ == 0) read_words(c, events);
  d_.words = operands_.last();
  if (c.mode != Mode::kMax) {
    d_.weights = scratchpads_.wgt.index(c.wgt_half, wgt_);
    ++events.weight_pair_read_words;
    if (!d_.plane0) ++events.weight_carry_read_words;
  }
  advance(c, subs);
  if (d_.end) running_ = false;
}

void ExSequencer::read_words(const ComputeCommand& c, Events& events) {
  const auto first = static_cast<std::uint16_t>(c.act_base + tap_);
  int active = 0;
  for (std::size_t p = 0; p < places_.size(); ++p) {
    words_[p] = nullptr;
    if (static_cast<std::int32_t>(j_) >= places_[p].rem) continue;
    words_[p] = scratchpads_.act.word(c.act_half, static_cast<std::uint16_t>(first + places_[p].xa), p);
    ++active;
  }
  operands_.read(words_, active, c.act_signed);
  events.act_read_words += active;
}

/// The counters' next values. Address arithmetic is modulo 2^16.
void ExSequencer::advance(const ComputeCommand& c, std::uint32_t subs) {
  ++wgt_;
  if (sub_ + 1 < subs) {
    ++sub_;
    return;
  }
  sub_ = 0;
  if (cw_ + 1 < c.cw_n) {
    ++cw_;
    ++tap_;
    return;
  }
  cw_ = 0;
  if (kx_ + 1 < c.kx_n) {
    ++kx_;
    tap_ = static_cast<std::uint16_t>(tap_ + c.inc_kx);
    return;
  }
  kx_ = 0;
  if (ky_ + 1 < c.ky_n) {
    ++ky_;
    tap_ = static_cast<std::uint16_t>(tap_ + c.inc_ky);
    return;
  }
  ky_ = 0;
  tap_ = 0;
  if (plane_ + 1 < c.planes) {
    ++plane_;
    return;
  }
  plane_ = 0;
  next_pixel(c);
}

void ExSequencer::next_pixel(const ComputeCommand& c) {
  wgt_ = static_cast<std::uint16_t>(c.wgt_base);
  ++j_;
  counters_.of(context().layer).slot_place_updates += g_.pixels;
  for (SlotPlace& place : places_) {
    if (place.x + 1U == c.tw) {
      place.x = 0;
      place.xa = static_cast<std::uint16_t>(place.xa + c.row_inc);
    } else {
      ++place.x;
      place.xa = static_cast<std::uint16_t>(place.xa + c.x_inc);
    }
  }
}

}  // namespace shiftsim::sim
