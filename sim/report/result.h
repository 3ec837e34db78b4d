// What a run gives: filled by the engines and simulate(), printed and written by report.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/counters/causes.h"
#include "sim/counters/events.h"

namespace shiftsim::sim {

/// The mapping that a layer was run with, and what the search knew of it. docs/mapping.md.
struct MappingResult {
  int tile_rows = 0, tile_cols = 0;  ///< output pixels of a whole tile
  int block = 0;                     ///< channel tiles whose weights are loaded together
  std::string outer;                 ///< "weights" or "outputs": what the outer loop goes over
  int held = 1;                      ///< of them at once
  bool split = false;                ///< the reduction in pieces
  bool window_split = false;         ///< and the activations with it
  int candidates = 0, tried = 0;     ///< mappings ranked, and run
  std::int64_t alone_cycles = 0;     ///< of one batch, the layer by itself on an idle machine
};

struct LayerResult {
  std::string name, kind;  ///< kind: "conv", "depthwise", "linear", "max_pool", "sum_pool" ...
  int in_h = 0, in_w = 0, in_c = 0, out_h = 0, out_w = 0, out_c = 0, kernel_h = 1, kernel_w = 1, stride = 1, groups = 1;
  int weight_bits = 0, input_bits = 0, digits = 0;  ///< digits: radix-4 digits of a weight as the array runs it
  std::int64_t macs = 0;                            ///< of all images run, as the literature counts them
  std::int64_t cycles = 0;                          ///< of all images run
  std::int64_t tiles = 0;
  MappingResult mapping;
  /// By which mappings were ranked (sim/compiler/cost.h), of all images run.
  double estimated_cycles = 0, estimated_dram_bytes = 0;
  CauseCycles causes{};  ///< sum to cycles
  Events events;

  std::int64_t& cause(Cause c) { return causes[static_cast<std::size_t>(c)]; }
  std::int64_t cause(Cause c) const { return causes[static_cast<std::size_t>(c)]; }
};

struct AccuracyResult {
  double float_percent = -1;  ///< -1: not known
  int float_images = 0;
  double quantized_percent = -1;  ///< -1: no labels
  std::int64_t correct = 0;
  std::int64_t images = 0;  ///< images that the golden reference ran
  double seconds = 0;       ///< that the golden reference took
  bool kept = false;        ///< computed by an earlier run, not by this one; 'seconds' are of that run
};

/// Values of the cycle engines compared with the golden reference.
struct ValueCheck {
  std::int64_t images = 0;  ///< images run and compared
  std::int64_t tensors = 0, values = 0, mismatches = 0;
  std::string first_mismatch;  ///< layer, pixel, channel, expected, actual
};

struct LockstepResult {
  std::string verdict = "not run";                                     ///< "not run", "pass", "fail"
  std::string scope = "no RTL was run (--fidelity lockstep runs it)";  ///< what was compared, in one or two sentences
  std::int64_t images = 0, cycles = 0;
  std::int64_t comparisons = 0;              ///< port and accumulator values compared
  std::int64_t accumulator_comparisons = 0;  ///< of them accumulators at drains
  std::string difference;                 ///< of a failure: cycle, layer, tile, pixel, channel, expected, actual, seed
  std::string waveform;                   ///< FST file of a failure, or empty
  std::vector<std::string> not_compared;  ///< what the RTL lacks (rtl/verilated/core_abi.h)
};

/// A tensor, or the weights and tables of a layer, in DRAM or in the second-level buffer.
struct DramMapEntry {
  std::string kind;           ///< "tensor" or "parameters"
  std::string name;           ///< of the tensor or of the layer
  std::uint64_t address = 0;  ///< in its level
  std::int64_t bytes = 0;
  std::string level = "dram";    ///< or "l2"
  std::int64_t image_pitch = 0;  ///< of a tensor: bytes from one image of a batch to the next
};

struct RunResult {
  AccuracyResult accuracy;             ///< filled by simulate()
  std::vector<LayerResult> layers;     ///< empty at fidelity golden
  std::int64_t cycles = 0;             ///< of all images run, the sum over the layers
  std::int64_t images = 0;             ///< images that the cycle engine ran
  int batch = 1;                       ///< of them run together
  std::vector<DramMapEntry> dram_map;  ///< by address; empty at fidelity golden
  ValueCheck values;
  LockstepResult lockstep;
  std::vector<std::pair<std::string, std::string>> versions;  ///< of what the engine is built with: SystemC, Verilator
  double host_seconds = 0;                                    ///< time the engine took

  double host_cycles_per_second() const { return host_seconds > 0 ? static_cast<double>(cycles) / host_seconds : 0; }
};

}  // namespace shiftsim::sim
