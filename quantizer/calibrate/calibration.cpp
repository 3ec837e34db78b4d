#include "quantizer/calibrate/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "common/error.h"
#include "common/log.h"
#include "common/thread_pool.h"
#include "quantizer/float/layer_op.h"
#include "quantizer/kernels/calibration_kernels.h"
#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/plan/accumulator_rounding.h"
#include "quantizer/plan/legality.h"
#include "quantizer/search/code_search.h"

namespace shiftsim::quantizer {

namespace {

using Values = ActivationMemory::Block;

/// How much smaller than its tensor's a channel's own exponent may be.
constexpr int kFinestChannel = 4;

/// Ratio of signal to noise, in dB.
double decibels(double signal, double noise) {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(std::max(signal, std::numeric_limits<double>::min()) / noise);
}

/// Of all values, in blocks that do not depend on the number of threads.
double sqnr(std::span<const float> reference, std::span<const float> other, ThreadPool& workers) {
  constexpr std::size_t kBlock = std::size_t{1} << 18;
  std::vector<kernels::SignalAndNoise> blocks((reference.size() + kBlock - 1) / kBlock);
  workers.run(blocks.size(), [&](std::size_t i, std::size_t) {
    const std::size_t first = i * kBlock;
    blocks[i] = kernels::signal_and_noise(reference.data() + first, other.data() + first,
                                          std::min(kBlock, reference.size() - first));
  });
  kernels::SignalAndNoise sum;
  for (const auto& block : blocks) {
    sum.signal += block.signal;
    sum.noise += block.noise;
  }
  return decibels(sum.signal, sum.noise);
}

/// Whether integer weights are searched by the output's error.
bool searches_by_output(const Recipe& recipe, const PlannedLayer& layer, int bits) {
  return recipe.codes == CodeSearch::kOutput && recipe.scales != Scales::kFree && bits < 8 &&
         layer.weight.size() / layer.bias.size() <= kMostWeightsOfMoments;
}

/// How many windows that looks at: of a few a channel of many weights would only learn how these differ from others.
std::size_t windows_of(const PlannedLayer& layer) {
  constexpr std::size_t kLeast = 4096, kMost = 16384, kOfWeight = 16;
  return std::clamp(kOfWeight * (layer.weight.size() / layer.bias.size()), kLeast, kMost);
}

}  // namespace

struct Calibrator::Impl {
  const Plan& plan_;
  const Recipe& recipe_;
  ThreadPool& workers_;
  ActivationMemory& memory_;
  QuantizedNetwork& result_;
  std::size_t images_ = 0;
  std::vector<Values> quantized_, reference_;  ///< by tensor, all images; empty once nobody reads them any more
  std::vector<std::size_t> last_reader_;

  Impl(QuantizedNetwork& network, const Recipe& recipe, ThreadPool& workers, ActivationMemory& memory)
      : plan_(*network.plan), recipe_(recipe), workers_(workers), memory_(memory), result_(network) {
    quantized_.resize(plan_.tensors.size());
    reference_.resize(plan_.tensors.size());
    last_reader_.assign(plan_.tensors.size(), 0);
    for (std::size_t i = 0; i < plan_.layers.size(); ++i)
      for (const int tensor : {plan_.layers[i].input, plan_.layers[i].residual})
        if (tensor >= 0) last_reader_[at(tensor)] = i;
  }

  void run(std::size_t i, const LayerTask& task) {
    const PlannedLayer& layer = plan_.layers[i];
    if (layer.has_weights())
      convolution(i, task);
    else
      pool(layer, task);
    result_.statistics[i].output_sqnr =
        sqnr(reference_[at(layer.output)].values(), quantized_[at(layer.output)].values(), workers_);
  }

  void release(std::size_t i) {
    for (std::size_t tensor = 0; tensor < plan_.tensors.size(); ++tensor) {
      if (last_reader_[tensor] > i || plan_.layers[i].output == static_cast<int>(tensor)) continue;
      quantized_[tensor] = {};
      reference_[tensor] = {};
    }
  }

  static std::size_t at(int index) { return static_cast<std::size_t>(index); }

  bool free_scales() const { return recipe_.scales == Scales::kFree; }

