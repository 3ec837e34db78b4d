#include "quantizer/calibrate/scale_alignment.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

#include "common/error.h"
#include "quantizer/calibrate/alignment_noise.h"
#include "quantizer/calibrate/tensor_values.h"

namespace shiftsim::quantizer {

namespace {

using namespace alignment;

/// Samples: weights of a row, pixels of a tensor, values of a tensor.
constexpr std::size_t kWeightLimit = 512, kValueLimit = 4096, kTensorLimit = 1 << 16;

class Alignment {
public:
  Alignment(Plan& plan, const std::vector<TensorSample>& samples, bool offsets, ThreadPool& workers)
      : plan_(plan), samples_(samples), offsets_(offsets), workers_(workers), tied_to_(plan.tensors.size()) {
    std::iota(tied_to_.begin(), tied_to_.end(), std::size_t{0});
    for (const PlannedLayer& layer : plan.layers) {
      if (layer.residual >= 0) tie(layer.residual, layer.output);
      if (!layer.has_weights() || is_fixed(layer)) tie(layer.input, layer.output);
    }
  }

  int run() {
    int scaled = 0;
    for (const PlannedLayer& layer : plan_.layers) {
      const auto root = at(layer.output);
      std::vector<int> members;
      for (std::size_t t = 0; t < tied_to_.size(); ++t)
        if (leader(t) == root) members.push_back(static_cast<int>(t));
      // A group is met once, with its leader.
      if (members.empty() || !may_scale(members)) continue;
      scaled += members.size() == 1 ? align_channels(layer) : align_group(members);
    }
    return scaled;
  }

private:
  static std::size_t at(int index) { return static_cast<std::size_t>(index); }
  /// Copies made for additions and average pools: their weights are what they are.
  static bool is_fixed(const PlannedLayer& layer) { return layer.policy == "exact" || layer.policy == "fixed"; }

  std::size_t leader(std::size_t tensor) const {
    while (tied_to_[tensor] != tensor) tensor = tied_to_[tensor];
    return tensor;
  }
  void tie(int a, int b) {
    const std::size_t one = leader(at(a)), other = leader(at(b));
    tied_to_[std::max(one, other)] = std::min(one, other);
  }

  /// What a function makes of it does not follow a factor.
  bool is_of_function(int tensor) const {
    return std::any_of(plan_.layers.begin(), plan_.layers.end(), [&](const PlannedLayer& layer) {
      return layer.function && (layer.input == tensor || layer.output == tensor);
    });
  }

  bool may_scale(const std::vector<int>& members) const {
    return std::none_of(members.begin(), members.end(), [&](int tensor) {
      return tensor == 0 || is_of_function(tensor) || plan_.tensor(tensor).is_logits || samples_[at(tensor)].empty() ||
             !(largest(samples_[at(tensor)]) > 0);
    });
  }

  /// One factor for all of them: the least noise of those that are narrow.
  int align_group(const std::vector<int>& members) {
    Noises noises{};
    for (const int tensor : members) {
      if (plan_.tensor(tensor).range.bits >= 8) continue;
      const Noises own = tensor_noise(tensor);
      for (std::size_t j = 0; j < kPhases; ++j) noises[j] += own[j];
    }
    const int phase = least(noises);
    if (phase == kMiddle) return 0;
    for (const int tensor : members)
      scale(tensor, std::vector<double>(at(plan_.tensor(tensor).shape.channels), factor_of(phase)), members);
    return static_cast<int>(members.size());
  }

  std::vector<float> thinned_tensor(int tensor) const {
    return thinned(samples_[at(tensor)], at(plan_.tensor(tensor).shape.channels), kTensorLimit);
  }

  /// Over all channels at the best common exponent.
  Noises tensor_noise(int tensor) const {
    const std::vector<float> values = thinned_tensor(tensor);
    const double signal = power(values);
    Noises noises{};
    workers_.run(kPhases, [&](std::size_t j, std::size_t) {
      noises[j] = best_value_noise(values, plan_.tensor(tensor).range, factor_of(static_cast<int>(j))).noise / signal;
    });
    return noises;
  }

