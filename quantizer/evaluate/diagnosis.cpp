#include "quantizer/evaluate/diagnosis.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "common/error.h"
#include "common/resident_memory.h"
#include "common/thread_pool.h"
#include "qnet/bounds.h"
#include "qnet/golden.h"
#include "qnet/probe.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/float/layer_op.h"

namespace shiftsim::quantizer {

namespace {

using Codes = std::vector<std::int32_t>;
using Values = std::vector<float>;

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

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
        chosen_(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(image_count(plan_, chosen.size()))),
        workers_(threads),
        budget_(static_cast<std::size_t>(recipe.memory_gb * 1e9), resident_memory().anonymous),
        memory_(budget_, recipe.spill_folder),
        scratch_(network),
        recipe_(plain(recipe)),
        calibrator_(scratch_, recipe_, workers_, memory_) {
    calibrator_.load(images, chosen_);
    if (integers_ == nullptr) {
      // The calibrator executes the network as it is: it starts from the learned bias and corrects it no more.
      for (QuantizedLayer& layer : scratch_.layers) layer.learned_bias.assign(layer.bias.begin(), layer.bias.end());
      return;
    }
    golden_ = std::make_unique<qnet::Golden>(*integers_);
    codes_.resize(plan_.tensors.size());
    for (const std::size_t image : chosen_)
      codes_[0].emplace_back(images.image(image), images.image(image) + images.image_size());
  }

  Diagnosis run() {
    Diagnosis result;
    result.images = chosen_.size();
    diagnose_all_weights();
    for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
      result.layers.push_back(layer(i));
      release(i);
    }
    return result;
  }

private:
  static Recipe plain(Recipe recipe) {
    recipe.bias_correction = false;
    return recipe;
  }

  void diagnose_all_weights() {
    weights_.resize(plan_.layers.size());
    workers_.run(weights_.size(), [&](std::size_t i, std::size_t) {
      if (plan_.layers[i].kind == qnet::LayerKind::kConv)
        weights_[i] = diagnose_weights(plan_.layers[i].weight, network_.layers[i]);
    });
  }

