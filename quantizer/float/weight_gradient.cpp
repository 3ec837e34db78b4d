#include "quantizer/float/weight_gradient.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>

#include "common/simd.h"

namespace shiftsim::quantizer {

namespace {

constexpr int kTaps = 3;  // of a row, and rows

// A tile of the gradient stays in registers: outputs by inputs of one row of the kernel.
constexpr std::size_t kTileOut = 4, kTileIn = 24, kTile = kTileOut * kTileIn;
/// Output pixels that a tile sums before it goes back to memory; about what fits into the first cache.
constexpr std::size_t kTilePixels = 56;

/// Output pixels below which oneDNN is the faster: measured between 7x7 and 14x14.
constexpr int kLeastPixels = 14 * 14;

std::size_t size_of(int value) {
  return static_cast<std::size_t>(value);
}

/// Rows of pixels under one tile.
struct Rows {
  const float *in = nullptr, *gradient = nullptr;  ///< the tile's first channel
  std::size_t in_pixel = 0, gradient_pixel = 0;    ///< floats from pixel to pixel
  std::size_t in_row = 0, gradient_row = 0;        ///< and from row to row
  std::size_t rows = 0, columns = 0;
};

#if defined(__x86_64__)
constexpr std::size_t kWidth = 8;  // floats of a vector

/// One output's part of the tile. Variables by name: of an array the compiler would write every value back to memory
/// for each pixel.
struct Total {
  __m256 a, b, c;
};

__attribute__((target("avx2,fma"), always_inline)) inline Total load(const float* sum) {
  return {_mm256_loadu_ps(sum), _mm256_loadu_ps(sum + kWidth), _mm256_loadu_ps(sum + 2 * kWidth)};
}

__attribute__((target("avx2,fma"), always_inline)) inline void store(const Total& total, float* sum) {
  _mm256_storeu_ps(sum, total.a);
  _mm256_storeu_ps(sum + kWidth, total.b);
  _mm256_storeu_ps(sum + 2 * kWidth, total.c);
}

__attribute__((target("avx2,fma"), always_inline)) inline void add(const float* gradient, const Total& in,
                                                                   Total& total) {
  const __m256 g = _mm256_broadcast_ss(gradient);
  total.a = _mm256_fmadd_ps(g, in.a, total.a);
  total.b = _mm256_fmadd_ps(g, in.b, total.b);
  total.c = _mm256_fmadd_ps(g, in.c, total.c);
}

/// sum[k][c] += gradient[k] * in[c], over all pixels.
__attribute__((target("avx2,fma"))) void add_tile(const Rows& of, float* sum) {
  static_assert(kTileOut == 4 && kTileIn == 3 * kWidth);
  Total k0 = load(sum), k1 = load(sum + kTileIn), k2 = load(sum + 2 * kTileIn), k3 = load(sum + 3 * kTileIn);
  const std::size_t in_pixel = of.in_pixel, gradient_pixel = of.gradient_pixel, columns = of.columns;
  for (std::size_t row = 0; row < of.rows; ++row) {
    const float* in = of.in + row * of.in_row;
    const float* gradient = of.gradient + row * of.gradient_row;
    for (std::size_t column = 0; column < columns; ++column, in += in_pixel, gradient += gradient_pixel) {
      const Total x = load(in);
      add(gradient, x, k0);
      add(gradient + 1, x, k1);
      add(gradient + 2, x, k2);
      add(gradient + 3, x, k3);
    }
  }
  store(k0, sum);
  store(k1, sum + kTileIn);
  store(k2, sum + 2 * kTileIn);
  store(k3, sum + 3 * kTileIn);
}
#else
void add_tile(const Rows&, float*) {}
#endif

/// Width of the rows with the padding that the windows reach.
std::size_t padded_width(const ConvGeometry& geometry) {
  return size_of(geometry.output.width + kTaps - 1);
}

/// Copies an image's rows, zeros on both sides.
void pad_rows(const ConvGeometry& geometry, const float* src, float* padded) {
  const std::size_t channels = size_of(geometry.input.channels), width = padded_width(geometry);
  const std::size_t left = size_of(geometry.window.pad_left);
  const std::size_t copied = std::min(size_of(geometry.input.width), width - left);
  for (int y = 0; y < geometry.input.height; ++y, padded += width * channels) {
    std::fill_n(padded, left * channels, 0.0f);
    std::copy_n(src + size_of(y) * size_of(geometry.input.width) * channels, copied * channels,
                padded + left * channels);
    std::fill(padded + (left + copied) * channels, padded + width * channels, 0.0f);
  }
}

}  // namespace

bool WeightGradient::suits(const ConvGeometry& geometry) {
  // With AVX-512 oneDNN is the faster everywhere.
  const Window& w = geometry.window;
  return simd_target() == SimdTarget::kAvx2 && geometry.groups == 1 &&
         geometry.output.height * geometry.output.width >= kLeastPixels && w.kernel_h == kTaps && w.kernel_w == kTaps &&
         w.stride_h == 1 && w.stride_w == 1 && w.dilation_h == 1 && w.dilation_w == 1 && w.pad_left < kTaps &&
         w.pad_top < kTaps && geometry.input.channels % 8 == 0 && size_of(geometry.output.channels) % kTileOut == 0;
}

std::size_t WeightGradient::padded_size(const ConvGeometry& geometry) {
  return size_of(geometry.input.height) * padded_width(geometry) * size_of(geometry.input.channels);
}

std::size_t WeightGradient::sum_size(const ConvGeometry& geometry) {
  return geometry.weight_count();
}

void WeightGradient::run(const ConvGeometry& geometry, const float* src, const float* diff_dst, float* diff_weight,
                         float* diff_bias, std::size_t images, float* padded, float* sum) {
  const std::size_t in = size_of(geometry.input.channels), out = size_of(geometry.output.channels);
  const std::size_t width = size_of(geometry.output.width);
  const std::size_t tiles_in = kTaps * in / kTileIn, tiles_out = out / kTileOut;
  const int group = static_cast<int>(std::max<std::size_t>(1, kTilePixels / width));
  Rows rows;
  rows.in_pixel = in;
  rows.gradient_pixel = out;
  rows.in_row = padded_width(geometry) * in;
  rows.gradient_row = width * out;
  rows.columns = width;
  std::fill_n(sum, sum_size(geometry), 0.0f);
  std::fill_n(diff_bias, out, 0.0f);
  for (std::size_t image = 0; image < images; ++image) {
    pad_rows(geometry, src + image * geometry.input.size(), padded);
    const float* gradient = diff_dst + image * geometry.output.size();
    for (std::size_t pixel = 0; pixel < geometry.output.size(); pixel += out)
      for (std::size_t k = 0; k < out; ++k) diff_bias[k] += gradient[pixel + k];
    for (int first = 0; first < geometry.output.height; first += group)
      for (int ky = 0; ky < kTaps; ++ky) {
        // Rows of windows whose row ky is within the map.
        const int shift = ky - geometry.window.pad_top;
        const int begin = std::max(first, -shift);
        const int end = std::min({first + group, geometry.output.height, geometry.input.height - shift});
        if (begin >= end) continue;
        rows.rows = size_of(end - begin);
        float* tile = sum + size_of(ky) * tiles_in * tiles_out * kTile;
        for (std::size_t i = 0; i < tiles_in; ++i) {
          rows.in = padded + size_of(begin + shift) * rows.in_row + i * kTileIn;
          for (std::size_t k = 0; k < tiles_out; ++k, tile += kTile) {
            rows.gradient = gradient + size_of(begin) * rows.gradient_row + k * kTileOut;
            add_tile(rows, tile);
          }
        }
      }
  }
  // sum[ky][tile of kx and c][tile of k][k][kx and c] to [k][c][ky][kx].
  for (std::size_t k = 0; k < out; ++k)
    for (std::size_t ky = 0; ky < kTaps; ++ky)
      for (std::size_t i = 0; i < kTaps * in; ++i) {
        const std::size_t tile = (ky * tiles_in + i / kTileIn) * tiles_out + k / kTileOut;
        diff_weight[((k * in + i % in) * kTaps + ky) * kTaps + i / in] =
            sum[tile * kTile + k % kTileOut * kTileIn + i % kTileIn];
      }
}

}  // namespace shiftsim::quantizer