  /// The images as the first layer sees them: pixel - pad_value.
  void load(const ImageSet& images, const std::vector<std::size_t>& chosen) {
    images_ = chosen.size();
    const std::size_t size = images.image_size(), channels = images.channels;
    for (auto* values : {&quantized_, &reference_}) {
      Values target = memory_.allocate(chosen.size() * size);
      for (std::size_t i = 0; i < chosen.size(); ++i)
        for (std::size_t j = 0; j < size; ++j)
          target.data()[i * size + j] = static_cast<float>(images.image(chosen[i])[j] - plan_.pad_values[j % channels]);
      (*values)[0] = std::move(target);
    }
  }

  /// A tensor as statistics see it: all pixels, or about 2^19 of them, evenly spread. Means and errors of so many
  /// change less than other images would change them, and a dozen passes over gigabytes take most of calibration's
  /// time.
  PixelSample sample(int tensor, const Values& values) const {
    constexpr std::size_t kMost = std::size_t{1} << 19;
    const auto channels = static_cast<std::size_t>(plan_.tensor(tensor).shape.channels);
    const std::size_t pixels = values.size() / channels;
    // Odd, not to look at the same columns of maps whose width is a power of two.
    return {values.values(), channels, pixels <= kMost ? 1 : ((pixels + kMost - 1) / kMost) | 1};
  }

  // ---- float execution of one layer over all images ----

  static LayerOp op_of(const PlannedLayer& layer) {
    return {layer.in_float(), images_of_a_call(std::max(layer.geometry.input.size(), layer.geometry.output.size()))};
  }

  void for_chunks(std::size_t chunk, const std::function<void(std::size_t, std::size_t)>& work) const {
    workers_.run((images_ + chunk - 1) / chunk, [&](std::size_t index, std::size_t) {
      work(index * chunk, std::min(chunk, images_ - index * chunk));
    });
  }

  /// The layer's output before its activation function.
  Values forward(const PlannedLayer& layer, const LayerOp& op, const std::vector<Values>& values) const {
    const Values& source = values[at(layer.input)];
    const float* const residual = layer.residual >= 0 ? values[at(layer.residual)].data() : nullptr;
    const std::size_t in = layer.geometry.input.size(), out = layer.geometry.output.size();
    Values result = memory_.allocate(images_ * out);
    for_chunks(op.chunk(), [&](std::size_t first, std::size_t count) {
      ConvScratch scratch;
      op.forward(source.data() + first * in, residual == nullptr ? nullptr : residual + first * out,
                 result.data() + first * out, count, scratch);
    });
    return result;
  }

  /// In the float network.
  Values forward_float(const PlannedLayer& layer, LayerOp& op) const {
    op.set_weights(layer.weight, layer.bias);
    op.set_residual_steps({});
    Values result = forward(layer, op, reference_);
    activate(layer, result);
    return result;
  }

  // ---- convolutions ----

  bool has_offsets(int bits) const { return recipe_.offsets && bits < 8; }

  std::span<const float> channel_weights(const PlannedLayer& layer, std::size_t k) const {
    const std::size_t fan = layer.weight.size() / layer.bias.size();
    return std::span(layer.weight).subspan(k * fan, fan);
  }

  ChannelLimits limits(const PlannedLayer& layer, int bits, std::size_t k, double bias,
                       std::optional<int> logits = {}) const {
    return channel_limits(plan_, layer, result_.exponents, k, bias, has_offsets(bits), recipe_.acc_bits, logits);
  }

  void store(const PlannedLayer& layer, QuantizedLayer& target, std::size_t k, const WeightGrid& grid) const {
    const auto weights = channel_weights(layer, k);
    target.grids[k] = grid;
    for (std::size_t i = 0; i < weights.size(); ++i)
      target.codes[k * weights.size() + i] = static_cast<std::int8_t>(grid.quantize(weights[i]));
  }

  WindowMoments moments_of(const PlannedLayer& layer) const {
    return window_moments(layer.geometry, quantized_[at(layer.input)].data(), images_, recipe_.bias_correction,
                          windows_of(layer));
  }