  int align_channels(const PlannedLayer& maker) {
    const int tensor = maker.output;
    const PlannedTensor& planned = plan_.tensor(tensor);
    const std::size_t channels = at(planned.shape.channels);
    const TensorSample& sample = samples_[at(tensor)];
    int around = kMiddle, exponent = 0;
    if (!planned.per_channel) {
      around = least(tensor_noise(tensor));
      exponent = best_value_noise(thinned_tensor(tensor), planned.range, factor_of(around)).exponent;
    }
    const std::vector<Column> columns = mixing_columns(tensor);
    std::vector<double> factors(channels, 1);
    workers_.run(channels, [&](std::size_t c, std::size_t) {
      const std::vector<float> values = channel_of(sample, c, channels);
      const double signal = power(values);
      Noises of_weights = weight_noise(thinned_row(maker, c), maker.weight_bits, offsets_);
      for (const PlannedLayer& reader : plan_.layers)
        if (reader.input == tensor && reader.geometry.is_depthwise()) {
          // Divided by 2^x they are multiplied by 2^-x: the phases backwards, and round the octave.
          for (std::size_t k = c * multiplier(reader); k < (c + 1) * multiplier(reader); ++k) {
            const Noises own = weight_noise(thinned_row(reader, k), reader.weight_bits, offsets_);
            for (int j = 0; j < kPhases; ++j)
              of_weights[at(j)] += own[at((2 * kMiddle - j) % kPhases)] / static_cast<double>(multiplier(reader));
          }
        }
      double least = std::numeric_limits<double>::infinity();
      // Of equals the nearest to what suits the tensor.
      for (int i = 0; i <= kPhases; ++i) {
        const int phase = around + (i % 2 == 1 ? (i + 1) / 2 : -i / 2);
        const double factor = factor_of(phase);
        double noise = of_weights[at((phase % kPhases + kPhases) % kPhases)];
        if (signal > 0)
          noise += (planned.per_channel ? best_value_noise(values, planned.range, factor).noise
                                        : value_noise(values, planned.range, factor, exponent)) /
                   signal;
        for (const Column& column : columns) noise += column.noise(c, factor / factor_of(around));
        if (!(noise < least)) continue;
        least = noise;
        factors[c] = factor;
      }
    });
    // Wide tensors are searched again on all images: what matters there are the largest values, of which a sample knows
    // little.
    if (!planned.per_channel && planned.range.bits < 8) plan_.tensors[at(tensor)].exponent = exponent;
    if (std::all_of(factors.begin(), factors.end(), [](double factor) { return factor == 1; })) return 0;
    scale(tensor, factors, {tensor});
    return 1;
  }

  /// A layer that mixes the tensor's channels: its weights' quantizers, as they are.
  struct Column {
    const PlannedLayer* reader = nullptr;
    std::vector<RowQuantizer> quantizers;

    /// Of the weights that read channel c, divided by 'factor', relative to these.
    double noise(std::size_t c, double factor) const {
      const std::size_t fan = reader->weight.size() / reader->bias.size(), taps = reader->geometry.window.taps();
      const std::size_t rows = reader->bias.size() / at(reader->geometry.groups), group = fan / taps;
      double noise = 0, signal = 0;
      for (std::size_t k = c / group * rows; k < (c / group + 1) * rows; ++k) {
        const RowQuantizer& quantizer = quantizers[k];
        const float* weights = reader->weight.data() + k * fan + c % group * taps;
        const double step = quantizer.step * factor;
        noise += step * step *
                 noise_in_steps(weights, taps, static_cast<float>(1 / step), static_cast<float>(quantizer.offset),
                                static_cast<float>(quantizer.low), static_cast<float>(quantizer.high));
        signal += power({weights, taps});
      }
      return signal > 0 ? noise / signal : 0;
    }
  };

  std::vector<Column> mixing_columns(int tensor) const {
    std::vector<Column> columns;
    for (const PlannedLayer& reader : plan_.layers) {
      if (reader.input != tensor || reader.geometry.is_depthwise() || reader.weight_bits >= 8) continue;
      Column column{&reader, std::vector<RowQuantizer>(reader.bias.size())};
      workers_.run(column.quantizers.size(), [&](std::size_t k, std::size_t) {
        double noise = 0;
        column.quantizers[k] = best_quantizer(thinned_row(reader, k), reader.weight_bits, offsets_, 1, noise);
      });
      columns.push_back(std::move(column));
    }
    return columns;
  }

