// One PNG or JPEG file as plain pixels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace shiftsim {

struct DecodedImage {
  std::size_t height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  ///< height x width x channels
};

/// True for names that end in .png, .jpg or .jpeg (any case).
bool is_image_name(const std::filesystem::path& path);

/// Decodes a PNG or JPEG (by content, not by name) to grey (channels 1) or RGB (3), to the pixels of Pillow's
/// Image.open(path).convert("L" or "RGB"): palettes are looked up, transparency is dropped, colours of 16 bits keep
/// their high byte, CMYK is ink over white, gamma, colour profiles and EXIF's orientation are not applied; RGB turns to
/// grey as (19595 R + 38470 G + 7471 B) / 65536. Grey of 16 bits, which Pillow cuts off at 255, is refused. Throws
/// UserError.
DecodedImage read_image_file(const std::filesystem::path& path, std::size_t channels);

}  // namespace shiftsim
