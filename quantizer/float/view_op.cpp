#include "quantizer/float/view_op.h"

#include "common/index.h"

namespace shiftsim::quantizer {

namespace {

/// The first value of a pixel of a batch.
std::size_t offset(const Shape& shape, std::size_t image, int y, int x) {
  return ((image * index(shape.height) + index(y)) * index(shape.width) + index(x)) * index(shape.channels);
}

/// Where the values of a pixel stand: of the input below its channels, and of what is joined.
struct PixelOffsets {
  std::size_t view, input, joined;
  bool joined_alone;  ///< all channels are of what is joined, whose pixels follow the input's
};

/// Calls visit(offsets) for all pixels of 'images' images.
template <typename Visit>
void for_pixels(const ViewMap& view, const Shape& output, std::size_t images, Visit&& visit) {
  PixelOffsets offsets{0, 0, 0, false};
  for (std::size_t image = 0; image < images; ++image)
    for (int y = 0; y < output.height; ++y)
      for (int x = 0; x < output.width; ++x) {
        const qnet::PixelSource from = view.geometry.source(y, x, view.input.height, view.input.width);
        offsets.joined_alone = from.is_joined;
        if (!from.is_joined) offsets.input = offset(view.input, image, from.y, from.x);
        if (view.joins() && from.is_joined == view.geometry.joins_pixels())
          offsets.joined = offset(view.joined, image, from.y, from.x);
        visit(offsets);
        offsets.view += index(output.channels);
      }
}

}  // namespace

void gather(const ViewMap& view, const Shape& output, const float* input, const float* joined, float* values,
            std::size_t images) {
  for_pixels(view, output, images, [&](const PixelOffsets& pixel) {
    for (std::size_t k = 0; k < view.channels.size(); ++k) {
      const bool second = pixel.joined_alone || view.is_joined(k);
      values[pixel.view + k] = second ? joined[pixel.joined + view.source(k)] : input[pixel.input + view.source(k)];
    }
  });
}

void scatter_add(const ViewMap& view, const Shape& output, bool joined, const float* gradient, float* source,
                 std::size_t images) {
  for_pixels(view, output, images, [&](const PixelOffsets& pixel) {
    float* const to = source + (joined ? pixel.joined : pixel.input);
    for (std::size_t k = 0; k < view.channels.size(); ++k)
      if ((pixel.joined_alone || view.is_joined(k)) == joined) to[view.source(k)] += gradient[pixel.view + k];
  });
}

}  // namespace shiftsim::quantizer
