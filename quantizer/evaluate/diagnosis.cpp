#include "quantizer/evaluate/diagnosis.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "common/error.h"
#include "common/index.h"
#include "common/resident_memory.h"
#include "common/thread_pool.h"
#include "qnet/bounds.h"
#include "quantizer/evaluate/observed_network.h"
#include "quantizer/float/layer_op.h"

namespace shiftsim::quantizer {

namespace {

using Values = std::vector<float>;

/// As many as keep a tensor of all images within 64 MB of floats.
std::size_t image_count(const Plan& plan, std::size_t available) {
  constexpr std::size_t kMost = 64, kLargest = std::size_t{1} << 24;
  std::size_t largest = 1;
  for (const PlannedTensor& tensor : plan.tensors) largest = std::max(largest, tensor.shape.size());
  return std::min({kMost, available, std::max<std::size_t>(kLargest / largest, 1)});
}

/// What one image adds to a layer's diagnosis.
struct Share {
  OutputError error;
  Moments float_values, quantized_values;
  std::vector<bool> float_alive;
  Noise local;
  std::size_t clipped = 0, ties = 0;
  CodeUse use;
  qnet::Interval accumulator;
};

class Diagnostician {
public:
  Diagnostician(const QuantizedNetwork& network, const std::optional<qnet::Network>& integers, const Recipe& recipe,
                const ImageSet& images, const std::vector<std::size_t>& chosen, int threads)
      : plan_(*network.plan),
        network_(network),
        integers_(integers ? &*integers : nullptr),
        accumulator_bits_(recipe.acc_bits),
        chosen_(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(image_count(plan_, chosen.size()))),
        workers_(threads),
        budget_(static_cast<std::size_t>(recipe.memory_gb * 1e9), resident_memory().anonymous),
        memory_(budget_, recipe.spill_folder) {
    const Observation observation{network, images, chosen_, workers_, memory_};
    observed_ =
        integers_ != nullptr ? observe_integers(observation, *integers_) : observe_fake_quantized(observation, recipe);
  }

  Diagnosis run() {
    Diagnosis result;
    result.images = chosen_.size();
    diagnose_all_weights();
    for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
      result.layers.push_back(layer(i));
      observed_->release(i);
    }
    return result;
  }

private:
  void diagnose_all_weights() {
    weights_.resize(plan_.layers.size());
    workers_.run(weights_.size(), [&](std::size_t i, std::size_t) {
      if (plan_.layers[i].has_weights()) weights_[i] = diagnose_weights(plan_.layers[i].weight, network_.layers[i]);
    });
  }

  LayerDiagnosis layer(std::size_t i) {
    const PlannedLayer& planned = plan_.layers[i];
    const PlannedTensor& tensor = plan_.tensor(planned.output);
    observed_->run(i);
    LayerDiagnosis result;
    result.name = planned.name;
    result.kind = planned.kind;
    result.is_logits = tensor.is_logits;
    result.output_bits = tensor.is_logits ? qnet::kLogitsBits : tensor.range.bits;
    result.channels = index(tensor.shape.channels);
    const std::vector<Share> shares = run_images(i);
    Share sum = shares.front();
    for (std::size_t image = 1; image < shares.size(); ++image) add(sum, shares[image]);
    result.error = sum.error;
    result.float_values = sum.float_values;
    result.quantized_values = sum.quantized_values;
    result.float_dead_channels =
        index(static_cast<int>(std::count(sum.float_alive.begin(), sum.float_alive.end(), false)));
    result.weights = weights_[i];
    if (plan_.has_scale(planned)) result.codes = codes(planned.output, sum);
    if (planned.requantizes() && integers_ != nullptr) {
      const qnet::Layer& layer = integers_->layers[i];
      const qnet::LayerBounds bounds = qnet::bounds(*integers_, layer);
      const bool widened = layer.has_offset() && layer.keeps_channels_apart(integers_->in(layer).channels);
      result.sums = SumDiagnosis{sum.ties, sum.accumulator.bits(),
                                 (widened ? bounds.widened : bounds.accumulator).bits(), accumulator_bits_};
    }
    return result;
  }

