#include "quantizer/views.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quantizer/image_input.h"
#include "quantizer/reconstruction/learned.h"

namespace shiftsim::quantizer {

namespace {

/// In [0, 1): the draw of this number out of the same random bits.
double draw(std::uint64_t random, std::uint64_t number) {
  return static_cast<double>(mix_seed(random, number) >> 11) * 0x1p-53;
}

struct Extent {
  std::size_t height, width, channels;

  explicit Extent(const Shape& s)
      : height(static_cast<std::size_t>(s.height)),
        width(static_cast<std::size_t>(s.width)),
        channels(static_cast<std::size_t>(s.channels)) {}
  float* row(float* pixels, std::size_t y) const { return pixels + y * width * channels; }
  const float* row(const float* pixels, std::size_t y) const { return pixels + y * width * channels; }
};

/// Where an output pixel's value comes from along one axis: between two pixels of the input, how far.
struct Between {
  std::size_t before, behind;
  float share;

  Between(double place, std::size_t extent) {
    const double inside = std::clamp(place, 0.0, static_cast<double>(extent - 1));
    before = static_cast<std::size_t>(inside);
    behind = std::min(before + 1, extent - 1);
    share = static_cast<float>(inside - static_cast<double>(before));
  }
};

}  // namespace

void ViewSource::show(std::size_t which, std::uint64_t random, float* to) const {
  show_one(which, random, to);
  if (how_.mix <= 0 || draw(random, 1) >= how_.mix) return;
  const Extent extent(plan_.tensor(0).shape);
  std::vector<float> other(plan_.tensor(0).shape.size());
  show_one(static_cast<std::size_t>(draw(random, 2) * static_cast<double>(pool_.size())), mix_seed(random, 3),
           other.data());
  const double share = draw(random, 4);  // of the other image
  if (draw(random, 5) < 0.5) {
    const auto part = static_cast<float>(share);
    for (std::size_t i = 0; i < other.size(); ++i) to[i] += part * (other[i] - to[i]);
    return;
  }
  const auto side = [&](std::size_t whole) {
    return static_cast<std::size_t>(std::sqrt(share) * static_cast<double>(whole));
  };
  const auto start = [&](std::size_t whole, std::uint64_t number) {
    return static_cast<std::size_t>(draw(random, number) * static_cast<double>(whole - side(whole) + 1));
  };
  const std::size_t top = start(extent.height, 6), left = start(extent.width, 7) * extent.channels;
  for (std::size_t y = top; y < top + side(extent.height); ++y)
    std::copy_n(extent.row(other.data(), y) + left, side(extent.width) * extent.channels, extent.row(to, y) + left);
}

void ViewSource::show_plain(std::size_t which, float* to) const {
  place_image(plan_, images_.image(pool_[which]), to);
}

void ViewSource::show_one(std::size_t which, std::uint64_t random, float* to) const {
  const Shape& shape = plan_.tensor(0).shape;
  std::uint64_t bits = random;
  const auto moved = [&](auto extent) {
    const auto most = static_cast<std::uint64_t>(how_.shift * static_cast<double>(extent));
    const std::uint64_t drawn = bits % (2 * most + 1);
    bits /= 2 * most + 1;
    return static_cast<int>(drawn) - static_cast<int>(most);
  };
  const bool mirror = how_.mirror && (bits & 1u) != 0;
  bits >>= 1;
  const int dy = moved(shape.height), dx = moved(shape.width);
  place_image(plan_, images_.image(pool_[which]), dy, dx, mirror, to);
  if (how_.zoom < 1) zoom(random, to);
}

/// Cuts out a part of the picture, of at least how_.zoom of its area, and enlarges it to the whole, linearly between
/// pixels.
void ViewSource::zoom(std::uint64_t random, float* pixels) const {
  const Extent extent(plan_.tensor(0).shape);
  const std::vector<float> whole(pixels, pixels + plan_.tensor(0).shape.size());
  const double side = std::sqrt(how_.zoom + (1 - how_.zoom) * draw(random, 8));
  const double top = draw(random, 9) * (1 - side) * static_cast<double>(extent.height);
  const double left = draw(random, 10) * (1 - side) * static_cast<double>(extent.width);
  std::vector<Between> columns;
  for (std::size_t x = 0; x < extent.width; ++x)
    columns.emplace_back(left + side * static_cast<double>(x), extent.width);
  for (std::size_t y = 0; y < extent.height; ++y) {
    const Between row(top + side * static_cast<double>(y), extent.height);
    const float *above = extent.row(whole.data(), row.before), *below = extent.row(whole.data(), row.behind);
    float* to = extent.row(pixels, y);
    for (const Between& column : columns)
      for (std::size_t c = 0; c < extent.channels; ++c) {
        const auto along = [&](const float* line) {
          const float first = line[column.before * extent.channels + c];
          return first + column.share * (line[column.behind * extent.channels + c] - first);
        };
        const float first = along(above);
        *to++ = first + row.share * (along(below) - first);
      }
  }
}

}  // namespace shiftsim::quantizer
