// Images in files, or at hand.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "common/images.h"

namespace shiftsim {

struct ImageSource {
  std::filesystem::path path;                   ///< as read_images takes it; empty where 'set' has the images
  std::optional<std::filesystem::path> labels;  ///< of the images in 'path'
  std::optional<ImageSet> set = {};
  std::string set_name = "images";  ///< of 'set' in messages

  std::string name() const { return set ? set_name : path.string(); }
  /// As read_images(): 'channels' of image files, at most 'limit' images (0: all).
  ImageSet read(std::size_t channels, std::size_t limit = 0) const;
  /// As read_images_of_shape().
  ImageSet read_of_shape(std::size_t height, std::size_t width, std::size_t channels, std::size_t limit = 0) const;
};

}  // namespace shiftsim
