#include "quantizer/evaluate/sensitivity.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "common/index.h"
#include "common/log.h"
#include "common/resident_memory.h"
#include "common/thread_pool.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/evaluate/variant_network.h"
#include "quantizer/float/activation_store.h"
#include "quantizer/learn/divergence.h"
#include "quantizer/plan/image_input.h"

namespace shiftsim::quantizer {

namespace {

/// Additions and average pools that became convolutions have no weights of their own.
bool has_weights(const PlannedLayer& layer) {
  return layer.has_weights() && layer.policy != "exact" && layer.policy != "fixed";
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
          network_.exponents[index(layer.output)].clear();
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
    const Shape& output = plan_.tensor(plan_.layers.back().output).shape;
    const std::size_t classes = output.size();
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
                output_divergence(changed.data() + i * classes, exact.data() + i * classes, nullptr, output, 1, 1);
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

std::vector<LayerSensitivity> measure_sensitivity(Plan plan, const Recipe& recipe, const ImageSet& images,
                                                  const std::vector<std::size_t>& chosen,
                                                  const SensitivityOptions& options) {
  return Measurement(std::move(plan), recipe, images, chosen, options).run();
}

}  // namespace shiftsim::quantizer
