#include "quantizer/evaluate/sensitivity.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "common/log.h"
#include "common/resident_memory.h"
#include "common/thread_pool.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/float/activation_store.h"
#include "quantizer/float/layer_op.h"
#include "quantizer/learn/divergence.h"
#include "quantizer/plan/image_input.h"

namespace shiftsim::quantizer {

namespace {

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

/// Additions and average pools that became convolutions have no weights of their own.
bool has_weights(const PlannedLayer& layer) {
  return layer.kind == qnet::LayerKind::kConv && layer.policy != "exact" && layer.policy != "fixed";
}

/// Each layer's weights at each width, found with float activations in front of it.
struct Candidates {
  std::vector<QuantizedLayer> widths;  ///< as kWeightWidths; empty for layers without weights
};

class Measurement {
public:
  Measurement(Plan plan, const Recipe& recipe, const ImageSet& images, const std::vector<std::size_t>& chosen,
              const SensitivityOptions& options)
      : network_(undecided(std::move(plan))),
        plan_(*network_.plan),
        recipe_(recipe),
        images_(images),
        chosen_(chosen),
        options_(options),
        workers_(options.threads) {}

  std::vector<LayerSensitivity> run() {
    search();
    measure_divergence();
    return std::move(result_);
  }

private:
  void search() {
    MemoryBudget budget(static_cast<std::size_t>(recipe_.memory_gb * 1e9), resident_memory().anonymous);
    ActivationMemory memory(budget, recipe_.spill_folder);
    Calibrator calibrator(network_, recipe_, workers_, memory);
    calibrator.load(images_, chosen_);
    const LayerTask weights_only{true, true, false};
    candidates_.resize(plan_.layers.size());
    Progress progress("sensitivity: search", plan_.layers.size(), "layers");
    for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
      const PlannedLayer& layer = plan_.layers[i];
      if (!has_weights(layer)) {
        calibrator.run(i, weights_only);
      } else {
        LayerSensitivity entry{layer.name,   layer.weight.size(),       layer.weight_bits,
                               layer.policy, layer.policy == "weights", {}};
        for (const int bits : kWeightWidths) {
          // The limits of the search must not know what the width before led to.
          network_.exponents[at(layer.output)].clear();
          LayerTask at_width = weights_only;
          at_width.weight_bits = bits;
          calibrator.run(i, at_width);
          candidates_[i].widths.push_back(network_.layers[i]);
          const LayerStatistics& found = network_.statistics[i];
          entry.widths.push_back({bits, found.weight_sqnr, found.output_sqnr, 0});
        }
        result_.push_back(std::move(entry));
      }
      calibrator.use_reference(layer.output);
      calibrator.release(i);
      progress.update(i + 1);
    }
  }

  void measure_divergence() {
    constexpr std::size_t kChunk = 8;
    const auto slots = static_cast<std::size_t>(workers_.threads());
    VariantNetwork network(plan_, kChunk, slots);
    for (std::size_t i = 0; i < candidates_.size(); ++i)
      for (const QuantizedLayer& width : candidates_[i].widths)
        network.add_variant(i, width.weights(), std::vector<float>(width.bias.begin(), width.bias.end()));
    const std::size_t variants = result_.size() * kWeightWidths.size();
    const std::size_t count = std::min(options_.images, chosen_.size()), size = images_.image_size();
    const std::size_t classes = plan_.tensor(plan_.layers.back().output).shape.size();
    std::vector<std::vector<float>> pixels(slots, std::vector<float>(kChunk * size));
    std::vector<double> of_image(count * variants);
    Progress progress("sensitivity: divergence", count, "images");
    // A round gives every slot one chunk.
    for (std::size_t first = 0; first < count; first += slots * kChunk) {
      const std::size_t here = std::min(count - first, slots * kChunk);
      workers_.run((here + kChunk - 1) / kChunk, [&](std::size_t slot, std::size_t) {
        const std::size_t begin = first + slot * kChunk, in_chunk = std::min(kChunk, count - begin);
        for (std::size_t i = 0; i < in_chunk; ++i)
          place_image(plan_, images_.image(chosen_[begin + i]), pixels[slot].data() + i * size);
        const auto exact = network.forward(slot, pixels[slot].data(), in_chunk);
        for (std::size_t v = 0; v < variants; ++v) {
          const auto changed = network.forward_variant(slot, v);
          for (std::size_t i = 0; i < in_chunk; ++i)
            of_image[(begin + i) * variants + v] =
                divergence(changed.data() + i * classes, exact.data() + i * classes, nullptr, classes, 1, 1);
        }
      });
      progress.update(first + here);
    }
    for (std::size_t v = 0; v < variants; ++v) {
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += of_image[i * variants + v];
      result_[v / kWeightWidths.size()].widths[v % kWeightWidths.size()].divergence = sum / static_cast<double>(count);
    }
  }

