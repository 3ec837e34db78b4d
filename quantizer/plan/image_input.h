// Images as the first layer of a plan sees them.
#pragma once

#include <cstdint>

#include "quantizer/plan/plan.h"

namespace shiftsim::quantizer {

/// pixel - pad_value, moved by (dy, dx) and mirrored; 0, which is padding, comes in from outside. 'image' and 'to':
/// [height][width][channels].
void place_image(const Plan& plan, const std::uint8_t* image, int dy, int dx, bool mirror, float* to);

/// As it is.
inline void place_image(const Plan& plan, const std::uint8_t* image, float* to) {
  place_image(plan, image, 0, 0, false, to);
}

}  // namespace shiftsim::quantizer
