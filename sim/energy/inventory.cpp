#include "sim/energy/inventory.h"

#include <bit>
#include <utility>

#include "sim/core/commands.h"
#include "sim/core/geometry.h"

namespace shiftsim::sim {
namespace {

// Widths of docs/hardware.md and rtl/shiftsim_pkg.sv.
constexpr int kAddress = 16, kOperand = 9, kProduct = 10, kDigit = 3, kRemaining = 18, kOffset = 24, kPixel = 22;
constexpr int kPpuWidth = 32, kTokenBits = 8;
constexpr int kStoreCommand = command_bits<StoreCommand>();
// What a command's fields of activation tables are, the last ones.
constexpr int kLoadLut = command_bits<LoadCommand>() - command_field<LoadCommand>("lut").lsb,
              kComputeLut = command_bits<ComputeCommand>() - command_field<ComputeCommand>("use_lut").lsb;
constexpr int kReadWrite = 2;  // ports of the memories: one to read, one to write
constexpr int kPendingLoads = 2, kContexts = 2, kHalves = 2;

/// Bits of an index below 'count', at least one: $clog2.
int index_bits(int count) {
  return count > 1 ? std::bit_width(static_cast<unsigned>(count - 1)) : 1;
}

/// Bits of a number from 0 to 'highest'.
int number_bits(int highest) {
  return std::bit_width(static_cast<unsigned>(highest));
}

class InventoryBuilder {
public:
  explicit InventoryBuilder(const AcceleratorConfig& config) : config_(config), array_(config.array) {}

  Inventory build() {
    load_unit();
    sequencer();
    store_unit();
    tokens();
    operands();
    pe_array();
    offset_column();
    ppu();
    scratchpads();
    dma();
    return std::move(parts_);
  }

private:
  void add(std::string name, PartKind kind, double bits, double count, Component component, std::string module,
           std::vector<Use> uses) {
    const int ports = kind == PartKind::kSram ? kReadWrite : 0;
    parts_.push_back({std::move(name), kind, bits, count, component, std::move(module), std::move(uses), ports});
  }
  void logic(std::string name, double bits, double count, Component component, std::string module) {
    add(std::move(name), PartKind::kLogic, bits, count, component, std::move(module), {});
  }
  void control(std::string name, double bits, double count, std::string module, std::vector<Use> uses) {
    add(std::move(name), PartKind::kRegister, bits, count, Component::kControl, std::move(module), std::move(uses));
  }
  /// Each command is pushed and popped once: its entry is written, both pointers move, the fill level changes twice.
  void fifo(const std::string& name, int depth, int width, std::int64_t Events::*commands) {
    const int pointer = index_bits(depth), level = number_bits(depth);
    control(name, width, depth, "shiftsim_cmd_fifo", {{commands, 1.0 * width}});
    logic(name + "_head", width, depth - 1, Component::kControl, "shiftsim_cmd_fifo");
    control(name + "_pointers", 2 * pointer + level, 1, "shiftsim_cmd_fifo", {{commands, 2.0 * pointer + 2.0 * level}});
  }
  bool tables() const { return array_.activation_tables; }
  int load_command() const { return command_bits<LoadCommand>() - (tables() ? 0 : kLoadLut); }
  int compute_command() const { return command_bits<ComputeCommand>() - (tables() ? 0 : kComputeLut); }
  int slot_bits() const { return index_bits(array_.pixels()); }
  int beat_bits() const { return index_bits(array_.ppu_beats()); }
  double pixels() const { return array_.pixels(); }
  double pes() const { return pixels() * array_.cols; }
  /// Width of the tree that sums a PE's products: they grow by a bit a level.
  int tree_bits() const { return kProduct + (array_.lanes > 1 ? index_bits(array_.lanes) : 0); }

  void load_unit();
  void sequencer();
  void store_unit();
  void tokens();
  void operands();
  void pe_array();
  void offset_column();
  void ppu();
  void lookup_stage();
  void scratchpads();
  void dma();
  void memory(const std::string& name, double word_bits, int depth, double count, Component component,
              const std::vector<std::int64_t Events::*>& events, bool by_bytes = false);

