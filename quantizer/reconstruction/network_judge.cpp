#include "quantizer/reconstruction/network_judge.h"

#include <algorithm>
#include <numeric>

#include "quantizer/image_input.h"
#include "quantizer/reconstruction/divergence.h"

namespace shiftsim::quantizer {

namespace {
constexpr std::size_t kChunk = 4;  // small: ImageNet networks need 60 MB an image
}

NetworkJudge::NetworkJudge(const Plan& plan, const ImageSet& images, std::vector<std::size_t> chosen, Workers& workers)
    : plan_(plan),
      images_(images),
      chosen_(std::move(chosen)),
      workers_(workers),
      whole_(partition(plan, Granularity::kNetwork).front()),
      model_(plan, whole_, kChunk, static_cast<std::size_t>(workers.threads()), UnitModel::Use::kInference),
      classes_(plan.tensor(whole_.output).shape.size()) {
  pixels_.assign(model_.slots(), std::vector<float>(kChunk * plan.tensor(0).shape.size()));
  for (std::size_t i = 0; i < plan.layers.size(); ++i)
    if (plan.layers[i].kind == qnet::LayerKind::kConv)
      model_.set_weights(static_cast<int>(i), plan.layers[i].weight, plan.layers[i].bias);
  targets_.resize(chosen_.size() * classes_);
  run([&](std::size_t index, const float* logits) {
    std::copy_n(logits, classes_, targets_.data() + index * classes_);
  });
}

void NetworkJudge::set(const QuantizedNetwork& network) {
  for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
    const PlannedLayer& layer = plan_.layers[i];
    if (layer.kind == qnet::LayerKind::kConv) set_layer(network, i);
    if (layer.kind != qnet::LayerKind::kMaxPool && !plan_.tensor(layer.output).is_logits)
      model_.set_quantizer(layer.output, {true, 1, network.steps(layer.output)});
  }
}

void NetworkJudge::set_layer(const QuantizedNetwork& network, std::size_t layer) {
  model_.set_layer(network, static_cast<int>(layer));
}

void NetworkJudge::set_tensor(const QuantizedNetwork& network, int tensor) {
  model_.set_quantizer(tensor, {true, 1, network.steps(tensor)});
  set_readers(network, tensor);
}

void NetworkJudge::set_readers(const QuantizedNetwork& network, int tensor) {
  for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
    const PlannedLayer& reader = plan_.layers[i];
    if (reader.input != tensor && reader.residual != tensor) continue;
    if (reader.kind == qnet::LayerKind::kConv) set_layer(network, i);
    if (reader.kind == qnet::LayerKind::kMaxPool) set_readers(network, reader.output);
  }
}

/// Calls each(index, logits) for every image, from several threads.
template <typename Each>
void NetworkJudge::run(Each each) {
  const std::size_t size = plan_.tensor(0).shape.size(), round = kChunk * model_.slots();
  for (std::size_t first = 0; first < chosen_.size(); first += round) {
    const std::size_t here = std::min(round, chosen_.size() - first);
    workers_.run((here + kChunk - 1) / kChunk, [&](std::size_t slot, std::size_t) {
      const std::size_t begin = first + slot * kChunk, count = std::min(kChunk, first + here - begin);
      for (std::size_t j = 0; j < count; ++j)
        place_image(plan_, images_.image(chosen_[begin + j]), pixels_[slot].data() + j * size);
      const float* logits = model_.forward(slot, {pixels_[slot].data()}, count, 0);
      for (std::size_t j = 0; j < count; ++j) each(begin + j, logits + j * classes_);
    });
  }
}

double NetworkJudge::loss() {
  std::vector<double> found(chosen_.size());
  run([&](std::size_t index, const float* logits) {
    found[index] = divergence(logits, targets_.data() + index * classes_, nullptr, classes_, 1, 1);
  });
  return std::accumulate(found.begin(), found.end(), 0.0) / static_cast<double>(found.size());
}

}  // namespace shiftsim::quantizer
