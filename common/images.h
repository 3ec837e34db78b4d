// Image sets: what quantrun calibrates on and simrun measures accuracy on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace shiftsim {

/// N images, uint8, NHWC, and where known their labels (N of them, or none).
struct ImageSet {
  std::size_t count = 0, height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<int> labels;

  std::size_t image_size() const { return height * width * channels; }
  const std::uint8_t* image(std::size_t index) const { return pixels.data() + index * image_size(); }
};

/// Reads images by what PATH is:
///   - an IDX file (also gzipped: *.gz), 3 dimensions (N x H x W) or 4 (N x H x W x C)
///   - a .npy file, uint8, N x H x W x C or N x H x W
///   - a folder of PNG and JPEG files, all of one size, taken in the order of the label file or, without one, of their
///     names. 'channels' (1 or 3) says whether to read them as grey or RGB.
///   - a folder of such folders, ImageNet's layout: each is a class, numbered from 0 in the order of their names, as
///     torchvision does. The images then have labels.
/// Labels: an IDX file (1 dimension), a .npy file (int64, int32 or uint8), or for folders a text file of 'file class'
/// lines (file names relative to the folder). 'limit': at most that many images, the first ones (0: all). Throws
/// UserError naming the file and line.
ImageSet read_images(const std::filesystem::path& path, const std::optional<std::filesystem::path>& labels,
                     std::size_t channels = 3, std::size_t limit = 0);

/// Reads images for a network that takes this shape; others are a UserError naming both shapes. A network of 1 x 1
/// pixels and K channels takes images of K values, which stand as their pixels do.
ImageSet read_images_of_shape(const std::filesystem::path& path, const std::optional<std::filesystem::path>& labels,
                              std::size_t height, std::size_t width, std::size_t channels, std::size_t limit = 0);

/// Images at hand, checked as read_images_of_shape() does; 'name' is for the message.
ImageSet of_shape(ImageSet images, const std::string& name, std::size_t height, std::size_t width,
                  std::size_t channels);

}  // namespace shiftsim