  /// Searches the grids of the channels in 'which', none with an exponent below 'lowest'.
  void search(const PlannedLayer& layer, QuantizedLayer& target, int bits, const std::vector<std::size_t>& which,
              int lowest, std::optional<int> logits = {}) {
    const WeightSearch how{bits, has_offsets(bits), recipe_.norm};
    const bool by_output = searches_by_output(recipe_, layer, bits);
    const WindowMoments moments = by_output ? moments_of(layer) : WindowMoments{};
    const std::size_t rows = layer.bias.size() / static_cast<std::size_t>(layer.geometry.groups);
    workers_.run(which.size(), [&](std::size_t i, std::size_t) {
      const std::size_t k = which[i];
      const auto weights = channel_weights(layer, k);
      if (free_scales()) {
        store(layer, target, k, search_free_grid(weights, bits, recipe_.norm));
        return;
      }
      const ChannelLimits limit = limits(layer, bits, k, target.bias[k], logits);
      if (by_output) {
        const ChannelCodes found = search_codes(
            weights, how, moments.of_group(k / rows),
            [&](const WeightGrid& grid, auto codes) { return grid.exponent >= lowest && limit.allow(grid, codes); });
        if (!found.codes.empty()) {
          target.grids[k] = found.grid;
          std::copy(found.codes.begin(), found.codes.end(),
                    target.codes.begin() + static_cast<std::ptrdiff_t>(k * weights.size()));
          return;
        }
      }
      std::vector<std::int8_t> codes(weights.size());
      const auto legal = [&](const WeightGrid& candidate) {
        if (candidate.exponent < lowest) return false;
        for (std::size_t j = 0; j < weights.size(); ++j)
          codes[j] = static_cast<std::int8_t>(candidate.quantize(weights[j]));
        return limit.allow(candidate, codes);
      };
      if (recipe_.grid_search == GridSearch::kStatic && has_offsets(bits)) {
        const WeightGrid grid = static_grid(search_free_grid(weights, bits, recipe_.norm));
        if (legal(grid)) return store(layer, target, k, grid);
      }
      try {
        store(layer, target, k, search_grid(weights, how, legal));
      } catch (const NoLegalGrid& error) {
        fail("layer {}, channel {}: {}: weights, bias or activations are too large for 32-bit sums", layer.name, k,
             error.what());
      }
    });
  }

  std::vector<std::size_t> illegal_channels(const PlannedLayer& layer, const QuantizedLayer& target, int bits,
                                            std::optional<int> logits) const {
    if (free_scales()) return {};
    const std::size_t fan = layer.weight.size() / layer.bias.size();
    std::vector<std::size_t> result;
    for (std::size_t k = 0; k < target.grids.size(); ++k)
      if (!limits(layer, bits, k, target.bias[k], logits)
               .allow(target.grids[k], std::span(target.codes).subspan(k * fan, fan)))
        result.push_back(k);
    return result;
  }

  void convolution(std::size_t index, const LayerTask& task) {
    const PlannedLayer& layer = plan_.layers[index];
    QuantizedLayer& target = result_.layers[index];
    const std::size_t channels = layer.bias.size();
    const int bits = task.weight_bits.value_or(layer.weight_bits);
    const bool logits = plan_.tensor(layer.output).is_logits;
    constexpr int kAny = std::numeric_limits<int>::min();
    if (task.search_weights) {
      target.grids.resize(channels);
      target.codes.resize(layer.weight.size());
      target.learned_bias = layer.bias;
      target.bias.assign(layer.bias.begin(), layer.bias.end());
      std::vector<std::size_t> all(channels);
      std::iota(all.begin(), all.end(), std::size_t{0});
      search(layer, target, bits, all, kAny);
    }
    target.bias.assign(target.learned_bias.begin(), target.learned_bias.end());
    if (logits && !free_scales()) align_logits(layer, target, bits);

    LayerOp op = op_of(layer);
    Values reference = forward_float(layer, op);
    // Which weights are legal depends on the output's exponent, which depends on the weights: settled after at most a
    // few rounds, and as a rule after one.
    constexpr int kRounds = 8;
    for (int round = 0;; ++round) {
      SHIFTSIM_CHECK(round < kRounds, "layer {}: weights and output exponent do not settle", layer.name);
      Values values = output(index, task, op, reference);
      if (logits) {
        quantized_[at(layer.output)] = std::move(values);
        break;
      }
      if (task.search_activations)
        choose_exponent(layer.output, recipe_.activation_source == ActivationSource::kFloat ? reference : values);
      const auto illegal =
          task.quantize_activations ? illegal_channels(layer, target, bits, {}) : std::vector<std::size_t>{};
      if (illegal.empty()) {
        if (task.quantize_activations) quantize_in_place(layer.output, values);
        quantized_[at(layer.output)] = std::move(values);
        break;
      }
      spdlog::debug("{}: {} channels searched again to keep shifts and bias within range", layer.name, illegal.size());
      search(layer, target, bits, illegal, kAny);
    }
    reference_[at(layer.output)] = std::move(reference);
    const std::vector<float> rounded = target.weights();
    result_.statistics[index].weight_sqnr = sqnr(layer.weight, rounded, workers_);
    if (!task.search_weights) return;
    target.searched_exponents.clear();
    for (const WeightGrid& grid : target.grids) target.searched_exponents.push_back(grid.exponent);
  }

