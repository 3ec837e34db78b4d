#include "quantizer/learn/unit_batches.h"

#include <algorithm>
#include <numeric>

#include "quantizer/kernels/learning_kernels.h"

namespace shiftsim::quantizer {

UnitBatches::UnitBatches(const Plan& plan, const UnitData& data, const UnitTask& task, const BatchSplit& split,
                         UnitModel& model)
    : plan_(plan),
      data_(data),
      task_(task),
      split_(split),
      model_(model),
      out_size_(plan.tensor(model.unit().output).shape.size()),
      inputs_(split.areas),
      targets_(split.areas, std::vector<float>(split.chunk * out_size_)),
      gradients_(split.areas, std::vector<float>(split.chunk * out_size_)),
      losses_(split.slots) {
  for (auto& of_area : inputs_)
    for (const int tensor : model.unit().inputs) of_area.emplace_back(split.chunk * plan.tensor(tensor).shape.size());
}

std::size_t UnitBatches::memory(const Plan& plan, const Unit& unit, const BatchSplit& split) {
  std::size_t values = 2 * plan.tensor(unit.output).shape.size();  // targets and gradients, and the unit's inputs
  for (const int tensor : unit.inputs) values += plan.tensor(tensor).shape.size();
  return sizeof(float) * split.areas * split.chunk * values;
}

std::size_t UnitBatches::images_of(std::size_t slot) const {
  return std::min(split_.chunk, split_.batch - slot * split_.chunk);
}

void UnitBatches::draw(std::uint64_t iteration, double drop) {
  drop_ = drop;
  chosen_ = draw_batch(data_.images, split_.batch, mix_seed(task_.seed, iteration));
}

void UnitBatches::gather(UnitModel::Place at, std::uint64_t iteration) {
  const auto seed = static_cast<std::uint32_t>(mix_seed(task_.seed ^ 0x5bd1e995u, iteration * kSlots + at.slot));
  const std::size_t first = at.slot * split_.chunk;
  for (std::size_t i = 0; i < data_.quantized.size(); ++i) {
    const std::size_t size = plan_.tensor(model_.unit().inputs[i]).shape.size();
    for (std::size_t j = 0; j < images_of(at.slot); ++j) {
      const std::size_t image = chosen_[first + j];
      float* to = inputs_[at.area][i].data() + j * size;
      const float* quantized = data_.quantized[i].data() + image * size;
      if (drop_ <= 0) {
        std::copy_n(quantized, size, to);
        continue;
      }
      if (task_.weighted) {
        kernels::mix_weighted(quantized, data_.exact[i].data() + image * size, to, size,
                              seed + static_cast<std::uint32_t>(j * 7919 + i * 104729));
        continue;
      }
      const auto keep = static_cast<std::uint32_t>((1 - drop_) * 4294967295.0);
      kernels::mix(quantized, data_.exact[i].data() + image * size, to, size, keep,
                   seed + static_cast<std::uint32_t>(j * 7919 + i * 104729));
    }
  }
  for (std::size_t j = 0; j < images_of(at.slot); ++j)
    std::copy_n(data_.target.data() + chosen_[first + j] * out_size_, out_size_,
                targets_[at.area].data() + j * out_size_);
}

const float* UnitBatches::forward(UnitModel::Place at, std::uint64_t iteration) {
  gather(at, iteration);
  std::vector<const float*> inputs;
  for (const auto& input : inputs_[at.area]) inputs.push_back(input.data());
  const std::uint64_t counter = (iteration * kSlots + at.slot) ^ 0xabcdefull;
  return model_.forward(at, inputs, images_of(at.slot), static_cast<std::uint32_t>(mix_seed(task_.seed, counter)));
}

void UnitBatches::forward_loss(UnitModel::Place at, std::uint64_t iteration) {
  const float* y = forward(at, iteration);
  const Shape& shape = plan_.tensor(model_.unit().output).shape;
  const double pixels = static_cast<double>(split_.batch) * static_cast<double>(shape.height * shape.width);
  losses_[at.slot] =
      kernels::norm_loss(y, targets_[at.area].data(), gradients_[at.area].data(), images_of(at.slot) * out_size_,
                         static_cast<float>(task_.norm), static_cast<float>(1 / pixels)) /
      pixels;
}

double UnitBatches::loss() const {
  return std::accumulate(losses_.begin(), losses_.end(), 0.0);
}

}  // namespace shiftsim::quantizer