  CodeDiagnosis codes(int tensor, const Share& sum) const {
    const PlannedTensor& planned = plan_.tensor(tensor);
    const std::vector<double> steps = network_.steps(tensor);
    CodeDiagnosis result;
    result.bits = planned.range.bits;
    result.is_signed = planned.range.is_signed;
    result.local = sum.local;
    result.clipped = sum.clipped;
    result.power_of_two_loss_db =
        tensor_power_of_two_loss_db(observed_->reference(tensor), index(planned.shape.channels), planned.range, steps);
    result.use = sum.use;
    int high = 0;
    for (std::size_t c = 0; c < index(planned.shape.channels); ++c)
      high = std::max(high, planned.range.high_at(steps[steps.size() == 1 ? 0 : c], c));
    result.codes = index(high - planned.range.low() + 1);
    result.dead_codes = index(static_cast<int>(std::count(
        sum.use.counts.begin(), sum.use.counts.begin() + static_cast<std::ptrdiff_t>(result.codes), std::size_t{0})));
    result.exponents_searched = network_.searched_exponents[index(tensor)];
    result.exponents = network_.exponents[index(tensor)];
    return result;
  }

  static void add(Share& sum, const Share& share) {
    sum.error += share.error;
    sum.float_values += share.float_values;
    sum.quantized_values += share.quantized_values;
    for (std::size_t c = 0; c < share.float_alive.size(); ++c)
      if (share.float_alive[c]) sum.float_alive[c] = true;
    sum.local += share.local;
    sum.clipped += share.clipped;
    sum.ties += share.ties;
    sum.use += share.use;
    sum.accumulator.low = std::min(sum.accumulator.low, share.accumulator.low);
    sum.accumulator.high = std::max(sum.accumulator.high, share.accumulator.high);
  }

  std::vector<Share> run_images(std::size_t i) {
    const PlannedLayer& layer = plan_.layers[i];
    LayerOp exact(layer.in_float(), 1);
    exact.set_weights(layer.weight, layer.bias);
    std::vector<Share> shares(chosen_.size());
    workers_.run(chosen_.size(), [&](std::size_t image, std::size_t) {
      const Values input = observed_->quantized(layer.input, image);
      const Values residual = layer.residual >= 0 ? observed_->quantized(layer.residual, image) : Values{};
      const Values inherited = run_layer(plan_, layer, exact, input, residual);
      const Values output = observed_->quantized(layer.output, image);
      Share& share = shares[image];
      Values unrounded = output;
      if (layer.requantizes()) {
        ObservedNetwork::Unrounded found = observed_->unrounded(i, image);
        unrounded = std::move(found.values);
        share.ties = found.ties;
        share.accumulator = found.accumulator;
      }
      compare(layer, observed_->reference(layer.output, image), inherited, unrounded, output, share);
      if (plan_.has_scale(layer))
        share.use.add(observed_->codes(layer.output, image), index(layer.geometry.output.channels),
                      plan_.tensor(layer.output).range, network_.steps(layer.output));
    });
    return shares;
  }

  void compare(const PlannedLayer& layer, std::span<const float> reference, const Values& inherited,
               const Values& unrounded, const Values& output, Share& share) const {
    const PlannedTensor& tensor = plan_.tensor(layer.output);
    const std::size_t channels = index(tensor.shape.channels);
    const auto square = [](double x) { return x * x; };
    share.float_alive.assign(channels, false);
    for (std::size_t j = 0; j < reference.size(); ++j) {
      const double y = reference[j];
      share.error.signal += y * y;
      share.error.inherited += square(inherited[j] - y);
      share.error.unrounded += square(unrounded[j] - y);
      share.error.total += square(output[j] - y);
      share.float_values.add(y);
      share.quantized_values.add(output[j]);
      if (y != 0) share.float_alive[j % channels] = true;
    }
    if (plan_.has_scale(layer))
      share.local = tensor_noise(reference, channels, tensor.range, network_.steps(layer.output), share.clipped);
  }

  const Plan& plan_;
  const QuantizedNetwork& network_;
  const qnet::Network* integers_;
  int accumulator_bits_;
  std::vector<std::size_t> chosen_;
  ThreadPool workers_;
  MemoryBudget budget_;
  ActivationMemory memory_;
  std::unique_ptr<ObservedNetwork> observed_;
  std::vector<std::optional<WeightDiagnosis>> weights_;  ///< by layer
};

}  // namespace

OutputError& OutputError::operator+=(const OutputError& other) {
  signal += other.signal;
  inherited += other.inherited;
  unrounded += other.unrounded;
  total += other.total;
  return *this;
}

std::vector<std::size_t> Diagnosis::worst_first() const {
  std::vector<std::size_t> order(layers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return layers[a].error.added() > layers[b].error.added(); });
  return order;
}

Diagnosis diagnose(const QuantizedNetwork& network, const std::optional<qnet::Network>& integers, const Recipe& recipe,
                   const ImageSet& images, const std::vector<std::size_t>& chosen, int threads) {
  SHIFTSIM_CHECK(!chosen.empty(), "no images to diagnose on");
  return Diagnostician(network, integers, recipe, images, chosen, threads).run();
}

}  // namespace shiftsim::quantizer
