#include "quantizer/learn/held_out_divergence.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/error.h"
#include "quantizer/learn/divergence.h"
#include "quantizer/plan/image_input.h"

namespace shiftsim::quantizer {

namespace {
constexpr std::size_t kChunk = 4;  // small: ImageNet networks need 60 MB an image
}

HeldOutDivergence::HeldOutDivergence(const Plan& plan, const ImageSet& images, std::vector<std::size_t> chosen,
                                     ThreadPool& workers)
    : plan_(plan),
      images_(images),
      chosen_(std::move(chosen)),
      workers_(workers),
      whole_(partition(plan, Granularity::kNetwork).front()),
      classes_(plan.tensor(whole_.output).shape.size()) {
  start_with(whole_);
  pixels_.assign(model_->slots(), std::vector<float>(kChunk * plan.tensor(0).shape.size()));
  for (std::size_t i = 0; i < plan.layers.size(); ++i)
    if (plan.layers[i].has_weights())
      model_->set_weights(static_cast<int>(i), plan.layers[i].weight, plan.layers[i].bias);
  targets_.resize(chosen_.size() * classes_);
  run([&](std::size_t, std::size_t begin, std::size_t count, const float* logits) {
    std::copy_n(logits, count * classes_, targets_.data() + begin * classes_);
  });
}

std::size_t HeldOutDivergence::memory(const Plan& plan, std::size_t images, int threads) {
  const Unit whole = partition(plan, Granularity::kNetwork).front();
  const auto slots = static_cast<std::size_t>(threads);
  return UnitModel::memory(plan, whole, kChunk, slots, UnitModel::Use::kInference, slots) +
         sizeof(float) *
             (slots * kChunk * plan.tensor(0).shape.size() + images * plan.tensor(whole.output).shape.size());
}

void HeldOutDivergence::start_with(const Unit& rest) {
  rest_ = rest;
  model_.reset();  // before there is another one: it may be large
  model_ = std::make_unique<UnitModel>(plan_, rest_, kChunk, static_cast<std::size_t>(workers_.threads()),
                                       UnitModel::Use::kInference);
}

void HeldOutDivergence::set(const QuantizedNetwork& network) {
  if (!kept_.empty()) {
    kept_ = {};
    start_with(whole_);
  }
  set_from_start(network);
}

void HeldOutDivergence::set_from_start(const QuantizedNetwork& network) {
  for (auto i = static_cast<std::size_t>(rest_.first); i < plan_.layers.size(); ++i) {
    const PlannedLayer& layer = plan_.layers[i];
    if (layer.has_weights()) set_layer(network, i);
    if (plan_.has_scale(layer)) model_->set_quantizer(layer.output, {true, 1, network.steps(layer.output)});
  }
}

void HeldOutDivergence::set_layer(const QuantizedNetwork& network, std::size_t layer) {
  SHIFTSIM_CHECK(layer >= static_cast<std::size_t>(rest_.first), "layer {} was said not to change", layer);
  model_->set_layer(network, static_cast<int>(layer));
}

void HeldOutDivergence::set_tensor(const QuantizedNetwork& network, int tensor) {
  model_->set_quantizer(tensor, {true, 1, network.steps(tensor)});
  set_readers(network, tensor);
}

void HeldOutDivergence::set_readers(const QuantizedNetwork& network, int tensor) {
  for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
    const PlannedLayer& reader = plan_.layers[i];
    if (reader.input != tensor && reader.residual != tensor) continue;
    if (reader.has_weights()) set_layer(network, i);
    if (!reader.requantizes()) set_readers(network, reader.output);
  }
}

void HeldOutDivergence::start_at(const QuantizedNetwork& network, std::size_t layer, ActivationMemory& memory) {
  Unit rest = whole_;
  for (const Unit& block : partition(plan_, Granularity::kBlock)) {
    if (static_cast<std::size_t>(block.first) > layer) break;
    rest.first = block.first;
    rest.inputs = block.inputs;
  }
  if (rest.first <= rest_.first) return;
  const int tensor = rest.inputs.front();
  const std::size_t size = plan_.tensor(tensor).shape.size();
  ActivationMemory::Block kept = memory.allocate(chosen_.size() * size);
  model_->keep({tensor});
  run([&](std::size_t slot, std::size_t begin, std::size_t, const float*) {
    std::ranges::copy(model_->values(slot, tensor, false), kept.data() + begin * size);
  });
  kept_ = std::move(kept);
  start_with(rest);
  set_from_start(network);
}

void HeldOutDivergence::hardest_first() {
  SHIFTSIM_CHECK(kept_.empty(), "a divergence that starts at layer {} cannot take its images in another order",
                 rest_.first);
  const std::vector<double> found = divergences(std::numeric_limits<double>::infinity());
  std::vector<std::size_t> order(found.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return found[a] > found[b]; });
  const std::vector<std::size_t> chosen = chosen_;
  const std::vector<float> targets = targets_;
  for (std::size_t i = 0; i < order.size(); ++i) {
    chosen_[i] = chosen[order[i]];
    std::copy_n(targets.data() + order[i] * classes_, classes_, targets_.data() + i * classes_);
  }
}

/// Calls each(slot, first image, images, logits) for every chunk, from several threads; between some of them
/// is_enough(images done) says whether to stop.
template <typename Each>
void HeldOutDivergence::run(Each each, const std::function<bool(std::size_t)>& is_enough) {
  const std::size_t size = plan_.tensor(rest_.inputs.front()).shape.size(), round = kChunk * model_->slots();
  for (std::size_t first = 0; first < chosen_.size(); first += round) {
    if (is_enough && is_enough(first)) return;
    const std::size_t here = std::min(round, chosen_.size() - first);
    workers_.run((here + kChunk - 1) / kChunk, [&](std::size_t slot, std::size_t) {
      const std::size_t begin = first + slot * kChunk, count = std::min(kChunk, first + here - begin);
      if (kept_.empty())
        for (std::size_t j = 0; j < count; ++j)
          place_image(plan_, images_.image(chosen_[begin + j]), pixels_[slot].data() + j * size);
      const float* input = kept_.empty() ? pixels_[slot].data() : kept_.data() + begin * size;
      each(slot, begin, count, model_->forward(slot, {input}, count, 0));
    });
  }
}

/// Of each image; 0 for those that were not needed to see that their mean is not below 'limit'.
std::vector<double> HeldOutDivergence::divergences(double limit) {
  std::vector<double> found(chosen_.size());
  const Shape& output = plan_.tensor(whole_.output).shape;
  double sum = 0;
  std::size_t summed = 0;
  run(
      [&](std::size_t, std::size_t begin, std::size_t count, const float* logits) {
        for (std::size_t i = begin; i < begin + count; ++i, logits += classes_)
          found[i] = output_divergence(logits, targets_.data() + i * classes_, nullptr, output, 1, 1);
      },
      // No divergence is below 0: what is summed in order only grows, so that it stops for what would not be below the
      // limit in the end, whenever it looks.
      [&](std::size_t done) {
        for (; summed < done; ++summed) sum += found[summed];
        return sum / static_cast<double>(found.size()) >= limit;
      });
  return found;
}

double HeldOutDivergence::loss(double limit) {
  const std::vector<double> found = divergences(limit);
  return std::accumulate(found.begin(), found.end(), 0.0) / static_cast<double>(found.size());
}

}  // namespace shiftsim::quantizer
