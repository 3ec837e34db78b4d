#include "quantizer/app/timeline.h"

#include <algorithm>

#include "common/text.h"

namespace shiftsim::quantizer {

std::size_t Timeline::enter(std::string_view stage) {
  const auto found = std::ranges::find(stages_, stage, &StageCost::name);
  const auto index = static_cast<std::size_t>(found - stages_.begin());
  if (found == stages_.end()) stages_.push_back({std::string(stage)});
  watch_.take();  // what was before is not this stage's
  return index;
}

void Timeline::leave(std::size_t index, double seconds) {
  StageCost& stage = stages_[index];
  stage.seconds += seconds;
  const MemoryWatch::Peak peak = watch_.take();
  stage.peak_resident = std::max(stage.peak_resident, peak.total);
  stage.peak_anonymous = std::max(stage.peak_anonymous, peak.anonymous);
}

StageScope::StageScope(Timeline* timeline, std::string_view stage) : timeline_(timeline) {
  if (timeline_ == nullptr) return;
  stage_ = timeline_->enter(stage);
  start_ = std::chrono::steady_clock::now();
}

StageScope::~StageScope() {
  if (timeline_ == nullptr) return;
  timeline_->leave(stage_, std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count());
}

std::string timeline_text(const std::vector<StageCost>& stages) {
  std::vector<std::string> parts;
  parts.reserve(stages.size());
  for (const StageCost& stage : stages)
    parts.push_back(fmt::format("{} {:.1f} s {:.2f} GB", stage.name, stage.seconds,
                                static_cast<double>(stage.peak_resident) / 1e9));
  return "stages: " + join(parts);
}

}  // namespace shiftsim::quantizer
