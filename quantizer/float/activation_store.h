// Activations of all calibration images: in memory, or past a limit in files that the system pages in and out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "quantizer/float/mapped_floats.h"
#include "quantizer/float/memory_budget.h"

namespace shiftsim::quantizer {

/// Gives out blocks of floats. What the budget has room for stands in memory, the rest in files of 'folder'
/// (MappedFloats::in_file).
class ActivationMemory {
public:
  /// 'budget' must outlive the blocks' making, not the blocks.
  ActivationMemory(MemoryBudget& budget, std::filesystem::path folder);

  /// A block of floats, 64-byte aligned, zeroed. Movable; empty when default constructed.
  class Block {
  public:
    float* data() const { return floats_.data(); }
    std::size_t size() const { return floats_.size(); }
    bool empty() const { return size() == 0; }
    bool spilled() const { return !empty() && share_.bytes() == 0; }
    std::span<const float> values() const { return floats_.values(); }

  private:
    friend class ActivationMemory;
    MappedFloats floats_;
    MemoryBudget::Share share_;  ///< empty: in a file
  };

  /// Throws UserError naming the folder where the file cannot be made or the disk is full.
  Block allocate(std::size_t count);

private:
  MemoryBudget& budget_;
  std::filesystem::path folder_;
};

}  // namespace shiftsim::quantizer
