#include "quantizer/search/noise.h"

#include <cmath>
#include <limits>

namespace shiftsim::quantizer {

double decibels(double above, double below) {
  if (below > 0) return 10 * std::log10(std::fmax(above, std::numeric_limits<double>::min()) / below);
  return above > 0 ? std::numeric_limits<double>::infinity() : 0;
}

double Noise::clipping_share() const {
  return total() > 0 ? clipping / total() : 0;
}

Noise& Noise::operator+=(const Noise& other) {
  signal += other.signal;
  clipping += other.clipping;
  rounding += other.rounding;
  return *this;
}

}  // namespace shiftsim::quantizer
