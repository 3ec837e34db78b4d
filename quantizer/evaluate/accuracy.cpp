#include "quantizer/evaluate/accuracy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/error.h"

namespace shiftsim::quantizer {

PairedAccuracy compare(const std::vector<int>& before, const std::vector<int>& after, const std::vector<int>& labels) {
  SHIFTSIM_CHECK(before.size() == labels.size() && after.size() == labels.size() && !labels.empty(),
                 "{} labels, {}, {}", labels.size(), before.size(), after.size());
  PairedAccuracy result;
  result.images = labels.size();
  std::size_t first = 0, second = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool a = before[i] == labels[i], b = after[i] == labels[i];
    first += a ? 1 : 0;
    second += b ? 1 : 0;
    result.lost += a && !b ? 1 : 0;
    result.gained += b && !a ? 1 : 0;
  }
  const auto n = static_cast<double>(result.images);
  result.before = 100 * static_cast<double>(first) / n;
  result.after = 100 * static_cast<double>(second) / n;
  // Each image's difference is -1, 0 or 1.
  const double mean = (static_cast<double>(result.gained) - static_cast<double>(result.lost)) / n;
  const double square = static_cast<double>(result.gained + result.lost) / n;
  result.standard_error = 100 * std::sqrt(std::max(square - mean * mean, 0.0) / n);
  return result;
}

std::string accuracy_text(const PairedAccuracy& a, bool fake) {
  return fmt::format("accuracy over {} images: float {:.2f} %, {} {:.2f} % ({:+.2f} +- {:.2f}, paired)", a.images,
                     a.before, fake ? "fake-quantized" : "integer", a.after, a.after - a.before, a.standard_error);
}

}  // namespace shiftsim::quantizer
