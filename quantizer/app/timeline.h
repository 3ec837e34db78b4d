// How long each stage of a quantization took, and how much memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/resident_memory.h"

namespace shiftsim::quantizer {

/// What a stage took. A stage that is entered several times (search and units take turns) is one entry.
struct StageCost {
  std::string name;
  double seconds = 0;
  std::size_t peak_resident = 0;   ///< bytes, pages of mapped files included
  std::size_t peak_anonymous = 0;  ///< bytes, pages of mapped files left out
};

/// What StageScope filled in. Memory is looked at every few milliseconds: a shorter peak is missed.
class Timeline {
public:
  /// The stages that ran, in the order in which they were first entered.
  const std::vector<StageCost>& stages() const { return stages_; }

private:
  friend class StageScope;
  std::size_t enter(std::string_view stage);
  void leave(std::size_t stage, double seconds);

  MemoryWatch watch_;
  std::vector<StageCost> stages_;
};

/// As long as it lives, time and memory count for its stage. Stages do not nest.
class StageScope {
public:
  /// 'timeline': null where nobody wants one.
  StageScope(Timeline* timeline, std::string_view stage);
  ~StageScope();
  StageScope(const StageScope&) = delete;
  StageScope& operator=(const StageScope&) = delete;

private:
  Timeline* timeline_;
  std::size_t stage_ = 0;
  std::chrono::steady_clock::time_point start_;
};

/// One line: "stages: search 1.3 s 0.21 GB, units 20.1 s 0.34 GB, ...", with the peaks of resident memory.
std::string timeline_text(const std::vector<StageCost>& stages);

}  // namespace shiftsim::quantizer
