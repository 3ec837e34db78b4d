#include "quantizer/recipe/image_roles.h"

#include <algorithm>

namespace shiftsim::quantizer {

std::vector<std::size_t> first_images(const std::vector<std::size_t>& chosen, int count) {
  const std::size_t kept = std::min(chosen.size(), static_cast<std::size_t>(count));
  return {chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(kept)};
}

ImageRoles::ImageRoles(const std::vector<std::size_t>& chosen, const Recipe& recipe)
    : calibration(first_images(chosen, recipe.calibration_images)) {
  if (!has_network_stage(recipe)) return;
  teachers = first_images(chosen, recipe.network.images);
  if (teachers.size() == 1) {
    judges = teachers;
    return;
  }
  const std::size_t count =
      std::max<std::size_t>(1, std::min(teachers.size() / 4, static_cast<std::size_t>(recipe.network.judges)));
  const std::size_t kept = teachers.size() - count;
  judges.assign(teachers.begin() + static_cast<std::ptrdiff_t>(kept), teachers.end());
  teachers.resize(kept);
  std::erase_if(calibration,
                [&](std::size_t image) { return std::find(judges.begin(), judges.end(), image) != judges.end(); });
}

}  // namespace shiftsim::quantizer