  LayerDiagnosis layer(std::size_t i) {
    const PlannedLayer& planned = plan_.layers[i];
    const PlannedTensor& tensor = plan_.tensor(planned.output);
    if (integers_ != nullptr) {
      calibrator_.run_float(i);
      codes_[at(planned.output)].resize(chosen_.size());
    } else {
      calibrator_.run(i, {false, false, true});
    }
    LayerDiagnosis result;
    result.name = planned.name;
    result.kind = planned.kind;
    result.is_logits = tensor.is_logits;
    result.output_bits = tensor.is_logits ? qnet::kLogitsBits : tensor.range.bits;
    result.channels = at(tensor.shape.channels);
    const bool pool = planned.kind == qnet::LayerKind::kMaxPool;
    const std::vector<Share> shares = run_images(i);
    Share sum = shares.front();
    for (std::size_t image = 1; image < shares.size(); ++image) add(sum, shares[image]);
    result.error = sum.error;
    result.float_values = sum.float_values;
    result.quantized_values = sum.quantized_values;
    result.float_dead_channels =
        at(static_cast<int>(std::count(sum.float_alive.begin(), sum.float_alive.end(), false)));
    result.weights = weights_[i];
    if (!pool && !tensor.is_logits) result.codes = codes(planned.output, sum);
    if (!pool && integers_ != nullptr) {
      const qnet::Layer& layer = integers_->layers[i];
      const qnet::LayerBounds bounds = qnet::bounds(*integers_, layer);
      const bool widened = layer.has_offset() && layer.keeps_channels_apart(integers_->in(layer).channels);
      result.sums = SumDiagnosis{sum.ties, sum.accumulator.bits(),
                                 (widened ? bounds.widened : bounds.accumulator).bits(), recipe_.acc_bits};
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
    result.power_of_two_loss_db = tensor_power_of_two_loss_db(calibrator_.reference(tensor).values(),
                                                              at(planned.shape.channels), planned.range, steps);
    result.use = sum.use;
    int high = 0;
    for (std::size_t c = 0; c < at(planned.shape.channels); ++c)
      high = std::max(high, planned.range.high_at(steps[steps.size() == 1 ? 0 : c], c));
    result.codes = at(high - planned.range.low() + 1);
    result.dead_codes = at(static_cast<int>(std::count(
        sum.use.counts.begin(), sum.use.counts.begin() + static_cast<std::ptrdiff_t>(result.codes), std::size_t{0})));
    result.exponents_searched = network_.searched_exponents[at(tensor)];
    result.exponents = network_.exponents[at(tensor)];
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
    const QuantizedLayer& values = network_.layers[i];
    LayerOp exact(layer.in_float(), 1), rounded(layer.in_float(), 1);
    exact.set_weights(layer.weight, layer.bias);
    rounded.set_weights(values.weights(), Values(values.bias.begin(), values.bias.end()));
    std::unique_ptr<qnet::LayerProbe> probe;
    if (integers_ != nullptr && layer.kind != qnet::LayerKind::kMaxPool)
      probe = std::make_unique<qnet::LayerProbe>(*integers_, i);
    std::vector<Share> shares(chosen_.size());
    workers_.run(chosen_.size(), [&](std::size_t image, std::size_t) {
      const Values input = quantized(layer.input, image);
      const Values residual = layer.residual >= 0 ? quantized(layer.residual, image) : Values{};
      const Values inherited = float_layer(layer, exact, input, residual);
      Share& share = shares[image];
      if (integers_ != nullptr) run_integers(i, image, share);
      const Values output = quantized(layer.output, image);
      Values unrounded = output;  // of a max pool
      if (probe)
        unrounded = run_probe(i, image, *probe, share);
      else if (layer.kind != qnet::LayerKind::kMaxPool)
        unrounded = float_layer(layer, rounded, input, residual);
      compare(layer, reference(layer.output, image), inherited, unrounded, output, share);
      if (integers_ == nullptr && counts_codes(layer)) count_codes(layer, codes_of(layer.output, output), share);
    });
    return shares;
  }

  bool counts_codes(const PlannedLayer& layer) const {
    return layer.kind != qnet::LayerKind::kMaxPool && !plan_.tensor(layer.output).is_logits;
  }

  void run_integers(std::size_t i, std::size_t image, Share& share) {
    const PlannedLayer& layer = plan_.layers[i];
    const Codes none;
    codes_[at(layer.output)][image] = golden_->run_layer(
        i, codes_[at(layer.input)][image], layer.residual >= 0 ? codes_[at(layer.residual)][image] : none);
    if (counts_codes(layer)) count_codes(layer, codes_[at(layer.output)][image], share);
  }

  void count_codes(const PlannedLayer& layer, const Codes& codes, Share& share) const {
    const PlannedTensor& tensor = plan_.tensor(layer.output);
    share.use.add(codes, at(tensor.shape.channels), tensor.range, network_.steps(layer.output));
  }

  /// The layer's output before requantization, in real values.
  Values run_probe(std::size_t i, std::size_t image, const qnet::LayerProbe& probe, Share& share) const {
    const PlannedLayer& planned = plan_.layers[i];
    const qnet::Layer& layer = integers_->layers[i];
    const qnet::Tensor& tensor = integers_->out(layer);
    const Codes none;
    const qnet::LayerProbe::Result result =
        probe.run(codes_[at(planned.input)][image], planned.residual >= 0 ? codes_[at(planned.residual)][image] : none);
    share.accumulator = result.accumulator;
    if (!plan_.tensor(planned.output).is_logits) share.ties = count_ties(result.sums, layer.shifts, layer.lo, layer.hi);
    const std::size_t channels = at(tensor.channels);
    Values steps;
    for (std::size_t k = 0; k < channels; ++k)
      steps.push_back(std::ldexp(1.0f, tensor.exponent(static_cast<int>(k)) - layer.shifts[k]));
    Values values(result.sums.size());
    for (std::size_t j = 0; j < values.size(); ++j)
      values[j] = static_cast<float>(result.sums[j]) * steps[j % channels];
    plan_.activate(planned, values.data(), values.size());
    return values;
  }

  void compare(const PlannedLayer& layer, std::span<const float> reference, const Values& inherited,
               const Values& unrounded, const Values& output, Share& share) const {
    const PlannedTensor& tensor = plan_.tensor(layer.output);
    const std::size_t channels = at(tensor.shape.channels);
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
    if (counts_codes(layer))
      share.local = tensor_noise(reference, channels, tensor.range, network_.steps(layer.output), share.clipped);
  }

  Values float_layer(const PlannedLayer& layer, const LayerOp& op, const Values& input, const Values& residual) const {
    Values result(layer.geometry.output.size());
    ConvScratch scratch;
    op.forward(input.data(), layer.residual >= 0 ? residual.data() : nullptr, result.data(), 1, scratch);
    plan_.activate(layer, result.data(), result.size());
    return result;
  }

  std::span<const float> reference(int tensor, std::size_t image) const {
    const std::size_t size = plan_.tensor(tensor).shape.size();
    return calibrator_.reference(tensor).values().subspan(image * size, size);
  }

  /// A tensor's values in the quantized network; of the image: pixel - pad_value.
  Values quantized(int tensor, std::size_t image) const {
    const std::size_t size = plan_.tensor(tensor).shape.size();
    if (tensor == 0 || integers_ == nullptr) {
      const auto values = (tensor == 0 ? calibrator_.reference(0) : calibrator_.quantized(tensor)).values();
      return {values.begin() + static_cast<std::ptrdiff_t>(image * size),
              values.begin() + static_cast<std::ptrdiff_t>((image + 1) * size)};
    }
    const qnet::Tensor& from = integers_->tensors[at(tensor)];
    const Codes& codes = codes_[at(tensor)][image];
    Values values(size);
    for (std::size_t j = 0; j < size; ++j)
      values[j] = std::ldexp(static_cast<float>(codes[j]),
                             from.exponent(static_cast<int>(j % static_cast<std::size_t>(from.channels))));
    return values;
  }

  /// With free scales.
  Codes codes_of(int tensor, const Values& values) const {
    const std::vector<double> steps = network_.steps(tensor);
    Codes codes;
    codes.reserve(values.size());
    for (std::size_t j = 0; j < values.size(); ++j)
      codes.push_back(static_cast<std::int32_t>(std::lround(values[j] / steps[j % steps.size()])));
    return codes;
  }

  void release(std::size_t i) {
    if (integers_ == nullptr) {
      calibrator_.release(i);
      return;
    }
    for (std::size_t tensor = 0; tensor < codes_.size(); ++tensor) {
      bool read = false;
      for (std::size_t j = i + 1; j < plan_.layers.size(); ++j)
        read = read || at(plan_.layers[j].input) == tensor || plan_.layers[j].residual == static_cast<int>(tensor);
      if (!read) codes_[tensor] = {};
    }
  }

  const Plan& plan_;
  const QuantizedNetwork& network_;
  const qnet::Network* integers_;
  std::vector<std::size_t> chosen_;
  ThreadPool workers_;
  MemoryBudget budget_;
  ActivationMemory memory_;
  QuantizedNetwork scratch_;
  Recipe recipe_;
  Calibrator calibrator_;
  std::unique_ptr<qnet::Golden> golden_;
  std::vector<std::vector<Codes>> codes_;                ///< [tensor][image], of the integers
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
