// What happens in the hardware, counted: the cores fill it, energy.h weighs it, reports print it.
#pragma once

#include <cstdint>

namespace shiftsim::sim {

/// Counters of one layer (or sums of them). A "lane add" is one digit product entering a PE's sum.
struct Events {
  // Array
  std::int64_t mac_digit_adds_active = 0;  ///< lane adds of active slots with digit != 0 and activation != 0
  std::int64_t mac_digit_adds_gated = 0;   ///< all other lane positions of steps: zero digit, zero or absent activation
  std::int64_t accumulator_updates = 0;    ///< PE accumulators clocked (steps x P x N; idle slots gated off)
  std::int64_t max_compares = 0;           ///< PE comparisons of max pooling
  std::int64_t offset_column_adds = 0;     ///< lane adds of the S column (s_en, activation != 0)
  std::int64_t offset_column_updates = 0;  ///< S accumulators clocked
  std::int64_t operand_register_bits = 0;  ///< bits of operand registers (D to E) written
  std::int64_t digit_register_bits = 0;    ///< bits of digit control registers (D to E) written
  std::int64_t drain_captures = 0;         ///< accumulators copied into drain registers (P x N a capture, + P with S)
  std::int64_t array_steps = 0;            ///< steps that go through F, D and E
  // Control
  std::int64_t load_commands = 0, compute_commands = 0, store_commands = 0;  ///< pushed into the FIFOs
  std::int64_t load_words = 0;                                               ///< words that LOAD receives
  std::int64_t slot_table_writes = 0;   ///< slots' starts that LOAD computes (P a load of activations)
  std::int64_t slot_place_updates = 0;  ///< slots' addresses taken or moved on (P a command and a pixel)
  std::int64_t token_moves = 0;         ///< token counters that change
  // PPU
  std::int64_t drains = 0;            ///< captures that the PPU works off
  std::int64_t ppu_ops = 0;           ///< lane beats of valid outputs: bias, shift, clamp
  std::int64_t ppu_offset_ops = 0;    ///< of them with 2A + cS
  std::int64_t ppu_residual_ops = 0;  ///< of them with a residual
  // Scratchpads, in words (activation: of one bank)
  std::int64_t act_read_words = 0, act_write_words = 0;
  std::int64_t weight_pair_read_words = 0, weight_carry_read_words = 0;
  std::int64_t weight_write_words = 0;  ///< pair and carry together
  std::int64_t table_read_words = 0;    ///< one a beat of the PPU, whether its outputs are valid or not
  std::int64_t table_write_words = 0;
  std::int64_t lut_read_words = 0;   ///< of one lane's activation table
  std::int64_t lut_write_words = 0;  ///< of the activation tables of all lanes together
  std::int64_t res_read_words = 0, res_write_words = 0;
  std::int64_t out_read_words = 0;
  std::int64_t out_write_bytes = 0;  ///< bytes enabled (a beat writes Q of a word's N)
  // DRAM
  std::int64_t dram_read_bytes = 0, dram_write_bytes = 0, dram_bursts = 0;
  // Second-level buffer
  std::int64_t l2_read_bytes = 0, l2_write_bytes = 0;
  // Time
  std::int64_t cycles = 0;             ///< all cycles, for leakage
  std::int64_t array_idle_cycles = 0;  ///< of them without a valid step in E

  Events& operator+=(const Events& other) { return add(other, 1); }
  /// Adds 'other' 'times' over.
  Events& add(const Events& other, std::int64_t times);
  friend bool operator==(const Events&, const Events&) = default;
};

/// Where the DMA's data comes from and goes to.
enum class MemoryLevel : std::uint8_t { kDram, kL2 };
inline constexpr std::size_t kMemoryLevels = 2;

/// Counts bytes of whole bursts that are read from a level.
void add_read(MemoryLevel level, std::int64_t bytes, std::int64_t burst_bytes, Events& events);
/// Counts bytes of whole bursts that are written to it.
void add_write(MemoryLevel level, std::int64_t bytes, std::int64_t burst_bytes, Events& events);

/// Name and description of each counter, for sums, JSON and documentation.
struct EventField {
  const char* name;
  std::int64_t Events::*member;
};

inline constexpr EventField kEventFields[] = {
    {"mac_digit_adds_active", &Events::mac_digit_adds_active},
    {"mac_digit_adds_gated", &Events::mac_digit_adds_gated},
    {"accumulator_updates", &Events::accumulator_updates},
    {"max_compares", &Events::max_compares},
    {"offset_column_adds", &Events::offset_column_adds},
    {"offset_column_updates", &Events::offset_column_updates},
    {"operand_register_bits", &Events::operand_register_bits},
    {"digit_register_bits", &Events::digit_register_bits},
    {"drain_captures", &Events::drain_captures},
    {"array_steps", &Events::array_steps},
    {"load_commands", &Events::load_commands},
    {"compute_commands", &Events::compute_commands},
    {"store_commands", &Events::store_commands},
    {"load_words", &Events::load_words},
    {"slot_table_writes", &Events::slot_table_writes},
    {"slot_place_updates", &Events::slot_place_updates},
    {"token_moves", &Events::token_moves},
    {"drains", &Events::drains},
    {"ppu_ops", &Events::ppu_ops},
    {"ppu_offset_ops", &Events::ppu_offset_ops},
    {"ppu_residual_ops", &Events::ppu_residual_ops},
    {"act_read_words", &Events::act_read_words},
    {"act_write_words", &Events::act_write_words},
    {"weight_pair_read_words", &Events::weight_pair_read_words},
    {"weight_carry_read_words", &Events::weight_carry_read_words},
    {"weight_write_words", &Events::weight_write_words},
    {"table_read_words", &Events::table_read_words},
    {"table_write_words", &Events::table_write_words},
    {"lut_read_words", &Events::lut_read_words},
    {"lut_write_words", &Events::lut_write_words},
    {"res_read_words", &Events::res_read_words},
    {"res_write_words", &Events::res_write_words},
    {"out_read_words", &Events::out_read_words},
    {"out_write_bytes", &Events::out_write_bytes},
    {"dram_read_bytes", &Events::dram_read_bytes},
    {"dram_write_bytes", &Events::dram_write_bytes},
    {"dram_bursts", &Events::dram_bursts},
    {"l2_read_bytes", &Events::l2_read_bytes},
    {"l2_write_bytes", &Events::l2_write_bytes},
    {"cycles", &Events::cycles},
    {"array_idle_cycles", &Events::array_idle_cycles},
};
static_assert(sizeof(kEventFields) / sizeof(EventField) == sizeof(Events) / sizeof(std::int64_t),
              "every counter stands in kEventFields once");

inline void add_read(MemoryLevel level, std::int64_t bytes, std::int64_t burst_bytes, Events& events) {
  if (level == MemoryLevel::kL2) {
    events.l2_read_bytes += bytes;
    return;
  }
  events.dram_read_bytes += bytes;
  events.dram_bursts += bytes / burst_bytes;
}

inline void add_write(MemoryLevel level, std::int64_t bytes, std::int64_t burst_bytes, Events& events) {
  if (level == MemoryLevel::kL2) {
    events.l2_write_bytes += bytes;
    return;
  }
  events.dram_write_bytes += bytes;
  events.dram_bursts += bytes / burst_bytes;
}

inline Events& Events::add(const Events& other, std::int64_t times) {
  for (const EventField& field : kEventFields) this->*field.member += times * other.*field.member;
  return *this;
}

}  // namespace shiftsim::sim
