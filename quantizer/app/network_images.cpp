#include "quantizer/app/network_images.h"

#include "common/error.h"

namespace shiftsim::quantizer {

ImageSet load_images(const ImageSource& source, const Shape& shape) {
  ImageSet images = source.read_of_shape(static_cast<std::size_t>(shape.height), static_cast<std::size_t>(shape.width),
                                         static_cast<std::size_t>(shape.channels));
  if (images.count == 0) fail("{}: holds no images", source.name());
  return images;
}

ImageSet load_test_images(const ImageSource& source, const Graph& graph) {
  ImageSet images = load_images(source, graph.input().shape);
  if (!graph.is_classifier())
    fail("{}: the network's output is a map, which has no accuracy: leave the images out; the layer table has its SQNR",
         source.name());
  if (images.labels.empty()) fail("{}: no labels for the test images: give --labels", source.name());
  const int classes = graph.output().shape.channels;
  for (std::size_t i = 0; i < images.labels.size(); ++i) {
    if (images.labels[i] < 0 || images.labels[i] >= classes) {
      fail("{}: image {} has the label {}, the network has classes 0 to {}",
           source.labels ? source.labels->string() : source.name(), i, images.labels[i], classes - 1);
    }
  }
  return images;
}

}  // namespace shiftsim::quantizer
