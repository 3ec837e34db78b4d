#include "quantizer/recipe/image_roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

namespace shiftsim::quantizer {

std::vector<std::size_t> choose_images(std::size_t available, std::size_t count, std::int64_t seed) {
  std::vector<std::size_t> indices(available);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  count = std::min(count, available);
  // std::shuffle and the distributions differ between standard libraries; the generator itself does not.
  std::mt19937_64 random(static_cast<std::uint64_t>(seed));
  for (std::size_t i = 0; i < count; ++i) std::swap(indices[i], indices[i + random() % (available - i)]);
  indices.resize(count);
  return indices;
}

std::vector<std::size_t> first_images(const std::vector<std::size_t>& chosen, int count) {
  const std::size_t kept = std::min(chosen.size(), static_cast<std::size_t>(count));
  return {chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(kept)};
}

ImageRoles::ImageRoles(const std::vector<std::size_t>& chosen, const Recipe& recipe)
    : calibration(first_images(chosen, recipe.calibration_images)) {
  if (holds_out(recipe)) hold_out(chosen, recipe);
  if (!recipe.calibration_mirror) return;
  const auto wanted = static_cast<std::size_t>(recipe.calibration_images);
  mirrored = first_images(calibration, static_cast<int>(wanted - std::min(wanted, calibration.size())));
}

std::string ImageRoles::text() const {
  std::string text = fmt::format("{} images calibrate", calibration.size());
  if (!mirrored.empty()) text += fmt::format(", {} of them mirrored, too", mirrored.size());
  if (!held_out.empty()) text += fmt::format("; {} are held out", held_out.size());
  return text;
}

void ImageRoles::hold_out(const std::vector<std::size_t>& chosen, const Recipe& recipe) {
  distillation = first_images(chosen, recipe.network.images);
  if (distillation.size() == 1) {
    held_out = distillation;
    return;
  }
  const std::size_t count = std::max<std::size_t>(
      1, std::min(distillation.size() / 5, static_cast<std::size_t>(recipe.network.held_out_images)));
  const std::size_t kept = distillation.size() - count;
  held_out.assign(distillation.begin() + static_cast<std::ptrdiff_t>(kept), distillation.end());
  distillation.resize(kept);
  std::erase_if(calibration, [&](std::size_t image) {
    return std::find(held_out.begin(), held_out.end(), image) != held_out.end();
  });
}

}  // namespace shiftsim::quantizer
