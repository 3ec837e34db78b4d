// Accuracies that were computed before. They depend on the network and the images alone, not on the accelerator.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "common/images.h"
#include "qnet/network.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// The accuracy of one network on one set of images, in the user's cache folder (common/locations.h). Its name there
/// is a hash of the network's content, the pixels, the labels and this program: another build computes anew.
class AccuracyCache {
public:
  AccuracyCache(const qnet::Network& network, const ImageSet& images);

  /// None where it was not kept. A damaged entry, and one that cannot be true, counts as not kept.
  std::optional<AccuracyResult> load() const;
  /// A folder that cannot be written is a warning: the result is there, only the next run computes it again.
  void save(const AccuracyResult& result) const;

private:
  std::optional<std::filesystem::path> file_;  ///< none where there is no cache folder
  AccuracyResult known_;                       ///< what the network itself says
  std::int64_t images_ = 0;
  bool labelled_ = false;
};

}  // namespace shiftsim::sim
