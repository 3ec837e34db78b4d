#include "quantizer/float/float_ops.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace shiftsim::quantizer {

void clamp_in_place(const Clamp& clamp, float* values, std::size_t count) {
  if (clamp.none()) return;
  const auto low = static_cast<float>(clamp.low), high = static_cast<float>(clamp.high);
  for (std::size_t i = 0; i < count; ++i) values[i] = std::min(std::max(values[i], low), high);
}

void max_pool(const Window& window, const Shape& in, const Shape& out, const float* src, float* dst,
              std::size_t images) {
  const auto channels = static_cast<std::size_t>(in.channels);
  for (std::size_t image = 0; image < images; ++image, src += in.size()) {
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x, dst += channels) {
        std::fill_n(dst, channels, -std::numeric_limits<float>::infinity());
        for (int ky = 0; ky < window.kernel_h; ++ky) {
          const int row = y * window.stride_h - window.pad_top + ky * window.dilation_h;
          if (row < 0 || row >= in.height) continue;
          for (int kx = 0; kx < window.kernel_w; ++kx) {
            const int column = x * window.stride_w - window.pad_left + kx * window.dilation_w;
            if (column < 0 || column >= in.width) continue;
            const float* pixel = src + (static_cast<std::size_t>(row) * static_cast<std::size_t>(in.width) +
                                        static_cast<std::size_t>(column)) *
                                           channels;
            for (std::size_t c = 0; c < channels; ++c) dst[c] = std::max(dst[c], pixel[c]);
          }
        }
      }
    }
  }
}

void global_pool(const Shape& in, double factor, const float* src, float* dst, std::size_t images) {
  const auto channels = static_cast<std::size_t>(in.channels);
  const std::size_t pixels = in.size() / channels;
  std::vector<double> sum(channels);
  for (std::size_t image = 0; image < images; ++image, dst += channels) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::size_t pixel = 0; pixel < pixels; ++pixel, src += channels)
      for (std::size_t c = 0; c < channels; ++c) sum[c] += static_cast<double>(src[c]);
    for (std::size_t c = 0; c < channels; ++c) dst[c] = static_cast<float>(sum[c] * factor);
  }
}

void max_pool_backward(const Window& window, const Shape& in, const Shape& out, const float* src, const float* diff_dst,
                       float* diff_src, std::size_t images) {
  const auto channels = static_cast<std::size_t>(in.channels);
  std::vector<float> best(channels);
  std::vector<std::size_t> place(channels);
  for (std::size_t image = 0; image < images; ++image, src += in.size(), diff_src += in.size()) {
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x, diff_dst += channels) {
        std::fill(best.begin(), best.end(), -std::numeric_limits<float>::infinity());
        for (int ky = 0; ky < window.kernel_h; ++ky) {
          const int row = y * window.stride_h - window.pad_top + ky * window.dilation_h;
          if (row < 0 || row >= in.height) continue;
          for (int kx = 0; kx < window.kernel_w; ++kx) {
            const int column = x * window.stride_w - window.pad_left + kx * window.dilation_w;
            if (column < 0 || column >= in.width) continue;
            const std::size_t pixel = (static_cast<std::size_t>(row) * static_cast<std::size_t>(in.width) +
                                       static_cast<std::size_t>(column)) *
                                      channels;
            for (std::size_t c = 0; c < channels; ++c) {
              if (!(src[pixel + c] > best[c])) continue;
              best[c] = src[pixel + c];
              place[c] = pixel + c;
            }
          }
        }
        for (std::size_t c = 0; c < channels; ++c) diff_src[place[c]] += diff_dst[c];
      }
    }
  }
}

void global_pool_backward(const Shape& in, double factor, const float* diff_dst, float* diff_src, std::size_t images) {
  const auto channels = static_cast<std::size_t>(in.channels);
  const std::size_t pixels = in.size() / channels;
  const auto scale = static_cast<float>(factor);
  for (std::size_t image = 0; image < images; ++image, diff_dst += channels)
    for (std::size_t pixel = 0; pixel < pixels; ++pixel, diff_src += channels)
      for (std::size_t c = 0; c < channels; ++c) diff_src[c] += scale * diff_dst[c];
}

}  // namespace shiftsim::quantizer
