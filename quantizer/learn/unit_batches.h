// Batches of calibration images shown to a unit.
#pragma once

#include <cstdint>
#include <vector>

#include "quantizer/learn/learned.h"
#include "quantizer/learn/reconstruct.h"
#include "quantizer/learn/unit_model.h"

namespace shiftsim::quantizer {

/// Draws the images of a batch, gathers their activations slot by slot, runs the unit and compares its output with the
/// float network's.
class UnitBatches {
public:
  /// All arguments must outlive it. 'split': how 'model' cuts a batch.
  UnitBatches(const Plan& plan, const UnitData& data, const UnitTask& task, const BatchSplit& split, UnitModel& model);

  /// Bytes of the buffers.
  static std::size_t memory(const Plan& plan, const Unit& unit, const BatchSplit& split);

  /// Different images, drawn for this iteration. 'drop': QDrop's probability that an activation stays float.
  void draw(std::uint64_t iteration, double drop);
  /// Runs the slot on its images; returns the unit's output. Slots may run in parallel.
  const float* forward(UnitModel::Place at, std::uint64_t iteration);
  /// The same, and sets the gradient of the area and the slot's part of the loss: mean over images and pixels, summed
  /// over channels.
  void forward_loss(UnitModel::Place at, std::uint64_t iteration);
  /// With regard to the unit's output, of the slot that ran last in the area.
  float* gradient(std::size_t area) { return gradients_[area].data(); }
  /// Of the batch, once all slots ran.
  double loss() const;

private:
  void gather(UnitModel::Place at, std::uint64_t iteration);
  std::size_t images_of(std::size_t slot) const;

  const Plan& plan_;
  const UnitData& data_;
  const UnitTask& task_;
  BatchSplit split_;
  UnitModel& model_;
  std::size_t out_size_;
  std::vector<std::vector<std::vector<float>>> inputs_;  ///< by area and unit.inputs
  std::vector<std::vector<float>> targets_, gradients_;  ///< by area
  std::vector<double> losses_;                           ///< by slot
  std::vector<std::size_t> chosen_;
  double drop_ = 0;
};

}  // namespace shiftsim::quantizer
