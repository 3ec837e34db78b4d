#include "quantizer/learn/block_hints.h"

#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/learn/learned.h"

namespace shiftsim::quantizer {

BlockHints::BlockHints(const Plan& plan, const Unit& whole, std::size_t chunk, std::size_t areas, double weight)
    : weight_(weight), layers_(static_cast<std::size_t>(whole.last - whole.first + 1)) {
  if (!(weight > 0)) return;
  for (const Unit& unit : partition(plan, Granularity::kBlock)) {
    if (plan.tensor(unit.output).is_logits) continue;
    hints_.push_back(
        {unit.output, static_cast<std::size_t>(unit.last - whole.first), plan.tensor(unit.output).shape.size(), 1});
  }
  gradients_.resize(areas);
  for (auto& of_area : gradients_)
    for (const Hint& hint : hints_) of_area.emplace_back(chunk * hint.size);
}

std::vector<int> BlockHints::tensors() const {
  std::vector<int> result;
  for (const Hint& hint : hints_) result.push_back(hint.tensor);
  return result;
}

void BlockHints::measure(const UnitModel& teacher) {
  for (Hint& hint : hints_) hint.power = variance(teacher.values(0, hint.tensor, false));
}

std::vector<const float*> BlockHints::gradients(const UnitModel& student, const UnitModel& teacher, UnitModel::Place at,
                                                std::size_t batch) {
  if (hints_.empty()) return {};
  std::vector<const float*> result(layers_);
  for (std::size_t h = 0; h < hints_.size(); ++h) {
    const Hint& hint = hints_[h];
    const auto found = student.values(at.slot, hint.tensor, false),
               wanted = teacher.values(at.area, hint.tensor, false);
    const double images = static_cast<double>(batch) * static_cast<double>(hint.size);
    const auto factor = static_cast<float>(weight_ / (hint.power * images));
    kernels::norm_loss(found.data(), wanted.data(), gradients_[at.area][h].data(), found.size(), 2, factor);
    result[hint.layer] = gradients_[at.area][h].data();
  }
  return result;
}

}  // namespace shiftsim::quantizer
