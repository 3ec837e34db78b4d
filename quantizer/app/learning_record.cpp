#include "quantizer/app/learning_record.h"

#include <fmt/format.h>

#include "common/text.h"

namespace shiftsim::quantizer {

std::string learning_text(const LearningRecord& record) {
  if (record.stages.empty()) return "";
  std::vector<std::string> parts;
  for (const StageRecord& stage : record.stages)
    parts.push_back(
        fmt::format("{} {:.4f}{}", stage.stage, stage.divergence, stage.kept ? "" : " (no better: dropped)"));
  return fmt::format("KL divergence from the float network on {} held-out images: {}\n", record.held_out, join(parts));
}

}  // namespace shiftsim::quantizer