  static std::size_t multiplier(const PlannedLayer& depthwise) {
    return depthwise.bias.size() / at(depthwise.geometry.groups);
  }

  static std::vector<float> thinned_row(const PlannedLayer& layer, std::size_t k) {
    const std::size_t fan = layer.weight.size() / layer.bias.size();
    return thinned(std::span(layer.weight).subspan(k * fan, fan), layer.geometry.window.taps(), kWeightLimit);
  }

  /// Multiplies the tensor's channels, in what makes it and what reads it. What lies between two of 'members' sees the
  /// same factor on both sides.
  void scale(int tensor, const std::vector<double>& factors, const std::vector<int>& members) {
    const auto inside = [&](int other) { return std::find(members.begin(), members.end(), other) != members.end(); };
    for (PlannedLayer& layer : plan_.layers) {
      if (!layer.has_weights()) continue;
      const bool makes = layer.output == tensor, reads = layer.input == tensor;
      const std::size_t outputs = layer.bias.size(), fan = layer.weight.size() / outputs;
      if (makes) {
        for (std::size_t k = 0; k < outputs; ++k) {
          layer.bias[k] = static_cast<float>(layer.bias[k] * factors[k]);
          if (!layer.gamma.empty()) layer.gamma[k] = static_cast<float>(layer.gamma[k] * factors[k]);
        }
        if (!inside(layer.input))
          for (std::size_t i = 0; i < layer.weight.size(); ++i)
            layer.weight[i] = static_cast<float>(layer.weight[i] * factors[i / fan]);
      }
      if (!reads || inside(layer.output)) continue;
      const std::size_t taps = layer.geometry.window.taps(), group = fan / taps;  // input channels of a group
      const std::size_t rows = outputs / at(layer.geometry.groups);
      for (std::size_t k = 0; k < outputs; ++k)
        for (std::size_t i = 0; i < fan; ++i) {
          float& weight = layer.weight[k * fan + i];
          weight = static_cast<float>(weight / factors[k / rows * group + i / taps]);
        }
    }
    std::vector<float>& ceilings = plan_.tensors[at(tensor)].range.ceilings;
    if (ceilings.empty()) return;
    std::vector<float> scaled;
    for (std::size_t c = 0; c < factors.size(); ++c)
      scaled.push_back(static_cast<float>(factors[c] * ceilings[ceilings.size() == 1 ? 0 : c]));
    ceilings = std::move(scaled);
  }

  Plan& plan_;
  const std::vector<TensorSample>& samples_;
  bool offsets_;
  ThreadPool& workers_;
  std::vector<std::size_t> tied_to_;  ///< union-find over tensors: the leader is its least
};

}  // namespace

int align_scales(Plan& plan, const std::vector<TensorSample>& samples, bool offsets, ThreadPool& workers) {
  SHIFTSIM_CHECK(samples.size() == plan.tensors.size(), "{} samples of {} tensors", samples.size(),
                 plan.tensors.size());
  return Alignment(plan, samples, offsets, workers).run();
}

std::vector<TensorSample> sample_tensors(const Plan& plan, const ImageSet& images,
                                         const std::vector<std::size_t>& chosen, ThreadPool& workers,
                                         ActivationMemory& memory) {
  std::vector<TensorSample> samples(plan.tensors.size());
  TensorValues network(plan, workers, memory);
  network.load(images, chosen);
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    network.run(plan.layers[i]);
    network.release(i);
    const int tensor = plan.layers[i].output;
    const auto channels = static_cast<std::size_t>(plan.tensor(tensor).shape.channels);
    const auto values = network.of(tensor).values();
    const std::size_t pixels = values.size() / channels;
    const std::size_t leap = std::max<std::size_t>(1, pixels / kValueLimit);
    TensorSample& sample = samples[static_cast<std::size_t>(tensor)];
    for (std::size_t pixel = 0; pixel < pixels; pixel += leap)
      sample.insert(sample.end(), values.begin() + static_cast<std::ptrdiff_t>(pixel * channels),
                    values.begin() + static_cast<std::ptrdiff_t>((pixel + 1) * channels));
  }
  return samples;
}

}  // namespace shiftsim::quantizer
