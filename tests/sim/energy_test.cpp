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

TEST(Energy, EventsOfThe16x16Array) {
  const EventEnergy e = event_energy(pe16x16(), horowitz());
  // A lane: 10 bits selected (0.011), 3/4 of a 12-bit adder (0.04).
  EXPECT_NEAR(e.lane_add, 0.011 + 0.03, kExact);
  EXPECT_NEAR(e.lane_gated, 0.0041, kExact);
  // 24-bit adder 0.075, 24 register bits 0.216.
  EXPECT_NEAR(e.accumulator_update, 0.075 + 0.216, kExact);
  EXPECT_NEAR(e.drain_capture, 0.216, kExact);
  // Comparison of 9 bits: 0.03 + 0.02/8.
  EXPECT_NEAR(e.max_compare, 0.0325, kExact);
  // Three 32-bit adders, a shifter, 56 register bits.
  EXPECT_NEAR(e.ppu_op, 0.3 + 0.42 + 0.504, kExact);
  EXPECT_NEAR(e.ppu_offset_op, 0.2, kExact);
  EXPECT_NEAR(e.ppu_residual_op, 0.62, kExact);
  // Scratchpads: bank 32 KiB, 128 bits: 2 x 20 pJ. Pair memory 64 KiB, carry memory 32 KiB.
  const double at64kib = 20 + 80 * (std::sqrt(64) - std::sqrt(32)) / (std::sqrt(1024) - std::sqrt(32));
  EXPECT_NEAR(e.act_word, 40, kExact);
  EXPECT_NEAR(e.weight_pair_word, 2 * at64kib, kExact);
  EXPECT_NEAR(e.weight_carry_word, 20, kExact);
  EXPECT_NEAR(e.table_word, 70, kExact);  // 448 bits of 8 KiB
  EXPECT_NEAR(e.res_word, 40, kExact);
  EXPECT_NEAR(e.out_word, 40, kExact);
  EXPECT_NEAR(e.out_byte, 2.5, kExact);
  EXPECT_NEAR(e.dram_byte, 162.5, kExact);
  EXPECT_NEAR(e.dram_burst, 0, kExact);
}

TEST(Energy, OneLaneHasNoTree) {
  const EventEnergy e = event_energy(make_accelerator(16, 16, 1), horowitz());
  EXPECT_NEAR(e.lane_add, 0.011, kExact);
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
  events.digit_register_bits = 1000;
  events.drain_captures = 50;
  events.ppu_ops = 20;
  events.ppu_offset_ops = 10;
  events.ppu_residual_ops = 5;
  events.act_read_words = 7;
  events.act_write_words = 3;
  events.weight_carry_read_words = 4;
  events.table_read_words = 2;
  events.res_read_words = 1;
  events.out_read_words = 2;
  events.out_write_bytes = 16;
  events.dram_read_bytes = 64;
  events.dram_write_bytes = 16;
  events.cycles = 1000;
  const AcceleratorConfig config = pe16x16();
  const EnergyReport r = energy(events, config, horowitz());
  EXPECT_NEAR(r[Component::kPeArray], 41 + 2.05 + 3.25, kExact);
  EXPECT_NEAR(r[Component::kAccumulators], 58.2, kExact);
  EXPECT_NEAR(r[Component::kRegisters], 36 + 10.8, kExact);
  EXPECT_NEAR(r[Component::kOffsetColumn], 1.64 + 2.91, kExact);
  EXPECT_NEAR(r[Component::kPpu], 24.48 + 2 + 3.1, kExact);
  EXPECT_NEAR(r[Component::kActivation], 400, kExact);
  EXPECT_NEAR(r[Component::kWeight], 80, kExact);
  EXPECT_NEAR(r[Component::kTable], 140, kExact);
  EXPECT_NEAR(r[Component::kResidual], 40, kExact);
  EXPECT_NEAR(r[Component::kOutput], 80 + 40, kExact);
  EXPECT_NEAR(r[Component::kDram], 13000, kExact);
  // 1000 cycles at 500 MHz are 2 us.
  EXPECT_NEAR(r[Component::kLeakage], leakage_mw(config, horowitz()) * 2000, 1e-6);
  double sum = 0;
  for (const double pj : r.pj) sum += pj;
  EXPECT_NEAR(r.total(), sum, kExact);
  EXPECT_NEAR(r.on_chip(), sum - 13000, 1e-6);
}

TEST(Energy, LeakageOfThe16x16Array) {
  // Register bits: accumulators and drain 2 x (64 + 4) x 24 = 3264, operands 64 x 9 = 576, digits 64 x 3 = 192,
  // PPU 8 x 56 = 448: 4480. Adder bits: trees (256 + 16) x 3/4 x 12 = 2448, accumulators 68 x 24 = 1632,
  // PPU 8 x 7 x 32 = 1792: 5872. 16 shifters. SRAM 296 KiB.
  const double expected = 1e-6 * (4480 * 73.95 + 5872 * 74.4 + 16 * 1700) + 1e-9 * 296 * 8192 * 21;
  EXPECT_NEAR(leakage_mw(pe16x16(), horowitz()), expected, kExact);
}

TEST(Energy, NothingHappensNothingSpent) {
  EXPECT_EQ(energy(Events{}, pe16x16(), horowitz()).total(), 0);
}

TEST(Energy, EveryCounterWeighs) {
  // Counters that carry no energy of their own: they only say where time went.
  for (const EventField& field : kEventFields) {
    Events events;
    events.*field.member = 1000000;
    const double pj = energy(events, pe16x16(), horowitz()).total();
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
