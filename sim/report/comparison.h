// Our cycles beside those of other simulators at equal lanes, and where the difference comes from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/config/config.h"
#include "sim/report/peer_forms.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// One layer (or the sum of them), of all images run. Our cycles less SCALE-Sim's output-stationary ones are the sum of
/// the five parts.
struct ComparedLayer {
  std::string name;
  MatrixProduct product;
  std::int64_t ours = 0;
  std::int64_t scale_ws = 0, scale_os = 0, stonne = 0;
  std::int64_t digits = 0;  ///< steps for a weight's second and further digits: the others multiply in one cycle
  std::int64_t setup = 0;   ///< COMPUTE commands taken up
  std::int64_t drain = 0;   ///< waiting for the PPU, and for the last outputs
  std::int64_t memory = 0;  ///< waiting for loads, for room for outputs, or for the layer before
  std::int64_t edge = 0;  ///< pixels and channels that fill no whole array here, less theirs, and less their pipelines'
                          ///< filling and emptying

  ComparedLayer& operator+=(const ComparedLayer& other);
};

/// The layers that are products; pools are none.
std::vector<ComparedLayer> compare(const RunResult& result, const ArrayConfig& array);

std::string comparison_table(const std::vector<ComparedLayer>& layers);
nlohmann::ordered_json comparison_json(const std::vector<ComparedLayer>& layers);

}  // namespace shiftsim::sim
