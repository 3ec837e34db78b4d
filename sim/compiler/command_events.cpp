#include "sim/compiler/command_events.h"

#include <algorithm>

#include "sim/compiler/command_shape.h"
#include "sim/core/step.h"

namespace shiftsim::sim {
namespace {

/// Words that the banks capture of a load's stream: each the window from where its slot starts.
std::int64_t captured_words(const LoadCommand& c, const Geometry& g) {
  std::int64_t words = 0;
  std::uint32_t x = 0, off = 0;
  for (int slot = 0; slot < g.pixels; ++slot) {
    const std::int64_t left = std::int64_t{c.count} - off;
    words += std::clamp<std::int64_t>(left, 0, c.win_len);
    x += c.seg_x;
    off += c.seg_off;
    if (x >= c.tw) {
      x -= c.tw;
      off += c.row_off;
    }
    off &= 0xffffffU;
  }
  return words;
}

void add_array(const ComputeCommand& c, const Geometry& g, std::int64_t times, Events& events) {
  const std::int64_t seg = times * c.seg, pixels = times * c.m_tile;
  const std::int64_t plane_steps = plane_steps_of(c, g), steps = plane_steps * c.planes;
  const std::int64_t pes = std::int64_t{g.pixels} * g.channels;
  // When the command is taken up, and after each pixel.
  events.slot_place_updates += (times + seg) * g.pixels;
  events.array_steps += seg * steps;
  // A slot is active as long as it has pixels: all slots together have those of the tile.
  events.act_read_words += pixels * words_of(c) * c.planes;
  events.accumulator_updates += pixels * steps * g.channels;
  if (c.mode != Mode::kMax) {
    events.weight_pair_read_words += seg * steps;
    events.weight_carry_read_words += seg * (c.plane0_last ? steps - plane_steps : steps);
    events.mac_digit_adds_gated += seg * steps * pes * g.lanes;  // less those that add, which depend on values
  } else {
    events.max_compares += pixels * steps * g.channels;
  }
  if (c.mode == Mode::kConv) {
    events.operand_register_bits += kOperandBits * pixels * steps * g.lanes;
    events.digit_register_bits += std::int64_t{kDigitBits} * g.channels * g.lanes * seg * steps;
    if (c.plane0_last && c.has_offset) events.offset_column_updates += pixels * plane_steps;
  } else {
    events.operand_register_bits += kOperandBits * pixels * steps * g.channels;
    if (c.mode == Mode::kDepthwise) events.digit_register_bits += std::int64_t{kDigitBits} * g.channels * seg * steps;
  }
}

void add_drain(const ComputeCommand& c, const Geometry& g, std::int64_t times, Events& events) {
  const std::int64_t seg = times * c.seg, outputs = times * c.m_tile * passes_of(c);
  events.drains += seg;
  events.drain_captures += seg * (std::int64_t{g.pixels} * g.channels + (c.has_offset ? g.pixels : 0));
  events.table_read_words += seg * beats_of(c, g);
  events.ppu_ops += outputs * g.channels;
  if (c.has_offset) events.ppu_offset_ops += outputs * g.channels;
  if (c.has_res) {
    events.ppu_residual_ops += outputs * g.channels;
    events.res_read_words += outputs * g.ppu_beats();
  }
  if (c.use_lut) events.lut_read_words += outputs * g.channels;
  events.out_write_bytes += outputs * g.channels;
}

}  // namespace

void add_events(const LoadCommand& command, const Geometry& g, std::int64_t times, Events& events) {
  const std::int64_t words = times * command.count;
  events.load_commands += times;
  events.load_words += words;
  switch (command.target) {
    case Target::kAct:
      events.slot_table_writes += times * g.pixels;
      events.act_write_words += times * captured_words(command, g);
      break;
    case Target::kWgt:
      events.weight_write_words += words;
      break;
    case Target::kTab:
      (command.lut ? events.lut_write_words : events.table_write_words) += words;
      break;
    default:
      events.res_write_words += words;
      break;
  }
}

void add_events(const ComputeCommand& command, const Geometry& g, std::int64_t times, Events& events) {
  events.compute_commands += times;
  add_array(command, g, times, events);
  if (command.drain) add_drain(command, g, times, events);
}

void add_events(const StoreCommand& command, const Geometry&, std::int64_t times, Events& events) {
  events.store_commands += times;
  events.out_read_words += times * command.count;
}

std::vector<Events> command_events(const Program& program, std::size_t layers) {
  std::vector<Events> events(layers);
  const auto add = [&](const auto& queue) {
    for (std::size_t i = 0; i < queue.commands.size(); ++i)
      add_events(queue.commands[i], program.geometry, 1, events[static_cast<std::size_t>(queue.layers[i])]);
  };
  add(program.loads);
  add(program.computes);
  add(program.stores);
  return events;
}

}  // namespace shiftsim::sim
