#include <cmath>
#include <optional>

#include "common/index.h"
#include "qnet/golden.h"
#include "qnet/probe.h"
#include "quantizer/calibrate/tensor_values.h"
#include "quantizer/evaluate/observed_network.h"
#include "quantizer/evaluate/tensor_diagnosis.h"
#include "quantizer/plan/image_input.h"

namespace shiftsim::quantizer {

namespace {

class ObservedIntegers : public ObservedNetwork {
public:
  ObservedIntegers(const Observation& observation, const qnet::Network& integers)
      : ObservedNetwork(*observation.network.plan),
        integers_(integers),
        images_(observation.images),
        chosen_(observation.chosen),
        workers_(observation.workers),
        golden_(integers),
        reference_(plan_, observation.workers, observation.memory),
        codes_(plan_.tensors.size()) {
    reference_.load(images_, chosen_);
    for (const std::size_t image : chosen_)
      codes_[0].emplace_back(images_.image(image), images_.image(image) + images_.image_size());
  }

  void run(std::size_t i) override {
    const PlannedLayer& layer = plan_.layers[i];
    reference_.run(layer);
    probe_.reset();
    if (layer.requantizes()) probe_.emplace(integers_, i);
    codes_[index(layer.output)].resize(chosen_.size());
    workers_.run(chosen_.size(), [&](std::size_t image, std::size_t) {
      codes_[index(layer.output)][image] =
          golden_.run_layer(i, codes_[index(layer.input)][image], residual_codes(layer, image));
    });
  }

  void release(std::size_t i) override {
    reference_.release(i);
    for (std::size_t tensor = 0; tensor < codes_.size(); ++tensor) {
      bool read = false;
      for (std::size_t j = i + 1; j < plan_.layers.size(); ++j)
        read = read || index(plan_.layers[j].input) == tensor || plan_.layers[j].residual == static_cast<int>(tensor);
      if (!read) codes_[tensor] = {};
    }
  }

  std::span<const float> reference(int tensor) const override { return reference_.of(tensor).values(); }

  Codes codes(int tensor, std::size_t image) const override { return codes_[index(tensor)][image]; }

  Values quantized(int tensor, std::size_t image) const override {
    Values values(plan_.tensor(tensor).shape.size());
    if (tensor == 0) {
      place_image(plan_, images_.image(chosen_[image]), values.data());
      return values;
    }
    const qnet::Tensor& from = integers_.tensors[index(tensor)];
    const Codes& codes = codes_[index(tensor)][image];
    for (std::size_t j = 0; j < values.size(); ++j)
      values[j] = std::ldexp(static_cast<float>(codes[j]), from.exponent(static_cast<int>(j % index(from.channels))));
    return values;
  }

  Unrounded unrounded(std::size_t i, std::size_t image) const override {
    const PlannedLayer& planned = plan_.layers[i];
    const qnet::Layer& layer = integers_.layers[i];
    const qnet::Tensor& tensor = integers_.out(layer);
    const qnet::LayerProbe::Result found =
        probe_->run(codes_[index(planned.input)][image], residual_codes(planned, image));
    Unrounded result;
    result.accumulator = found.accumulator;
    if (!plan_.tensor(planned.output).is_logits) result.ties = count_ties(found.sums, layer.shifts, layer.lo, layer.hi);
    const std::size_t channels = index(tensor.channels);
    Values steps;
    for (std::size_t k = 0; k < channels; ++k) {
      const int exponent = layer.has_table() ? layer.table_exponent : tensor.exponent(static_cast<int>(k));
      steps.push_back(std::ldexp(1.0f, exponent - layer.shifts[k]));
    }
    result.values.resize(found.sums.size());
    for (std::size_t j = 0; j < result.values.size(); ++j)
      result.values[j] = static_cast<float>(found.sums[j]) * steps[j % channels];
    if (planned.function) planned.function->evaluate(result.values.data(), result.values.data(), result.values.size());
    plan_.activate(planned, result.values.data(), result.values.size());
    return result;
  }

private:
  std::span<const std::int32_t> residual_codes(const PlannedLayer& layer, std::size_t image) const {
    if (layer.residual < 0) return {};
    return codes_[index(layer.residual)][image];
  }

  const qnet::Network& integers_;
  const ImageSet& images_;
  const std::vector<std::size_t>& chosen_;
  ThreadPool& workers_;
  qnet::Golden golden_;
  TensorValues reference_;
  std::vector<std::vector<Codes>> codes_;  ///< [tensor][image]
  std::optional<qnet::LayerProbe> probe_;  ///< of the layer last run
};

}  // namespace

std::unique_ptr<ObservedNetwork> observe_integers(const Observation& observation, const qnet::Network& integers) {
  return std::make_unique<ObservedIntegers>(observation, integers);
}

}  // namespace shiftsim::quantizer
