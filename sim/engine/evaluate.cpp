#include "sim/engine/evaluate.h"

#include <chrono>

#include "common/error.h"
#include "common/log.h"
#include "common/thread_pool.h"
#include "qnet/golden.h"

namespace shiftsim::sim {

void check_labels(const qnet::Network& network, const ImageSet& images) {
  const qnet::Tensor& output = network.output();
  if (!images.labels.empty() && !network.is_classifier())
    fail("network {} gives a map of {}x{}x{}, which has no classes: labels cannot be compared with it", network.name,
         output.height, output.width, output.channels);
  const std::size_t classes = network.output().size();
  for (std::size_t i = 0; i < images.labels.size(); ++i) {
    const int label = images.labels[i];
    if (label < 0 || static_cast<std::size_t>(label) >= classes) {
      fail("label {} of image {} (counted from 0) is no class of network {}, which has {}", label, i, network.name,
           classes);
    }
  }
}

double percent_of(std::int64_t correct, std::int64_t images) {
  return 100.0 * static_cast<double>(correct) / static_cast<double>(images);
}

AccuracyResult evaluate(const qnet::Network& network, const ImageSet& images, int threads) {
  AccuracyResult result;
  result.float_percent = network.provenance.float_accuracy;
  result.float_images = network.provenance.float_accuracy_images;

  const qnet::Golden golden(network);
  const auto start = std::chrono::steady_clock::now();
  Progress progress("golden", images.count, "images");
  const std::vector<std::int32_t> logits = golden.run(images.pixels.data(), images.count, thread_count(threads),
                                                      [&](std::size_t done) { progress.update(done); });
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.images = static_cast<std::int64_t>(images.count);

  if (images.labels.empty()) return result;
  const std::vector<int> classified = qnet::argmax(logits, network.output().size());
  for (std::size_t i = 0; i < images.count; ++i) result.correct += classified[i] == images.labels[i];
  result.quantized_percent = percent_of(result.correct, result.images);
  return result;
}

}  // namespace shiftsim::sim
