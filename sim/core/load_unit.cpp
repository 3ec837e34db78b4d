#include "sim/core/load_unit.h"

#include <cstring>

namespace shiftsim::sim {

LoadUnit::LoadUnit(const Geometry& geometry, Tokens& tokens, Scratchpads& scratchpads, CoreCounters& counters)
    : g_(geometry), tokens_(tokens), scratchpads_(scratchpads), counters_(counters), fifo_(geometry.cmd_depth) {
  for (std::vector<Slot>& half : slots_) half.resize(static_cast<std::size_t>(g_.pixels));
}

void LoadUnit::reset() {
  fifo_.reset();
  pending_.reset();
  receive_ = Receive::kIdle;
}

void LoadUnit::receive(const CoreInputs& in) {
  switch (receive_) {
    case Receive::kIdle:
      if (!pending_.empty()) start();
      break;
    case Receive::kInit:
      walk();
      break;
    case Receive::kData:
      if (!in.rd_data_valid) break;
      write_word(in.rd_data);
      if (++word_ < current_.command->count) break;
      if (current_.command->signal) tokens_.ready_of(current_.command->target).give();
      receive_ = Receive::kIdle;
      break;
  }
}

void LoadUnit::start() {
  current_ = pending_.front();
  pending_.pop();
  word_ = 0;
  slot_ = 0;
  walk_ = {0, 0, 0, static_cast<std::int32_t>(current_.command->m_tile)};
  receive_ = current_.command->target == Target::kAct ? Receive::kInit : Receive::kData;
}

void LoadUnit::walk() {
  const LoadCommand& c = *current_.command;
  slots_[c.half][static_cast<std::size_t>(slot_)] = walk_;
  ++counters_.of(current_.layer).slot_table_writes;
  std::uint32_t x = walk_.x + c.seg_x;
  std::uint32_t xa = walk_.xa + c.seg_xa;
  walk_.off += c.seg_off;
  walk_.rem -= static_cast<std::int32_t>(c.seg);
  if (x >= c.tw) {
    x -= c.tw;
    xa -= c.tw_xa;
    walk_.off += c.row_off;
  }
  walk_.x = static_cast<std::uint16_t>(x);
  walk_.xa = static_cast<std::uint16_t>(xa);
  walk_.off &= 0xffffffU;
  if (++slot_ == g_.pixels) receive_ = Receive::kData;
}

void LoadUnit::write_act(const LoadCommand& c, const std::uint8_t* data, Events& events) {
  const std::vector<Slot>& slots = slots_[c.half];
  for (std::size_t p = 0; p < slots.size(); ++p) {
    const std::uint32_t off = slots[p].off;
    if (word_ < off || word_ - off >= c.win_len) continue;
    std::memcpy(scratchpads_.act.word(c.half, c.base + word_ - off, p), data,
                static_cast<std::size_t>(g_.act_word_bytes()));
    ++events.act_write_words;
  }
}

void LoadUnit::write_word(const std::uint8_t* data) {
  const LoadCommand& c = *current_.command;
  Events& events = counters_.of(current_.layer);
  const std::uint32_t address = c.base + word_;
  ++events.load_words;
  switch (c.target) {
    case Target::kAct:
      write_act(c, data, events);
      break;
    case Target::kWgt:
      scratchpads_.wgt.write_pairs(c.half, address, data);
      if (word_ >= c.carry_stride) scratchpads_.wgt.write_carries(c.half, address - c.carry_stride, data);
      ++events.weight_write_words;
      break;
    case Target::kTab:
      if (c.lut) {
        std::memcpy(scratchpads_.lut.word(c.half, address), data, kLutEntriesPerWord);
        ++events.lut_write_words;
        break;
      }
      std::memcpy(scratchpads_.tab.word(c.half, address), data, static_cast<std::size_t>(g_.tab_word_bytes()));
      ++events.table_write_words;
      break;
    default:
      std::memcpy(scratchpads_.res.word(c.half, address), data, static_cast<std::size_t>(g_.channels));
      ++events.res_write_words;
      break;
  }
}

}  // namespace shiftsim::sim
