// Finished units of a quantization on disk, for runs that are stopped.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "quantizer/plan/quantized_network.h"
#include "quantizer/plan/units.h"

namespace shiftsim::quantizer {

/// A folder with one file a step. Files of another fingerprint, or damaged ones, count as missing.
class Checkpoint {
public:
  /// No folder: nothing is kept.
  Checkpoint(std::optional<std::filesystem::path> folder, std::string fingerprint);

  /// Saves the unit's layers, the scales of the tensors they make, and 'figures' that were found on the way. 'step': a
  /// name, unique in the run.
  void save(const std::string& step, const Unit& unit, const QuantizedNetwork& network,
            const std::vector<double>& figures = {}) const;
  /// Puts them back, 'figures' where it is not null; false where this step was not saved.
  bool load(const std::string& step, const Unit& unit, QuantizedNetwork& network,
            std::vector<double>* figures = nullptr) const;
  /// Removes the folder: the run is done.
  void remove() const;

private:
  std::optional<std::filesystem::path> folder_;
  std::string fingerprint_;
};

}  // namespace shiftsim::quantizer
