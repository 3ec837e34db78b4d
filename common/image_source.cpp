#include "common/image_source.h"

#include <algorithm>

namespace shiftsim {
namespace {

ImageSet first_of(const ImageSet& all, std::size_t limit) {
  ImageSet some = all;
  if (limit == 0 || limit >= all.count) return some;
  some.count = limit;
  some.pixels.resize(limit * some.image_size());
  if (!some.labels.empty()) some.labels.resize(limit);
  return some;
}

}  // namespace

ImageSet ImageSource::read(std::size_t channels, std::size_t limit) const {
  return set ? first_of(*set, limit) : read_images(path, labels, channels, limit);
}

ImageSet ImageSource::read_of_shape(std::size_t height, std::size_t width, std::size_t channels,
                                    std::size_t limit) const {
  if (!set) return read_images_of_shape(path, labels, height, width, channels, limit);
  return of_shape(first_of(*set, limit), name(), height, width, channels);
}

}  // namespace shiftsim
