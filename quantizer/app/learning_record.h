// What learning found on the way: for the output, the report and its page.
#pragma once

#include <string>
#include <vector>

namespace shiftsim::quantizer {

/// A unit's loss: of the hard model on calibration images, mean over images and pixels, summed over channels.
struct UnitRecord {
  std::string pass, unit;
  int first = 0, last = 0;       ///< layers of the plan
  double before = 0, after = 0;  ///< equal where what was learned is not taken over
};

/// The network behind a stage, judged on the held-out images. A stage that made it no better is dropped.
struct StageRecord {
  std::string stage;
  double divergence = 0;  ///< KL divergence from the float network, nats, of what the stage made
  bool kept = true;
};

/// Empty without learning, and stages without held-out images.
struct LearningRecord {
  std::vector<UnitRecord> units;
  std::vector<StageRecord> stages;
  std::size_t held_out = 0;  ///< images
};

/// One line: "KL divergence from the float network on 256 held-out images: search 0.4120, units 0.1034, ..."; empty
/// where nothing was judged.
std::string learning_text(const LearningRecord& record);

}  // namespace shiftsim::quantizer
