// The accelerator and the run: what configs/*.yaml say. docs/configuration.md is the reference of every key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace shiftsim::sim {

enum class Fidelity { kGolden, kTransaction, kCycle, kLockstep };

/// A fidelity as configurations name it, and what runs then. A new one is a line here and one in engine.cpp.
struct FidelityName {
  Fidelity fidelity;
  const char* name;
  const char* runs;
};
inline constexpr FidelityName kFidelities[] = {
    {Fidelity::kGolden, "golden", "values"},
    {Fidelity::kTransaction, "transaction", "cycles and events alone, equal to cycle"},
    {Fidelity::kCycle, "cycle", "SystemC core"},
    {Fidelity::kLockstep, "lockstep", "SystemC core and RTL"},
};

const char* to_string(Fidelity fidelity);
std::vector<std::string> fidelity_names();
/// Throws UserError for other names.
Fidelity fidelity_from(const std::string& name);

/// Array geometry: rows = pixels * lanes, one column per output channel (docs/hardware.md: P, N, L, Q, ACC_W).
struct ArrayConfig {
  int rows = 16, cols = 16;
  int lanes = 4;      ///< L: input channels a PE adds per cycle
  int ppu_lanes = 8;  ///< Q
  int accumulator_bits = 24;
  bool activation_tables = false;  ///< the PPU has a table for activation functions

  int pixels() const { return rows / lanes; }                           ///< P
  int mac_lanes() const { return rows * cols; }                         ///< digit products per cycle
  int sub_blocks() const { return (cols + lanes - 1) / lanes; }         ///< SB
  int ppu_beats() const { return (cols + ppu_lanes - 1) / ppu_lanes; }  ///< QB

  friend bool operator==(const ArrayConfig&, const ArrayConfig&) = default;
};

/// KiB of each scratchpad, both halves together (activation: all banks; weight: pair and carry memories).
struct ScratchpadConfig {
  int activation_kib = 128, weight_kib = 96, table_kib = 8, residual_kib = 32, output_kib = 32;

  friend bool operator==(const ScratchpadConfig&, const ScratchpadConfig&) = default;
};

/// Bits of one word of each memory.
struct WordBits {
  int activation;    ///< 8N, one bank
  int weight_pair;   ///< 2NL
  int weight_carry;  ///< NL
  int table;         ///< 56Q
  int residual;      ///< 8N
  int output;        ///< 8N
  int lut;           ///< of a lane's activation table: four entries
  int weight() const { return weight_pair + weight_carry; }
};

/// Words in one half of each scratchpad (activation: of one bank): ACT_DEPTH ... OUT_DEPTH of docs/hardware.md.
struct Depths {
  int activation, weight, table, residual, output;
};

struct DramConfig {
  int latency_cycles = 60;
  int bytes_per_cycle = 16;
  int burst_bytes = 64;

  /// The DMA's buffers hold so much each of what is read and of what is written (more where a layer's words need it).
  int buffer_bytes() const { return 16 * burst_bytes; }

  friend bool operator==(const DramConfig&, const DramConfig&) = default;
};

/// A second-level buffer on chip, between the DMA and DRAM, for tensors that one layer leaves to others.
struct L2Config {
  int kib = 0;  ///< 0: none
  int bytes_per_cycle = 64;
  int latency_cycles = 8;

  friend bool operator==(const L2Config&, const L2Config&) = default;
};

struct AcceleratorConfig {
  std::string name = "pe16x16";
  ArrayConfig array;
  ScratchpadConfig scratchpad;
  DramConfig dram;
  L2Config l2;
  int command_queue_depth = 4;
  double clock_mhz = 500;

  WordBits word_bits() const;
  Depths depths() const;
  /// DW, the width of the load unit's data port: the widest of the activation, weight pair and table words.
  int load_bits() const;

  friend bool operator==(const AcceleratorConfig&, const AcceleratorConfig&) = default;
};

