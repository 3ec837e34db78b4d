#include "sim/energy/energy.h"

#include <cmath>
#include <numeric>

namespace shiftsim::sim {
namespace {

constexpr int kOperandBits = 9;   // signed or unsigned bytes, in two's complement
constexpr int kProductBits = 10;  // +-2 times an operand
constexpr int kDigitBits = 3;     // negative, one, two
constexpr int kPpuBits = 32;

/// Average width of the adders that sum a PE's lanes: products that grow by a bit a level.
double tree_bits(const ArrayConfig& array) {
  return kProductBits + std::ceil(std::log2(array.lanes));
}

/// Two-input adders of the tree per lane: L - 1 for L lanes; the last sum enters the accumulator's adder.
double tree_adders_per_lane(const ArrayConfig& array) {
  return static_cast<double>(array.lanes - 1) / array.lanes;
}

}  // namespace

double EnergyReport::total() const {
  return std::accumulate(pj.begin(), pj.end(), 0.0);
}

EnergyReport& EnergyReport::operator+=(const EnergyReport& other) {
  for (std::size_t i = 0; i < kComponents; ++i) pj[i] += other.pj[i];
  return *this;
}

EventEnergy event_energy(const AcceleratorConfig& config, const Technology& technology) {
  const ArrayConfig& array = config.array;
  const ScratchpadConfig& pads = config.scratchpad;
  const WordBits bits = config.word_bits();
  const double adder32 = technology.adder_pj(kPpuBits);
  const double bit = technology.register_pj_per_bit;

  EventEnergy e;
  e.register_bit = bit;
  e.lane_add =
      kProductBits * technology.select_pj_per_bit + tree_adders_per_lane(array) * technology.adder_pj(tree_bits(array));
  e.lane_gated = technology.gated_fraction * e.lane_add;
  e.accumulator_update = technology.adder_pj(array.accumulator_bits) + array.accumulator_bits * bit;
  e.max_compare = technology.adder_pj(kOperandBits);
  e.drain_capture = array.accumulator_bits * bit;
  // Bias adder, shifter, two comparisons for the clamp; registers of A (stage B1) and v (B2).
  e.ppu_op = 3 * adder32 + technology.shifter_pj + (array.accumulator_bits + kPpuBits) * bit;
  e.ppu_offset_op = 2 * adder32;                            // c*S is two digits: one adder; one more for 2A + c*S
  e.ppu_residual_op = technology.shifter_pj + 2 * adder32;  // rounding half, shift, addition

  // A memory's capacity is both halves; the weights' pair and carry memories are two of three parts, and one.
  const double weight_kib = pads.weight_kib;
  const double pair_kib = weight_kib * bits.weight_pair / bits.weight();
  const double carry_kib = weight_kib * bits.weight_carry / bits.weight();
  const double bank_kib = static_cast<double>(pads.activation_kib) / array.pixels();
  const double output_bit = technology.sram_pj_per_bit(pads.output_kib);
  e.act_word = bits.activation * technology.sram_pj_per_bit(bank_kib);
  e.weight_pair_word = bits.weight_pair * technology.sram_pj_per_bit(pair_kib);
  e.weight_carry_word = bits.weight_carry * technology.sram_pj_per_bit(carry_kib);
  e.table_word = bits.table * technology.sram_pj_per_bit(pads.table_kib);
  e.res_word = bits.residual * technology.sram_pj_per_bit(pads.residual_kib);
  e.out_word = bits.output * output_bit;
  e.out_byte = 8 * output_bit;

  e.dram_byte = technology.dram_pj_per_64_bits / 8;
  e.dram_burst = technology.dram_pj_per_burst;
  e.leakage_per_cycle = leakage_mw(config, technology) * 1000 / config.clock_mhz;  // mW x us = nJ = 1000 pJ
  return e;
}

double leakage_mw(const AcceleratorConfig& config, const Technology& technology) {
  const ArrayConfig& array = config.array;
  const ScratchpadConfig& pads = config.scratchpad;
  const double pes = array.pixels() * array.cols, lanes = array.mac_lanes();
  const double sums = pes + array.pixels();                                  // with the offset column
  const double register_bits = 2 * sums * array.accumulator_bits             // accumulators and drain registers
                               + array.pixels() * array.cols * kOperandBits  // operands
                               + array.cols * array.lanes * kDigitBits       // digits
                               + array.ppu_lanes * (array.accumulator_bits + kPpuBits);
  const double adder_bits = (lanes + array.rows) * tree_adders_per_lane(array) * tree_bits(array) +
                            sums * array.accumulator_bits + array.ppu_lanes * 7.0 * kPpuBits;
  const double sram_bits =
      8192.0 * (pads.activation_kib + pads.weight_kib + pads.table_kib + pads.residual_kib + pads.output_kib);
  return 1e-6 * (register_bits * technology.leakage_register_nw_per_bit +
                 adder_bits * technology.leakage_adder_nw_per_bit +
                 2.0 * array.ppu_lanes * technology.leakage_shifter_nw) +
         1e-9 * sram_bits * technology.leakage_sram_pw_per_bit;
}

EnergyReport energy(const Events& events, const AcceleratorConfig& config, const Technology& technology) {
  const EventEnergy e = event_energy(config, technology);
  const auto times = [](std::int64_t count, double pj) { return static_cast<double>(count) * pj; };
  EnergyReport report;
  report[Component::kPeArray] = times(events.mac_digit_adds_active, e.lane_add) +
                                times(events.mac_digit_adds_gated, e.lane_gated) +
                                times(events.max_compares, e.max_compare);
  report[Component::kAccumulators] = times(events.accumulator_updates, e.accumulator_update);
  report[Component::kRegisters] = times(events.operand_register_bits + events.digit_register_bits, e.register_bit) +
                                  times(events.drain_captures, e.drain_capture);
  report[Component::kOffsetColumn] =
      times(events.offset_column_adds, e.lane_add) + times(events.offset_column_updates, e.accumulator_update);
  report[Component::kPpu] = times(events.ppu_ops, e.ppu_op) + times(events.ppu_offset_ops, e.ppu_offset_op) +
                            times(events.ppu_residual_ops, e.ppu_residual_op);
  report[Component::kActivation] = times(events.act_read_words + events.act_write_words, e.act_word);
  report[Component::kWeight] = times(events.weight_pair_read_words + events.weight_write_words, e.weight_pair_word) +
                               times(events.weight_carry_read_words + events.weight_write_words, e.weight_carry_word);
  report[Component::kTable] = times(events.table_read_words + events.table_write_words, e.table_word);
  report[Component::kResidual] = times(events.res_read_words + events.res_write_words, e.res_word);
  report[Component::kOutput] = times(events.out_read_words, e.out_word) + times(events.out_write_bytes, e.out_byte);
  report[Component::kDram] =
      times(events.dram_read_bytes + events.dram_write_bytes, e.dram_byte) + times(events.dram_bursts, e.dram_burst);
  report[Component::kLeakage] = times(events.cycles, e.leakage_per_cycle);
  return report;
}

}  // namespace shiftsim::sim
