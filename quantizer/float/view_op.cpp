#include "quantizer/float/view_op.h"

namespace shiftsim::quantizer {

namespace {

/// Calls visit(pixel of the view, pixel of its sources) for all pixels of 'images' images.
template <typename Visit>
void for_pixels(const ViewMap& view, const Shape& output, std::size_t images, Visit&& visit) {
  const auto width = static_cast<std::size_t>(output.width / view.upsample_w);
  const auto height = static_cast<std::size_t>(output.height / view.upsample_h);
  std::size_t pixel = 0;
  for (std::size_t image = 0; image < images; ++image)
    for (int y = 0; y < output.height; ++y)
      for (int x = 0; x < output.width; ++x, ++pixel)
        visit(pixel, (image * height + static_cast<std::size_t>(y / view.upsample_h)) * width +
                         static_cast<std::size_t>(x / view.upsample_w));
}

}  // namespace

void gather(const ViewMap& view, const Shape& output, const float* input, const float* joined, float* values,
            std::size_t images) {
  const std::size_t channels = view.channels.size();
  for_pixels(view, output, images, [&](std::size_t to, std::size_t from) {
    const float* const one = input + from * static_cast<std::size_t>(view.input_channels);
    const float* const other = joined + from * static_cast<std::size_t>(view.joined_channels);
    float* const pixel = values + to * channels;
    for (std::size_t k = 0; k < channels; ++k) pixel[k] = (view.is_joined(k) ? other : one)[view.source(k)];
  });
}

void scatter_add(const ViewMap& view, const Shape& output, bool joined, const float* gradient, float* source,
                 std::size_t images) {
  const std::size_t channels = view.channels.size();
  const auto of_source = static_cast<std::size_t>(joined ? view.joined_channels : view.input_channels);
  for_pixels(view, output, images, [&](std::size_t from, std::size_t to) {
    for (std::size_t k = 0; k < channels; ++k)
      if (view.is_joined(k) == joined) source[to * of_source + view.source(k)] += gradient[from * channels + k];
  });
}

}  // namespace shiftsim::quantizer