/// Sizes that 'auto' stands for. Lanes: the largest divisor of rows that is at most min(4, cols). PPU lanes:
/// ceil(cols/2).
int auto_lanes(int rows, int cols);
int auto_ppu_lanes(int cols);
/// 1024 words in each half of activation (every bank), residual and output, 2048 of weights, 64 of tables, in whole
/// KiB.
ScratchpadConfig auto_scratchpads(const ArrayConfig& array);
/// An accelerator of this geometry, everything else 'auto' or default (lanes, ppu_lanes 0: auto). For tests and sweeps.
AcceleratorConfig make_accelerator(int rows, int cols, int lanes = 0, int ppu_lanes = 0);
/// Puts numbers in the place of 'auto' (kAuto of settings.h). A geometry that validate() refuses must not crash here.
void resolve_auto(AcceleratorConfig& config);
/// Throws UserError if the geometry or a depth is outside the limits of docs/hardware.md.
void validate(const AcceleratorConfig& config);

/// What the search for mappings minimizes (sim/mapping/mapping_search.h).
enum class Objective {
  kBalanced,  ///< of the mappings within 2 % of the fewest cycles the one of least energy
  kCycles,
  kEnergy,
  kEdp,  ///< energy times cycles
  kDramBytes,
};

/// The mapping of one layer, as a user fixes it; fields that are 0 or empty are the search's.
struct FixedMapping {
  int rows = 0, cols = 0;  ///< of a tile, in output pixels
  int block = 0;           ///< channel tiles whose weights are loaded together
  std::string outer;       ///< "weights" or "outputs": what the outer loop goes over
  int held = 0;            ///< 1 or 2 of them at once

  friend bool operator==(const FixedMapping&, const FixedMapping&) = default;
};

struct MappingConfig {
  Objective objective = Objective::kBalanced;
  std::map<std::string, FixedMapping> layers;  ///< by name

  friend bool operator==(const MappingConfig&, const MappingConfig&) = default;
};

struct LockstepConfig {
  int wave_cycles = 2000;       ///< cycles before a difference that the FST waveform shows; 0: none
  std::int64_t max_cycles = 0;  ///< stop comparing after so many cycles; 0: the whole run
  std::string mutant;   ///< run the RTL with this deliberate bug (tests/rtl/mutants), to see it found; empty: none
  std::string library;  ///< a built core in place of ours (rtl/verilated/core_abi.h); empty: ours
  std::string rtl;      ///< folder with RTL files in place of ours; empty: ours

  friend bool operator==(const LockstepConfig&, const LockstepConfig&) = default;
};

/// What happens where the clock is faster than the technology's gates.
enum class ClockCheck { kRefuse, kWarn };

/// How scripts/run makes the network, if it is made here: quantrun's arguments. Empty model: the network is given.
struct QuantizeConfig {
  std::string model;
  std::string recipe;  ///< one of quantrun's by its name, or a file
  std::string bits;    ///< "w4a4"; empty: the recipe's
  std::string calibration, calibration_labels;

  friend bool operator==(const QuantizeConfig&, const QuantizeConfig&) = default;
};

/// A whole run. Paths are absolute once loaded (relative ones count from the file they stand in; on the command
/// line from the current folder).
struct RunConfig {
  AcceleratorConfig accelerator;
  std::string network;           ///< .qnet folder
  std::string images, labels;    ///< images and their labels; labels may be empty
  std::int64_t test_images = 0;  ///< accuracy is measured over so many (0: all)
  int image_count = 1;           ///< images that the cycle engines run, the first ones; whole batches
  int batch = 1;                 ///< images that they run together, layer by layer
  Fidelity fidelity = Fidelity::kCycle;
  std::string technology;  ///< technology file
  ClockCheck clock_check = ClockCheck::kRefuse;
  std::string results;  ///< folder in which results/<name>/ is made
  std::int64_t seed = 1;
  int threads = 0;             ///< of the golden reference, and machines at a time; 0: all processors
  bool accuracy_cache = true;  ///< take the accuracy from an earlier run of the same network on the same images
  MappingConfig mapping;
  LockstepConfig lockstep;
  QuantizeConfig quantize;

  friend bool operator==(const RunConfig&, const RunConfig&) = default;
};

/// Reads a configuration, with its includes, strictly; then the "key=value" overrides. Without a file (empty path) the
/// defaults. Throws UserError "FILE:LINE: ...".
RunConfig load_config(const std::filesystem::path& file, const std::vector<std::string>& overrides);

/// Raises a UserError "FILE:LINE: KEY: message" at the last place where these set a key that only later turned out to
/// be wrong, or without a place where none did.
[[noreturn]] void fail_at_key(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                              const std::string& key, const std::string& message);

/// The whole configuration as commented YAML; loading it gives the same configuration.
std::string print_config(const RunConfig& config);

}  // namespace shiftsim::sim