  /// The activation function of values to which 'correction', by channel, is added first, where there is one.
  void activate(const PlannedLayer& layer, Values& values, std::span<const float> correction = {}) const {
    const auto channels = at(layer.geometry.output.channels);
    const std::size_t block = 128 * channels;  // stays in the cache
    workers_.run((values.size() + block - 1) / block, [&](std::size_t i, std::size_t) {
      float* const from = values.data() + i * block;
      const std::size_t count = std::min(block, values.size() - i * block);
      if (!correction.empty())
        for (std::size_t row = 0; row < count; row += channels) kernels::add(from + row, correction.data(), channels);
      plan_.activate(layer, from, count);
    });
  }

  /// The quantized layer's output before its own quantization, biases rounded as the accumulator does; sets the
  /// corrected bias where the recipe wants it.
  Values output(std::size_t index, const LayerTask& task, LayerOp& op, const Values& reference) {
    const PlannedLayer& layer = plan_.layers[index];
    QuantizedLayer& target = result_.layers[index];
    // Activations that stay float are no accumulator's steps.
    const AccumulatorRounding rounding =
        task.quantize_activations ? AccumulatorRounding(result_, index) : AccumulatorRounding();
    op.set_weights(target.weights(), rounding.biases(target.learned_bias));
    op.set_residual_steps(rounding.residual_steps());
    Values values = forward(layer, op, quantized_);
    const std::vector<float> correction =
        recipe_.bias_correction ? correct_bias(layer, target, rounding, reference, values) : std::vector<float>();
    activate(layer, values, correction);
    return values;
  }

  /// Moves each channel's bias until the mean after the activation function is the float network's. (The mean before it
  /// would not do: coarse weights narrow the distribution, and a narrow one around a negative mean is all cut off by
  /// ReLU.) 'values' are those of the learned bias, rounded. Returns what each channel's values have to be raised by to
  /// be those of the corrected one, rounded too.
  std::vector<float> correct_bias(const PlannedLayer& layer, QuantizedLayer& target,
                                  const AccumulatorRounding& rounding, const Values& reference,
                                  const Values& values) const {
    const std::size_t channels = layer.bias.size();
    std::vector<float> correction(channels);
    const float low = layer.floor();
    std::vector<float> high;
    for (std::size_t c = 0; c < channels; ++c) high.push_back(plan_.tensor(layer.output).range.ceiling(c));
    constexpr std::size_t kGroup = kernels::kChannelGroup;
    constexpr int kSteps = 12;
    workers_.run((channels + kGroup - 1) / kGroup, [&](std::size_t group, std::size_t) {
      const std::size_t first = group * kGroup, count = std::min(kGroup, channels - first);
      // Means of clamp(x + shift) of each channel.
      const auto means = [&](const Values& x, const std::array<float, kGroup>& shift) {
        std::array<double, kGroup> sums{};
        const PixelSample pixels = sample(layer.output, x);
        kernels::clamped_sums({x.data() + first, pixels.count(), channels * pixels.step, count}, shift.data(), low,
                              high.data() + first, sums.data());
        for (double& value : sums) value /= static_cast<double>(pixels.count());
        return sums;
      };
      const auto wanted = means(reference, {});
      std::array<float, kGroup> shift{};
      // The mean rises with the shift, and never faster: adding the error cannot overshoot.
      for (int step = 0; step < (layer.activation == qnet::Activation::kNone ? 1 : kSteps); ++step) {
        const auto found = means(values, shift);
        for (std::size_t k = 0; k < count; ++k) shift[k] += static_cast<float>(wanted[k] - found[k]);
      }
      for (std::size_t k = 0; k < count; ++k) {
        const double learned = rounding.bias(first + k, static_cast<double>(target.learned_bias[first + k]));
        double& bias = target.bias[first + k];
        bias = learned + static_cast<double>(shift[k]);
        correction[first + k] = static_cast<float>(rounding.bias(first + k, bias) - learned);
      }
    });
    return correction;
  }

