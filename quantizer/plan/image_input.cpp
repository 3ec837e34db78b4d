#include "quantizer/plan/image_input.h"

#include <algorithm>

namespace shiftsim::quantizer {

void place_image(const Plan& plan, const std::uint8_t* image, int dy, int dx, bool mirror, float* to) {
  const Shape& shape = plan.tensor(0).shape;
  const auto height = static_cast<int>(shape.height), width = static_cast<int>(shape.width);
  const auto channels = static_cast<std::size_t>(shape.channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int sy = y - dy, moved = x - dx, sx = mirror ? width - 1 - moved : moved;
      float* pixel = to + static_cast<std::size_t>(y * width + x) * channels;
      if (sy < 0 || sy >= height || sx < 0 || sx >= width) {
        std::fill_n(pixel, channels, 0.0f);
        continue;
      }
      const std::uint8_t* source = image + static_cast<std::size_t>(sy * width + sx) * channels;
      for (std::size_t c = 0; c < channels; ++c)
        pixel[c] = static_cast<float>(static_cast<int>(source[c]) - plan.pad_values[c]);
    }
}

}  // namespace shiftsim::quantizer