  const AcceleratorConfig& config_;
  const ArrayConfig& array_;
  Inventory parts_;
};

void InventoryBuilder::load_unit() {
  const char* module = "shiftsim_load_unit";
  fifo("load.command_fifo", config_.command_queue_depth, load_command(), &Events::load_commands);
  fifo("load.pending_fifo", kPendingLoads, load_command(), &Events::load_commands);
  control("load.command", load_command(), 1, module, {{&Events::load_commands, 1.0 * load_command()}});
  const double walk = slot_bits() + 2 * kAddress + kOffset + kRemaining;
  control("load.slot_walk", walk, 1, module, {{&Events::load_commands, walk}, {&Events::slot_table_writes, walk}});
  control("load.word_counter", kOffset, 1, module, {{&Events::load_commands, kOffset}, {&Events::load_words, kOffset}});
  control("load.state", 2, 1, module, {{&Events::cycles, 2}});
  control("load.bank_windows", kOffset, pixels(), "shiftsim_bank_window", {{&Events::slot_table_writes, kOffset}});
}

void InventoryBuilder::sequencer() {
  const char* module = "shiftsim_ex_sequencer";
  fifo("sequencer.command_fifo", config_.command_queue_depth, compute_command(), &Events::compute_commands);
  control("sequencer.contexts", compute_command(), kContexts, module,
          {{&Events::compute_commands, 1.0 * compute_command()}});
  // Last sub-block, channel word, kernel column and row, plane, pixel; last column of the tile.
  const double lasts = 8 + 16 + 8 + 8 + 3 + 16 + kAddress;
  control("sequencer.last_values", lasts, 1, module, {{&Events::compute_commands, lasts}});
  // The counters of the same, and two addresses. All are charged at every step, though the outer ones move less often.
  const double counters = 8 + 16 + 8 + 8 + 3 + 16 + 2 * kAddress;
  control("sequencer.counters", counters, 1, module,
          {{&Events::compute_commands, counters}, {&Events::array_steps, counters}});
  // Running, the context's number.
  control("sequencer.state", 2, 1, module, {{&Events::compute_commands, 3}});
  control("sequencer.valid", 2, 1, module, {{&Events::cycles, 2}});
  // What stages D and E are told of a step, and which slots are active.
  const double d_control = 12, e_control = 29;
  const double pipeline = d_control + 2 * e_control + 2 * pixels();
  control("sequencer.pipeline", pipeline, 1, module, {{&Events::array_steps, pipeline}});
  // A slot's address is that of the tap and its own.
  logic("sequencer.slot_addresses", kAddress, pixels(), Component::kControl, module);
  const double place = 2 * kAddress + kRemaining;
  control("sequencer.slot_tables", place, kHalves * pixels(), "shiftsim_slot_agu",
          {{&Events::slot_table_writes, place}});
  control("sequencer.slot_places", place, pixels(), "shiftsim_slot_agu", {{&Events::slot_place_updates, place}});
}

void InventoryBuilder::store_unit() {
  const char* module = "shiftsim_store_unit";
  fifo("store.command_fifo", config_.command_queue_depth, kStoreCommand, &Events::store_commands);
  control("store.command", 3, 1, module, {{&Events::store_commands, 3}});
  control("store.counters", 2 * kAddress, 1, module,
          {{&Events::store_commands, 2 * kAddress}, {&Events::out_read_words, 2 * kAddress}});
  control("store.state", 2, 1, module, {{&Events::cycles, 2}});
}

void InventoryBuilder::tokens() {
  // Credit and ready for five scratchpads, and the barrier.
  control("tokens", kTokenBits, 11, "shiftsim_token_counter", {{&Events::token_moves, kTokenBits}});
}

void InventoryBuilder::operands() {
  add("operands", PartKind::kRegister, kOperand * array_.cols, pixels(), Component::kRegisters,
      "shiftsim_operand_select", {{&Events::operand_register_bits, 1}});
  // The sub-block of a word that goes to the lanes: one of as many as a word has.
  logic("operands.sub_block", 8 * array_.lanes, pixels() * (array_.sub_blocks() - 1), Component::kRegisters,
        "shiftsim_operand_select");
  logic("digits.recoders", kDigit, array_.cols * array_.lanes, Component::kRegisters, "shiftsim_recoder");
  add("digits", PartKind::kRegister, kDigit, array_.cols * array_.lanes, Component::kRegisters, "shiftsim_digit_stage",
      {{&Events::digit_register_bits, 1}});
}

void InventoryBuilder::pe_array() {
  const char* pe = "shiftsim_pe";
  const double lanes = pes() * array_.lanes;
  add("pe.select", PartKind::kSelect, kProduct, lanes, Component::kPeArray, pe,
      {{&Events::mac_digit_adds_active, kProduct}, {&Events::mac_digit_adds_gated, kProduct, true}});
  // L products and the correction of the negative ones: L additions.
  add("pe.tree", PartKind::kAdder, tree_bits(), lanes, Component::kPeArray, pe,
      {{&Events::mac_digit_adds_active, 1}, {&Events::mac_digit_adds_gated, 1, true}});
  // Negative digits are counted once for a column; the count changes with the digits.
  const double count_adds = array_.lanes - 1;
  add("array.correction", PartKind::kAdder, number_bits(array_.lanes), array_.cols * count_adds, Component::kPeArray,
      "shiftsim_pe_array", {{&Events::digit_register_bits, count_adds / (kDigit * array_.lanes)}});
  // Depthwise keeps the digits of the other lanes out.
  logic("array.digit_masks", kDigit, array_.cols * array_.lanes, Component::kPeArray, "shiftsim_pe_array");
  add("pe.max", PartKind::kAdder, array_.accumulator_bits, pes(), Component::kPeArray, pe,
      {{&Events::max_compares, 1}});
  add("pe.accumulator_adder", PartKind::kAdder, array_.accumulator_bits, pes(), Component::kAccumulators, pe,
      {{&Events::accumulator_updates, 1}});
  add("pe.accumulator", PartKind::kRegister, array_.accumulator_bits, pes(), Component::kAccumulators, pe,
      {{&Events::accumulator_updates, 1.0 * array_.accumulator_bits}});
  add("drain", PartKind::kRegister, array_.accumulator_bits, pes() + pixels(), Component::kRegisters,
      "shiftsim_pe_array", {{&Events::drain_captures, 1.0 * array_.accumulator_bits}});
}

void InventoryBuilder::offset_column() {
  const char* module = "shiftsim_s_column";
  const double adders = array_.lanes - 1;
  add("offset.tree", PartKind::kAdder, tree_bits() - 1, pixels() * adders, Component::kOffsetColumn, module,
      {{&Events::offset_column_adds, adders / array_.lanes}});
  add("offset.accumulator_adder", PartKind::kAdder, array_.accumulator_bits, pixels(), Component::kOffsetColumn, module,
      {{&Events::offset_column_updates, 1}});
  add("offset.accumulator", PartKind::kRegister, array_.accumulator_bits, pixels(), Component::kOffsetColumn, module,
      {{&Events::offset_column_updates, 1.0 * array_.accumulator_bits}});
}

void InventoryBuilder::ppu() {
  const char *unit = "shiftsim_ppu", *lane = "shiftsim_ppu_lane";
  const Component ppu = Component::kPpu;
  const auto beats = &Events::table_read_words;  // the PPU reads a table word each beat
  const double lanes = array_.ppu_lanes;
  // Bases of table, residual and output, segment, pixels of the tile, lower clamp, eleven flags.
  const double context = 3 * kAddress + 2 * 16 + 8 + 11;
  add("ppu.context", PartKind::kRegister, context, 1, ppu, unit, {{&Events::drains, context}});
  const double counters = slot_bits() + 2 + beat_bits() + kPixel;
  add("ppu.counters", PartKind::kRegister, counters, 1, ppu, unit, {{&Events::drains, counters}, {beats, counters}});
  add("ppu.valid", PartKind::kRegister, 3, 1, ppu, unit, {{&Events::cycles, 3}});
  // A beat's place on its way through B1 and B2; B1 also has what it needs of the context.
  const double beat = beat_bits() + kAddress + 8, b1 = 3 + 8;
  add("ppu.beats", PartKind::kRegister, 2 * beat + b1, 1, ppu, unit, {{beats, 2 * beat + b1}});
  // A sum of activations, and the accumulators of Q channels; the last beat of a pixel may have fewer.
  const double sums = 1.0 * array_.cols / array_.ppu_beats() * array_.accumulator_bits;
  add("ppu.offset_sum", PartKind::kRegister, array_.accumulator_bits, 1, ppu, unit,
      {{beats, 1.0 * array_.accumulator_bits}});
  add("ppu.accumulators", PartKind::kRegister, array_.accumulator_bits, lanes, ppu, unit, {{beats, sums}});
  // A lane takes its channels of all pixels in turn, and their residuals.
  logic("ppu.drain_select", array_.accumulator_bits, pixels() * array_.cols - lanes, ppu, unit);
  logic("ppu.sum_select", array_.accumulator_bits, pixels() - 1, ppu, unit);
  logic("ppu.residual_select", 8, array_.cols - lanes, ppu, unit);
  logic("ppu.offset_recoders", kDigit, 2 * lanes, ppu, "shiftsim_recoder");
  // The value, the amount and direction of its shift, both clamps.
  const double value = kPpuWidth + 6 + 2 * 9;
  add("ppu.values", PartKind::kRegister, value, lanes, ppu, lane, {{&Events::ppu_ops, value}});
  add("ppu.bias_adder", PartKind::kAdder, kPpuWidth, lanes, ppu, lane, {{&Events::ppu_ops, 1}});
  add("ppu.offset_adders", PartKind::kAdder, kPpuWidth, 2 * lanes, ppu, lane, {{&Events::ppu_offset_ops, 2}});
  add("ppu.residual_adder", PartKind::kAdder, kPpuWidth, lanes, ppu, lane, {{&Events::ppu_residual_ops, 1}});
  add("ppu.residual_shifter", PartKind::kShifter, kPpuWidth, lanes, ppu, lane, {{&Events::ppu_residual_ops, 1}});
  add("ppu.shifter", PartKind::kShifter, kPpuWidth, lanes, ppu, lane, {{&Events::ppu_ops, 1}});
  add("ppu.clamps", PartKind::kAdder, kPpuWidth, 2 * lanes, ppu, lane, {{&Events::ppu_ops, 2}});
  add("ppu.clamp_order", PartKind::kAdder, 9, lanes, ppu, lane, {{&Events::ppu_ops, 1}});
  if (tables()) lookup_stage();
}

/// B3, and its tables.
void InventoryBuilder::lookup_stage() {
  const char* unit = "shiftsim_ppu_lookup";
  const Component ppu = Component::kPpu;
  // Whether the command has a table, and which half: of the context, in B1 and in B2.
  add("ppu.lookup_context", PartKind::kRegister, 2, 1, ppu, unit, {{&Events::drains, 2}});
  const double beat = 2 * 2 + beat_bits() + kAddress + 6, lanes = array_.ppu_lanes;
  add("ppu.lookup_beats", PartKind::kRegister, beat, 1, ppu, unit, {{&Events::table_read_words, beat}});
  add("ppu.lookup_valid", PartKind::kRegister, 1, 1, ppu, unit, {{&Events::cycles, 1}});
  // The byte that B2 made; its low bits choose among the entries of a word.
  add("ppu.lookup_bytes", PartKind::kRegister, 8, lanes, ppu, "shiftsim_lut_lane", {{&Events::ppu_ops, 8}});
  const double word = config_.word_bits().lut;
  add("ppu.activation_tables", PartKind::kSram, kHalves * kLutWords * word, lanes, Component::kTable,
      "shiftsim_ram_1w1r", {{&Events::lut_read_words, word}, {&Events::lut_write_words, word * lanes}});
}

void InventoryBuilder::memory(const std::string& name, double word_bits, int depth, double count, Component component,
                              const std::vector<std::int64_t Events::*>& events, bool by_bytes) {
  std::vector<Use> uses;
  uses.reserve(events.size());
  for (const auto event : events) uses.push_back({event, word_bits});
  if (by_bytes) uses.push_back({&Events::out_write_bytes, 8});
  add(name, PartKind::kSram, kHalves * depth * word_bits, count, component,
      by_bytes ? "shiftsim_ram_1w1r_be" : "shiftsim_ram_1w1r", std::move(uses));
}

void InventoryBuilder::scratchpads() {
  const WordBits bits = config_.word_bits();
  const Depths depths = config_.depths();
  memory("scratchpad.activation", bits.activation, depths.activation, pixels(), Component::kActivation,
         {&Events::act_read_words, &Events::act_write_words});
  memory("scratchpad.weight_pairs", bits.weight_pair, depths.weight, 1, Component::kWeight,
         {&Events::weight_pair_read_words, &Events::weight_write_words});
  memory("scratchpad.weight_carries", bits.weight_carry, depths.weight, 1, Component::kWeight,
         {&Events::weight_carry_read_words, &Events::weight_write_words});
  memory("scratchpad.table", bits.table, depths.table, 1, Component::kTable,
         {&Events::table_read_words, &Events::table_write_words});
  memory("scratchpad.residual", bits.residual, depths.residual, 1, Component::kResidual,
         {&Events::res_read_words, &Events::res_write_words});
  memory("scratchpad.output", bits.output, depths.output, 1, Component::kOutput, {&Events::out_read_words}, true);
}

void InventoryBuilder::dma() {
  // Each byte goes in and out.
  const double bits = 8.0 * config_.dram.buffer_bytes();
  add("dma.read_buffer", PartKind::kSram, bits, 1, Component::kDma, "",
      {{&Events::dram_read_bytes, 16}, {&Events::l2_read_bytes, 16}});
  add("dma.write_buffer", PartKind::kSram, bits, 1, Component::kDma, "",
      {{&Events::dram_write_bytes, 16}, {&Events::l2_write_bytes, 16}});
  if (config_.l2.kib > 0) {
    add("l2.buffer", PartKind::kSram, 8.0 * 1024 * config_.l2.kib, 1, Component::kL2, "",
        {{&Events::l2_read_bytes, 8}, {&Events::l2_write_bytes, 8}});
    parts_.back().ports = 1;  // reads and writes share it
  }
}

}  // namespace

const char* to_string(PartKind kind) {
  switch (kind) {
    case PartKind::kRegister:
      return "register";
    case PartKind::kAdder:
      return "adder";
    case PartKind::kShifter:
      return "shifter";
    case PartKind::kSelect:
      return "select";
    case PartKind::kLogic:
      return "logic";
    case PartKind::kSram:
      return "sram";
  }
  return "";
}

Inventory inventory_of(const AcceleratorConfig& config) {
  return InventoryBuilder(config).build();
}

}  // namespace shiftsim::sim