  /// The logits are brought to the least accumulator exponent: raises the finest channels until all fit 32 bits there.
  void align_logits(const PlannedLayer& layer, QuantizedLayer& target, int bits) {
    const auto finest = [&] {
      return std::min_element(target.grids.begin(), target.grids.end(),
                              [](const WeightGrid& a, const WeightGrid& b) { return a.exponent < b.exponent; })
          ->exponent;
    };
    for (int lowest = finest();; ++lowest) {
      std::vector<std::size_t> below;
      for (std::size_t k = 0; k < target.grids.size(); ++k)
        if (target.grids[k].exponent < lowest) below.push_back(k);
      search(layer, target, bits, below, lowest);
      lowest = finest();
      const int logits = limits(layer, bits, 0, 0).accumulator_exponent({bits, lowest, 0});
      if (illegal_channels(layer, target, bits, logits).empty()) return;
    }
  }

  // ---- activations ----

  void choose_exponent(int tensor, const Values& values) {
    search_scale(tensor, values);
    result_.searched_exponents[at(tensor)] = result_.exponents[at(tensor)];
  }

  void search_scale(int tensor, const Values& values) {
    const PlannedTensor& planned = plan_.tensor(tensor);
    const PixelSample pixels = sample(tensor, values);
    const Histogram histogram(pixels, workers_);
    const std::size_t channels = pixels.channels;
    const auto for_channels = [&](const std::function<void(std::size_t, const Histogram&)>& work) {
      constexpr std::size_t kGroup = kernels::kChannelGroup;
      workers_.run((channels + kGroup - 1) / kGroup, [&](std::size_t group, std::size_t) {
        const std::size_t first = group * kGroup, count = std::min(kGroup, channels - first);
        const std::vector<Histogram> own = channel_histograms(pixels, first, count);
        for (std::size_t k = 0; k < count; ++k) work(first + k, own[k]);
      });
    };
    if (free_scales()) {
      const double common = search_activation_step(histogram, planned.range, recipe_.norm);
      std::vector<double> steps(planned.per_channel ? channels : 1, common);
      if (planned.per_channel)
        for_channels([&](std::size_t c, const Histogram& own) {
          steps[c] = std::max(search_activation_step(own, planned.range, recipe_.norm, common),
                              common * std::exp2(-kFinestChannel));
        });
      result_.set_steps(tensor, steps);
      return;
    }
    const int common =
        planned.exponent ? *planned.exponent : search_activation_exponent(histogram, planned.range, recipe_.norm);
    std::vector<int> exponents(planned.per_channel ? channels : 1, common);
    if (planned.per_channel)
      for_channels([&](std::size_t c, const Histogram& own) {
        // Other images may have larger values in a channel that is nearly silent on these.
        exponents[c] =
            std::max(search_activation_exponent(own, planned.range, recipe_.norm, common), common - kFinestChannel);
      });
    result_.exponents[at(tensor)] = exponents;
    result_.mantissas[at(tensor)].clear();
  }