  QuantizedNetwork network_;
  const Plan& plan_;
  const Recipe& recipe_;
  const ImageSet& images_;
  const std::vector<std::size_t>& chosen_;
  const SensitivityOptions& options_;
  ThreadPool workers_;
  std::vector<Candidates> candidates_;  ///< as plan.layers
  std::vector<LayerSensitivity> result_;
};

}  // namespace

struct VariantNetwork::Impl {
  struct Variant {
    std::size_t layer;
    LayerOp op;
  };
  struct Slot {
    const float* pixels = nullptr;
    std::size_t images = 0;
    std::vector<std::vector<float>> exact, changed;  ///< by tensor; [0] is not used
    std::vector<bool> is_changed;
    ConvScratch scratch;
  };

  const Plan& plan_;
  std::size_t chunk_;
  std::vector<LayerOp> layers_;  ///< with the float weights
  std::vector<Variant> variants_;
  std::vector<Slot> slots_;

  Impl(const Plan& plan, std::size_t chunk, std::size_t slots) : plan_(plan), chunk_(chunk), slots_(slots) {
    layers_.reserve(plan.layers.size());
    for (const PlannedLayer& layer : plan.layers)
      layers_.emplace_back(layer.in_float(), chunk).set_weights(layer.weight, layer.bias);
    for (Slot& slot : slots_) {
      for (auto* values : {&slot.exact, &slot.changed}) {
        values->resize(plan.tensors.size());
        for (std::size_t t = 1; t < plan.tensors.size(); ++t) (*values)[t].resize(chunk * plan.tensors[t].shape.size());
      }
      slot.is_changed.resize(plan.tensors.size());
    }
  }

  static const float* source(const Slot& slot, int tensor) {
    if (tensor == 0) return slot.pixels;
    return (slot.is_changed[at(tensor)] ? slot.changed : slot.exact)[at(tensor)].data();
  }

  /// One layer over the slot's images, by 'op'.
  void run(Slot& slot, const PlannedLayer& layer, const LayerOp& op, float* out) const {
    const float* residual = layer.residual >= 0 ? source(slot, layer.residual) : nullptr;
    op.forward(source(slot, layer.input), residual, out, slot.images, slot.scratch);
    plan_.activate(layer, out, slot.images * plan_.tensor(layer.output).shape.size());
  }

  std::span<const float> logits(const Slot& slot) const {
    const int tensor = plan_.layers.back().output;
    return {source(slot, tensor), slot.images * plan_.tensor(tensor).shape.size()};
  }
};

VariantNetwork::VariantNetwork(const Plan& plan, std::size_t chunk, std::size_t slots)
    : impl_(std::make_unique<Impl>(plan, chunk, slots)) {}
VariantNetwork::~VariantNetwork() = default;

std::size_t VariantNetwork::add_variant(std::size_t layer, std::span<const float> weight, std::span<const float> bias) {
  impl_->variants_.push_back({layer, LayerOp(impl_->plan_.layers[layer].in_float(), impl_->chunk_)});
  impl_->variants_.back().op.set_weights(weight, bias);
  return impl_->variants_.size() - 1;
}

std::size_t VariantNetwork::chunk() const {
  return impl_->chunk_;
}

std::span<const float> VariantNetwork::forward(std::size_t slot_index, const float* pixels, std::size_t images) {
  SHIFTSIM_CHECK(images <= impl_->chunk_, "{} images in a chunk of {}", images, impl_->chunk_);
  Impl::Slot& slot = impl_->slots_[slot_index];
  slot.pixels = pixels;
  slot.images = images;
  slot.is_changed.assign(slot.is_changed.size(), false);
  const Plan& plan = impl_->plan_;
  for (std::size_t i = 0; i < plan.layers.size(); ++i)
    impl_->run(slot, plan.layers[i], impl_->layers_[i], slot.exact[at(plan.layers[i].output)].data());
  return impl_->logits(slot);
}

std::span<const float> VariantNetwork::forward_variant(std::size_t slot_index, std::size_t variant) {
  Impl::Slot& slot = impl_->slots_[slot_index];
  const Impl::Variant& what = impl_->variants_[variant];
  const Plan& plan = impl_->plan_;
  slot.is_changed.assign(slot.is_changed.size(), false);
  for (std::size_t i = what.layer; i < plan.layers.size(); ++i) {
    const PlannedLayer& layer = plan.layers[i];
    const bool depends =
        slot.is_changed[at(layer.input)] || (layer.residual >= 0 && slot.is_changed[at(layer.residual)]);
    if (i != what.layer && !depends) continue;
    impl_->run(slot, layer, i == what.layer ? what.op : impl_->layers_[i], slot.changed[at(layer.output)].data());
    slot.is_changed[at(layer.output)] = true;
  }
  return impl_->logits(slot);
}

std::vector<LayerSensitivity> measure_sensitivity(Plan plan, const Recipe& recipe, const ImageSet& images,
                                                  const std::vector<std::size_t>& chosen,
                                                  const SensitivityOptions& options) {
  return Measurement(std::move(plan), recipe, images, chosen, options).run();
}

}  // namespace shiftsim::quantizer
