#include "sim/transaction/command_events.h"

#include <algorithm>

#include "sim/transaction/command_shape.h"

namespace shiftsim::sim {
namespace {

constexpr int kOperandBits = 9, kDigitBits = 3;  // registers between D and E, as in sim/core/pe_array.cpp

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

void add_load(const LoadCommand& c, const Geometry& g, Events& events) {
  ++events.load_commands;
  events.load_words += c.count;
  switch (c.target) {
    case Target::kAct:
      events.slot_table_writes += g.pixels;
      events.act_write_words += captured_words(c, g);
      break;
    case Target::kWgt:
      events.weight_write_words += c.count;
      break;
    case Target::kTab:
      events.table_write_words += c.count;
      break;
    default:
      events.res_write_words += c.count;
      break;
  }
}

void add_array(const ComputeCommand& c, const Geometry& g, Events& events) {
  const std::int64_t seg = c.seg, pixels = c.m_tile;
  const std::int64_t plane_steps = plane_steps_of(c, g), steps = plane_steps * c.planes;
  const std::int64_t pes = std::int64_t{g.pixels} * g.channels;
  ++events.compute_commands;
  // When the command is taken up, and after each pixel.
  events.slot_place_updates += (1 + seg) * g.pixels;
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

void add_drain(const ComputeCommand& c, const Geometry& g, Events& events) {
  if (!c.drain) return;
  const std::int64_t seg = c.seg, outputs = std::int64_t{c.m_tile} * passes_of(c);
  events.drains += seg;
  events.drain_captures += seg * (std::int64_t{g.pixels} * g.channels + (c.has_offset ? g.pixels : 0));
  events.table_read_words += seg * beats_of(c, g);
  events.ppu_ops += outputs * g.channels;
  if (c.has_offset) events.ppu_offset_ops += outputs * g.channels;
  if (c.has_res) {
    events.ppu_residual_ops += outputs * g.channels;
    events.res_read_words += outputs * g.ppu_beats();
  }
  events.out_write_bytes += outputs * g.channels;
}

}  // namespace

std::vector<Events> command_events(const Program& program, std::size_t layers) {
  const Geometry& g = program.geometry;
  std::vector<Events> events(layers);
  const auto of = [&](int layer) -> Events& { return events[static_cast<std::size_t>(layer)]; };
  for (std::size_t i = 0; i < program.loads.commands.size(); ++i)
    add_load(program.loads.commands[i], g, of(program.loads.layers[i]));
  for (std::size_t i = 0; i < program.computes.commands.size(); ++i) {
    Events& layer = of(program.computes.layers[i]);
    add_array(program.computes.commands[i], g, layer);
    add_drain(program.computes.commands[i], g, layer);
  }
  for (std::size_t i = 0; i < program.stores.commands.size(); ++i) {
    Events& layer = of(program.stores.layers[i]);
    ++layer.store_commands;
    layer.out_read_words += program.stores.commands[i].count;
  }
  return events;
}

}  // namespace shiftsim::sim
