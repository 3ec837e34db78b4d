#include "quantizer/evaluate/fake_quantized.h"

#include <algorithm>

#include "common/thread_pool.h"
#include "quantizer/learn/unit_model.h"
#include "quantizer/plan/image_input.h"

namespace shiftsim::quantizer {

std::vector<float> run_fake_quantized(const QuantizedNetwork& network, const ImageSet& images, std::size_t count,
                                      int threads, const std::function<void(std::size_t)>& progress) {
  constexpr std::size_t kChunk = 8;
  const Plan& plan = *network.plan;
  const Unit whole = partition(plan, Granularity::kNetwork).front();
  ThreadPool workers(threads);
  const auto slots = static_cast<std::size_t>(workers.threads());
  UnitModel model(plan, whole, kChunk, slots, UnitModel::Use::kInference);
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const PlannedLayer& layer = plan.layers[i];
    if (layer.has_weights()) model.set_layer(network, static_cast<int>(i));
    if (plan.has_scale(layer)) model.set_quantizer(layer.output, {true, 1, network.steps(layer.output)});
  }
  const std::size_t size = images.image_size();
  const std::size_t classes = plan.tensor(whole.output).shape.size();
  std::vector<std::vector<float>> pixels(slots, std::vector<float>(kChunk * size));
  std::vector<float> logits(count * classes);
  // A round gives every slot one chunk.
  for (std::size_t first = 0; first < count; first += slots * kChunk) {
    const std::size_t here = std::min(count - first, slots * kChunk);
    workers.run((here + kChunk - 1) / kChunk, [&](std::size_t slot, std::size_t) {
      const std::size_t begin = first + slot * kChunk, in_chunk = std::min(kChunk, count - begin);
      for (std::size_t i = 0; i < in_chunk; ++i)
        place_image(plan, images.image(begin + i), pixels[slot].data() + i * size);
      const float* result = model.forward(slot, {pixels[slot].data()}, in_chunk, 0);
      std::copy_n(result, in_chunk * classes, logits.data() + begin * classes);
    });
    if (progress) progress(first + here);
  }
  return logits;
}

}  // namespace shiftsim::quantizer
