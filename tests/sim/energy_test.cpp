// Energy per event against numbers worked out by hand from configs/technologies/45nm_horowitz.yaml.
#include "sim/energy/energy.h"

#include <gtest/gtest.h>

#include <cmath>

namespace shiftsim::sim {
namespace {

constexpr double kExact = 1e-9;

Technology horowitz() {
  return load_technology(SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml");
}

/// The 16x16 array: P = 4, N = 16, L = 4, Q = 8, 24-bit accumulators, 500 MHz.
AcceleratorConfig pe16x16() {
  return {};
}

TEST(Technology, AddersByStraightLines) {
  const Technology t = horowitz();
  EXPECT_NEAR(t.adder_pj(8), 0.03, kExact);
  EXPECT_NEAR(t.adder_pj(16), 0.05, kExact);
  EXPECT_NEAR(t.adder_pj(32), 0.1, kExact);
  EXPECT_NEAR(t.adder_pj(4), 0.015, kExact);  // in proportion below 8 bits
  EXPECT_NEAR(t.adder_pj(12), 0.04, kExact);  // half way from 8 to 16
  EXPECT_NEAR(t.adder_pj(24), 0.075, kExact);
  EXPECT_NEAR(t.adder_pj(40), 0.125, kExact);  // on along the last line
}

TEST(Technology, SramBySquareRootOfCapacity) {
  const Technology t = horowitz();
  EXPECT_NEAR(t.sram_pj_per_bit(8) * 64, 10, kExact);
  EXPECT_NEAR(t.sram_pj_per_bit(32) * 64, 20, kExact);
  EXPECT_NEAR(t.sram_pj_per_bit(1024) * 64, 100, kExact);
  EXPECT_NEAR(t.sram_pj_per_bit(18) * 64, 15, kExact);  // sqrt(18) is half way from sqrt(8) to sqrt(32)
  EXPECT_NEAR(t.sram_pj_per_bit(2) * 64, 5, kExact);    // sqrt(2/8) = 1/2
  EXPECT_NEAR(t.sram_pj_per_bit(4096) * 64, 200, kExact);
}

/// pJ of one event in all parts of an accelerator.
double pj(std::int64_t Events::*event, const AcceleratorConfig& config = pe16x16()) {
  return event_pj(inventory_of(config), event, horowitz());
}

constexpr double kBit = 0.009;  // a register bit, clocked

TEST(Energy, ArrayEventsOfThe16x16Array) {
  // A lane: 10 bits selected (0.011), a 12-bit addition (0.04).
  EXPECT_NEAR(pj(&Events::mac_digit_adds_active), 0.011 + 0.04, kExact);
  EXPECT_NEAR(pj(&Events::mac_digit_adds_gated), 0.0051, kExact);
  // 24-bit adder 0.075, 24 register bits 0.216.
  EXPECT_NEAR(pj(&Events::accumulator_updates), 0.075 + 0.216, kExact);
  EXPECT_NEAR(pj(&Events::offset_column_updates), 0.075 + 0.216, kExact);
  // 3/4 of an 11-bit addition: 0.03 + 3/8 x 0.02.
  EXPECT_NEAR(pj(&Events::offset_column_adds), 0.75 * 0.0375, kExact);
  EXPECT_NEAR(pj(&Events::drain_captures), 0.216, kExact);
  EXPECT_NEAR(pj(&Events::max_compares), 0.075, kExact);
  EXPECT_NEAR(pj(&Events::operand_register_bits), kBit, kExact);
  // A digit's three bits, and a column's count of negative digits: 3 additions of 3 bits (3/8 x 0.03) for 4 digits.
  EXPECT_NEAR(pj(&Events::digit_register_bits), kBit + 3 * 0.01125 / 12, kExact);
}

TEST(Energy, PpuEventsOfThe16x16Array) {
  // Bias and two clamps of 32 bits, the order of the clamps (9 bits: 0.0325), a shifter, 56 register bits.
  EXPECT_NEAR(pj(&Events::ppu_ops), 0.3 + 0.0325 + 0.42 + 56 * kBit, kExact);
  EXPECT_NEAR(pj(&Events::ppu_offset_ops), 0.2, kExact);
  EXPECT_NEAR(pj(&Events::ppu_residual_ops), 0.42 + 0.1, kExact);
  // Context 48 + 32 + 8 + 11 = 99 bits, counters 2 + 2 + 1 + 22 = 27.
  EXPECT_NEAR(pj(&Events::drains), (99 + 27) * kBit, kExact);
}

TEST(Energy, ControlEventsOfThe16x16Array) {
  // The FIFO of four: 254 bits of an entry, pointers 2 x 2 and level 2 x 3. Pending, two: 254 and 2 x 1 and 2 x 2. The
  // command, the walk (2 + 32 + 24 + 18 = 76) and the word counter (24).
  EXPECT_NEAR(pj(&Events::load_commands), (254 + 10 + 254 + 6 + 254 + 76 + 24) * kBit, kExact);
  EXPECT_NEAR(pj(&Events::load_words), 24 * kBit, kExact);
  // The walk, a slot's table entry (50) and window (24).
  EXPECT_NEAR(pj(&Events::slot_table_writes), (76 + 50 + 24) * kBit, kExact);
  EXPECT_NEAR(pj(&Events::slot_place_updates), 50 * kBit, kExact);
  // FIFO 269 + 10, context 269, last values 75, counters 91, state 3.
  EXPECT_NEAR(pj(&Events::compute_commands), (269 + 10 + 269 + 75 + 91 + 3) * kBit, kExact);
  // Counters 91; control of D and E 12 + 2 x 29 + 2 x 4.
  EXPECT_NEAR(pj(&Events::array_steps), (91 + 78) * kBit, kExact);
  // FIFO 68 + 10, command 3, counters 32.
  EXPECT_NEAR(pj(&Events::store_commands), (68 + 10 + 3 + 32) * kBit, kExact);
  EXPECT_NEAR(pj(&Events::token_moves), 8 * kBit, kExact);
  // States of LOAD and STORE, valid bits of D, E and of the PPU: 2 + 2 + 2 + 3.
  EXPECT_NEAR(pj(&Events::cycles), 9 * kBit, kExact);
}

TEST(Energy, MemoryEventsOfThe16x16Array) {
  // Bank 32 KiB, 128 bits: 2 x 20 pJ. Pair memory 64 KiB, carry memory 32 KiB.
  const double at64kib = 20 + 80 * (std::sqrt(64) - std::sqrt(32)) / (std::sqrt(1024) - std::sqrt(32));
  EXPECT_NEAR(pj(&Events::act_read_words), 40, kExact);
  EXPECT_NEAR(pj(&Events::act_write_words), 40, kExact);
  EXPECT_NEAR(pj(&Events::weight_pair_read_words), 2 * at64kib, kExact);
  EXPECT_NEAR(pj(&Events::weight_carry_read_words), 20, kExact);
  EXPECT_NEAR(pj(&Events::weight_write_words), 2 * at64kib + 20, kExact);
  // 448 bits of 2 x 73 words of 448, which is 7.98 KiB: 7 x 10 pJ, in proportion to the square root below 8 KiB.
  const double table = 70 * std::sqrt(2 * 73 * 448 / 8192.0 / 8);
  EXPECT_NEAR(pj(&Events::table_write_words), table, kExact);
  // With the table's word a beat goes through the PPU: counters 27, two beats of 25, 11 bits of the context, the sum of
  // activations 24, eight accumulators of 24.
  EXPECT_NEAR(pj(&Events::table_read_words), table + (27 + 50 + 11 + 24 + 192) * kBit, kExact);
  EXPECT_NEAR(pj(&Events::res_read_words), 40, kExact);
  EXPECT_NEAR(pj(&Events::res_write_words), 40, kExact);
  // With an output's word STORE's two counters of 16 bits.
  EXPECT_NEAR(pj(&Events::out_read_words), 40 + 32 * kBit, kExact);
  EXPECT_NEAR(pj(&Events::out_write_bytes), 2.5, kExact);
  // The DMA's buffers: 16 bursts of 64 bytes are 1 KiB; a byte goes in and out: 16 bits of 10/64 x sqrt(1/8).
  const double buffer = 16 * 10 / 64.0 * std::sqrt(1 / 8.0);
  EXPECT_NEAR(pj(&Events::dram_read_bytes), buffer, kExact) << "without DRAM itself";
  EXPECT_NEAR(pj(&Events::dram_write_bytes), buffer, kExact);
}

TEST(Energy, ActivationTables) {
  AcceleratorConfig config = pe16x16();
  config.array.activation_tables = true;
  // Two halves of 64 words of 32 bits: 512 bytes. A byte of 64 bits of 8 KiB is 10 pJ, in proportion to the square
  // root.
  const double word = 32 * 10 / 64.0 * std::sqrt(1 / 16.0);
  EXPECT_NEAR(pj(&Events::lut_read_words, config), word, kExact);
  EXPECT_NEAR(pj(&Events::lut_write_words, config), 8 * word, kExact) << "the tables of all eight lanes";
  // A byte more a lane; whether and which half (2), in B1 and B2, too; in B3 the beat's place (1 + 16 + 6), valid.
  const auto more = [&](std::int64_t Events::*event) { return pj(event, config) - pj(event); };
  EXPECT_NEAR(more(&Events::ppu_ops), 8 * kBit, kExact);
  EXPECT_NEAR(more(&Events::drains), 2 * kBit, kExact);
  EXPECT_NEAR(more(&Events::table_read_words), (4 + 23) * kBit, kExact);
  EXPECT_NEAR(more(&Events::cycles), kBit, kExact);
  // A bit more in both FIFOs of LOAD and at work; two in COMPUTE's FIFO and in a context.
  EXPECT_NEAR(more(&Events::load_commands), 3 * kBit, kExact);
  EXPECT_NEAR(more(&Events::compute_commands), 4 * kBit, kExact);
  EXPECT_EQ(more(&Events::array_steps), 0);
}

TEST(Energy, SecondLevelBuffer) {
  AcceleratorConfig config = pe16x16();
  config.l2.kib = 512;
  Events events;
  events.l2_read_bytes = 1000;
  events.l2_write_bytes = 500;
  const EnergyReport report = energy(events, config, horowitz());
  // A byte is an eighth of 64 bits of a memory of 512 KiB, between the points of 32 KiB (20 pJ) and 1 MiB (100 pJ).
  const double at512kib = 20 + 80 * (std::sqrt(512) - std::sqrt(32)) / (std::sqrt(1024) - std::sqrt(32));
  EXPECT_NEAR(report[Component::kL2], 1500 * at512kib / 8, 1500 * kExact);
  EXPECT_GT(report[Component::kDma], 0) << "its bytes pass the DMA's buffers";
  EXPECT_EQ(report[Component::kDram], 0);
  const double more_leakage =
      leakage_mw(inventory_of(config), horowitz()) - leakage_mw(inventory_of(pe16x16()), horowitz());
  EXPECT_NEAR(more_leakage, 512 * 8192 * horowitz().leakage_sram_pw_per_bit * 1e-9, 1e-9);
}

TEST(Energy, OneLaneHasOneAddition) {
  // The product and the correction, 10 bits: 0.03 + 2/8 x 0.02.
  const AcceleratorConfig one_lane = make_accelerator(16, 16, 1);
  EXPECT_NEAR(pj(&Events::mac_digit_adds_active, one_lane), 0.011 + 0.035, kExact);
  EXPECT_NEAR(pj(&Events::offset_column_adds, one_lane), 0, kExact);
}

TEST(Energy, ComponentsAddUp) {
  Events events;
  events.mac_digit_adds_active = 1000;
  events.mac_digit_adds_gated = 500;
  events.max_compares = 100;
  events.accumulator_updates = 200;
  events.offset_column_adds = 40;
  events.offset_column_updates = 10;
  events.operand_register_bits = 3000;
  events.drain_captures = 50;
  events.ppu_ops = 20;
  events.ppu_offset_ops = 10;
  events.ppu_residual_ops = 5;
  events.load_commands = 4;
  events.token_moves = 25;
  events.act_read_words = 7;
  events.act_write_words = 3;
  events.weight_carry_read_words = 4;
  events.res_read_words = 1;
  events.out_write_bytes = 16;
  events.dram_read_bytes = 64;
  events.dram_write_bytes = 16;
  events.cycles = 1000;
  const AcceleratorConfig config = pe16x16();
  const EnergyReport r = energy(events, config, horowitz());
  EXPECT_NEAR(r[Component::kPeArray], 51 + 2.55 + 7.5, kExact);
  EXPECT_NEAR(r[Component::kAccumulators], 58.2, kExact);
  EXPECT_NEAR(r[Component::kRegisters], 27 + 10.8, kExact);
  EXPECT_NEAR(r[Component::kOffsetColumn], 40 * 0.75 * 0.0375 + 2.91, kExact);
  EXPECT_NEAR(r[Component::kPpu], 20 * 1.2565 + 2 + 2.6 + 1000 * 3 * kBit, kExact);
  EXPECT_NEAR(r[Component::kControl], 4 * 878 * kBit + 25 * 8 * kBit + 1000 * 6 * kBit, kExact);
  EXPECT_NEAR(r[Component::kActivation], 400, kExact);
  EXPECT_NEAR(r[Component::kWeight], 80, kExact);
  EXPECT_NEAR(r[Component::kTable], 0, kExact);
  EXPECT_NEAR(r[Component::kResidual], 40, kExact);
  EXPECT_NEAR(r[Component::kOutput], 40, kExact);
  EXPECT_NEAR(r[Component::kDma], 80 * 2.5 * std::sqrt(1 / 8.0), kExact);
  EXPECT_NEAR(r[Component::kDram], 13000, kExact);
  // 1000 cycles at 500 MHz are 2 us.
  EXPECT_NEAR(r[Component::kLeakage], leakage_mw(inventory_of(config), horowitz()) * 2000, 1e-6);
  double sum = 0;
  for (const double pj : r.pj) sum += pj;
  EXPECT_NEAR(r.total(), sum, kExact);
  EXPECT_NEAR(r.on_chip(), sum - 13000, 1e-6);
}

TEST(Energy, LeakageOfThe16x16Array) {
  // Registers. Array: accumulators and drain 2 x (64 + 4) x 24 = 3264, operands 64 x 9 = 576, digits 64 x 3 = 192.
  // PPU: context 99, counters 27, valid 3, beats 61, sum 24, accumulators 8 x 24, values 8 x 56: 854.
  // LOAD: FIFO 4 x 254 + 7, pending 2 x 254 + 4, command 254, walk 76, words 24, state 2, windows 4 x 24: 1987.
  // Sequencer: FIFO 4 x 269 + 7, contexts 538, lasts 75, counters 91, state 2, valid 2, pipeline 78, slots 4 x 150:
  // 2469. STORE: FIFO 4 x 68 + 7, 3, 32, 2: 316. Tokens 88.
  const double registers = 3264 + 576 + 192 + 854 + 1987 + 2469 + 316 + 88;
  // Adders. Trees 256 x 12 + 4 x 3 x 11, corrections 16 x 3 x 3, accumulators 68 x 24, maxima 64 x 24, PPU 8 x (6 x 32
  // + 9). 16 shifters.
  const double adders = 3072 + 132 + 144 + 1632 + 1536 + 1608;
  // Memories: 128, 96, 32 and 32 KiB, 2 x 73 x 448 bits of tables, two buffers of 1 KiB.
  const double memories = (128 + 96 + 32 + 32 + 2) * 8192 + 2 * 73 * 448;
  const double expected = 1e-6 * (registers * 73.95 + adders * 74.4 + 16 * 1700) + 1e-9 * memories * 21;
  EXPECT_NEAR(leakage_mw(inventory_of(pe16x16()), horowitz()), expected, kExact);
}

TEST(Energy, NothingHappensNothingSpent) {
  EXPECT_EQ(energy(Events{}, pe16x16(), horowitz()).total(), 0);
}

TEST(Energy, EveryCounterWeighs) {
  // Counters that carry no energy of their own: they only say where time went.
  AcceleratorConfig config = pe16x16();
  config.array.activation_tables = true;
  for (const EventField& field : kEventFields) {
    Events events;
    events.*field.member = 1000000;
    const double pj = energy(events, config, horowitz()).total();
    const std::string name = field.name;
    if (name == "array_idle_cycles" || name == "dram_bursts") {
      EXPECT_EQ(pj, 0) << name;
    } else {
      EXPECT_GT(pj, 0) << name;
    }
  }
}

TEST(Events, SumsEveryCounter) {
  Events a, b;
  std::int64_t value = 1;
  for (const EventField& field : kEventFields) {
    a.*field.member = value;
    b.*field.member = 1000 * value++;
  }
  a += b;
  value = 1;
  for (const EventField& field : kEventFields) EXPECT_EQ(a.*field.member, 1001 * value++) << field.name;
}

}  // namespace
}  // namespace shiftsim::sim