  void quantize_in_place(int tensor, Values& values) const {
    const PlannedTensor& planned = plan_.tensor(tensor);
    const std::vector<double> steps = result_.steps(tensor);
    const std::size_t channels = steps.size();
    constexpr std::size_t kRow = 256;  // at least as long, as short loops do not vectorize well
    const std::size_t period = channels * ((kRow + channels - 1) / channels);
    std::vector<float> inverse(period), step(period);
    for (std::size_t c = 0; c < period; ++c) {
      inverse[c] = static_cast<float>(1 / steps[c % channels]);
      step[c] = static_cast<float>(steps[c % channels]);
    }
    // The activation function has been there: nothing rounds to more than its ceiling does.
    const auto low = static_cast<float>(planned.range.low()), high = static_cast<float>(planned.range.top());
    const std::size_t size = values.size() / images_;
    for_chunks(1, [&](std::size_t image, std::size_t) {
      kernels::round_in_place(values.data() + image * size, size, step.data(), inverse.data(), period, low, high);
    });
  }

  void run_float(std::size_t i) {
    const PlannedLayer& layer = plan_.layers[i];
    LayerOp op = op_of(layer);
    reference_[at(layer.output)] = forward_float(layer, op);
    for (std::size_t tensor = 1; tensor < plan_.tensors.size(); ++tensor)
      if (last_reader_[tensor] <= i && layer.output != static_cast<int>(tensor)) reference_[tensor] = {};
  }

  void pool(const PlannedLayer& layer, const LayerTask& task) {
    const LayerOp op = op_of(layer);
    for (auto* values : {&quantized_, &reference_}) (*values)[at(layer.output)] = forward(layer, op, *values);
    if (layer.kind == qnet::LayerKind::kMaxPool) {
      result_.exponents[at(layer.output)] = result_.exponents[at(layer.input)];
      result_.mantissas[at(layer.output)] = result_.mantissas[at(layer.input)];
      return;
    }
    const bool from_float = recipe_.activation_source == ActivationSource::kFloat;
    if (task.search_activations)
      choose_exponent(layer.output, (from_float ? reference_ : quantized_)[at(layer.output)]);
    if (task.quantize_activations) quantize_in_place(layer.output, quantized_[at(layer.output)]);
  }
};

Calibrator::Calibrator(QuantizedNetwork& network, const Recipe& recipe, ThreadPool& workers, ActivationMemory& memory)
    : impl_(std::make_unique<Impl>(network, recipe, workers, memory)) {}
Calibrator::~Calibrator() = default;

std::size_t Calibrator::memory(const Plan& plan, const Recipe& recipe, std::size_t images) {
  std::size_t most = 0;
  for (const PlannedLayer& layer : plan.layers)
    if (layer.kind == qnet::LayerKind::kConv && searches_by_output(recipe, layer, layer.weight_bits))
      most = std::max(most, window_moments_memory(layer.geometry, images, windows_of(layer)));
  return most;
}

void Calibrator::load(const ImageSet& images, const std::vector<std::size_t>& chosen) {
  impl_->load(images, chosen);
}
std::size_t Calibrator::images() const {
  return impl_->images_;
}
void Calibrator::run(std::size_t layer, const LayerTask& task) {
  impl_->run(layer, task);
}
void Calibrator::run_float(std::size_t layer) {
  impl_->run_float(layer);
}
void Calibrator::use_reference(int tensor) {
  const auto at = static_cast<std::size_t>(tensor);
  const Values& reference = impl_->reference_[at];
  impl_->quantized_[at] = impl_->memory_.allocate(reference.size());
  std::copy_n(reference.data(), reference.size(), impl_->quantized_[at].data());
}
void Calibrator::release(std::size_t layer) {
  impl_->release(layer);
}
const ActivationMemory::Block& Calibrator::quantized(int tensor) const {
  return impl_->quantized_[static_cast<std::size_t>(tensor)];
}
const ActivationMemory::Block& Calibrator::reference(int tensor) const {
  return impl_->reference_[static_cast<std::size_t>(tensor)];
}

std::vector<std::size_t> choose_images(std::size_t available, std::size_t count, std::int64_t seed) {
  std::vector<std::size_t> indices(available);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  count = std::min(count, available);
  // std::shuffle and the distributions differ between standard libraries; the generator itself does not.
  std::mt19937_64 random(static_cast<std::uint64_t>(seed));
  for (std::size_t i = 0; i < count; ++i) std::swap(indices[i], indices[i + random() % (available - i)]);
  indices.resize(count);
  return indices;
}

}  // namespace shiftsim::quantizer
