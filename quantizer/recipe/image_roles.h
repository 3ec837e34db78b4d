// Which images are chosen, and which of these calibrate, which the network stage distills from, and which are held out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

/// Indices of 'count' different images out of 'available', drawn with this seed; all of them where there are no more. A
/// smaller draw with the same seed is the beginning of a larger one.
std::vector<std::size_t> choose_images(std::size_t available, std::size_t count, std::int64_t seed);

/// The first 'count' of the chosen images, or as many as there are.
std::vector<std::size_t> first_images(const std::vector<std::size_t>& chosen, int count);

/// Indices of images. Held-out images are among neither the calibration images nor the distillation images: units learn
/// theirs by heart, and what is judged on these looks better than it is. A single image has to be all three.
struct ImageRoles {
  std::vector<std::size_t> calibration;  ///< search and units: the first recipe.calibration_images not held out
  /// Images that calibrate mirrored, too: calibration images from the first on, where there are fewer than
  /// recipe.calibration_images and recipe.calibration_mirror asks for it.
  std::vector<std::size_t> mirrored;
  /// The network stage's, where the recipe holds images out: of the first recipe.network.images the last fifth, at most
  /// recipe.network.held_out_images, are held out, and from the others the network stage distills.
  std::vector<std::size_t> distillation, held_out;

  ImageRoles(const std::vector<std::size_t>& chosen, const Recipe& recipe);

  /// What search and units see: calibration images and mirrored ones.
  std::size_t calibrating() const { return calibration.size() + mirrored.size(); }
  /// "800 images calibrate, 800 of them mirrored, too; 200 are held out".
  std::string text() const;

private:
  void hold_out(const std::vector<std::size_t>& chosen, const Recipe& recipe);
};

}  // namespace shiftsim::quantizer
