#include "quantizer/app/network_images.h"

#include "common/error.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

ImageSet load_images(const fs::path& path, const std::optional<fs::path>& labels, const Shape& shape) {
  ImageSet images =
      read_images_of_shape(path, labels, static_cast<std::size_t>(shape.height), static_cast<std::size_t>(shape.width),
                           static_cast<std::size_t>(shape.channels));
  if (images.count == 0) fail("{}: holds no images", path.string());
  return images;
}

ImageSet load_test_images(const fs::path& path, const std::optional<fs::path>& labels, const Graph& graph) {
  ImageSet images = load_images(path, labels, graph.input().shape);
  if (!graph.is_classifier())
    fail(
        "{}: the network's output is a map, which has no classes: its accuracy cannot be measured (the layer table has "
        "its "
        "SQNR)",
        path.string());
  if (images.labels.empty()) fail("{}: no labels for the test images: give --test-labels", path.string());
  const int classes = graph.output().shape.channels;
  for (std::size_t i = 0; i < images.labels.size(); ++i) {
    if (images.labels[i] < 0 || images.labels[i] >= classes) {
      fail("{}: image {} has the label {}, the network has classes 0 to {}", labels.value_or(path).string(), i,
           images.labels[i], classes - 1);
    }
  }
  return images;
}

}  // namespace shiftsim::quantizer
