// Accuracy of a network beside that of the one it was made from, on the same images.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace shiftsim::quantizer {

struct PairedAccuracy {
  std::size_t images = 0;
  double before = 0, after = 0;  ///< percent
  /// Standard error of after - before, percent. Paired: images that both get right or both get wrong add nothing, so it
  /// is far below that of either accuracy by itself.
  double standard_error = 0;
  std::size_t lost = 0, gained = 0;  ///< images that only the first, only the second gets right
};

PairedAccuracy compare(const std::vector<int>& before, const std::vector<int>& after, const std::vector<int>& labels);

/// One line; 'fake': the second network was executed in float.
std::string accuracy_text(const PairedAccuracy& accuracy, bool fake);

}  // namespace shiftsim::quantizer
