#include "sim/core/pe_array.h"

#include <algorithm>

#include "sim/core/array_kernel.h"

namespace shiftsim::sim {
namespace {

std::int32_t sign_extend(std::int32_t value, int bits) {
  const int unused = 32 - bits;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(value) << unused) >> unused;
}

}  // namespace

PeArray::PeArray(const Geometry& geometry, const WeightScratchpad& weights, const OperandSelect& operands,
                 CoreCounters& counters)
    : g_(geometry), weights_(weights), operands_(operands), counters_(counters) {
  const auto pixels = static_cast<std::size_t>(g_.pixels);
  const std::size_t pes = pixels * static_cast<std::size_t>(g_.channels);
  acc_.resize(pes);
  s_.resize(pixels);
  for (std::size_t i = 0; i < 2; ++i) {
    drain_acc_[i].resize(pes);
    drain_s_[i].resize(pixels);
  }
}

void PeArray::clock(const Step& step) {
  Events& events = counters_.of(step.context->layer);
  const Operands& operands = operands_.at(step.words);
  events.accumulator_updates += static_cast<std::int64_t>(operands.active) * g_.channels;
  switch (step.context->command->mode) {
    case Mode::kConv:
      convolve(step, operands, events);
      break;
    case Mode::kDepthwise:
      depthwise(step, operands, events);
      break;
    case Mode::kMax:
      maximum(step, operands, events);
      break;
  }
  if (step.capture) capture(step, operands.active, events);
}

void PeArray::convolve(const Step& step, const Operands& operands, Events& events) {
  const auto lanes = static_cast<std::size_t>(g_.lanes);
  const std::size_t first = static_cast<std::size_t>(step.sub) * lanes;
  const std::int16_t* op = operands.value.data() + first;
  conv_step(acc_.data(), op, weights_.digits(step.weights, step.plane0), operands.active,
            static_cast<int>(operands_.stride()), g_.channels, g_.lanes, step.clear, step.shift);
  const std::uint8_t* digit_count = weights_.nonzero(step.weights, step.plane0);
  const std::uint8_t* op_count = operands.nonzero.data() + first;
  std::int64_t adds = 0;
  for (std::size_t l = 0; l < lanes; ++l) adds += digit_count[l] * op_count[l];
  const std::int64_t pes = std::int64_t{g_.pixels} * g_.channels;
  events.mac_digit_adds_active += adds;
  events.mac_digit_adds_gated += pes * g_.lanes - adds;
  events.operand_register_bits += std::int64_t{kOperandBits} * operands.active * g_.lanes;
  events.digit_register_bits += std::int64_t{kDigitBits} * g_.channels * g_.lanes;
  if (!step.s_en) return;
  if (step.clear || step.shift) std::fill_n(s_.begin(), operands.active, 0);  // the first step of the plane
  add_offsets(op, operands.active);
  for (std::size_t l = 0; l < lanes; ++l) events.offset_column_adds += op_count[l];
  events.offset_column_updates += operands.active;
}

void PeArray::add_offsets(const std::int16_t* op, int pixels) {
  for (int p = 0; p < pixels; ++p) {
    for (int l = 0; l < g_.lanes; ++l) s_[static_cast<std::size_t>(p)] += op[l];
    op += operands_.stride();
  }
}

void PeArray::depthwise(const Step& step, const Operands& operands, Events& events) {
  const std::int16_t* digits = weights_.digits(step.weights, step.plane0);
  depthwise_step(acc_.data(), operands.value.data(), digits, operands.active, static_cast<int>(operands_.stride()),
                 g_.channels, step.clear, step.shift);
  std::int64_t adds = 0;
  for (std::size_t n = 0; n < static_cast<std::size_t>(g_.channels); ++n)
    adds += digits[n] != 0 ? operands.nonzero[n] : 0;
  events.mac_digit_adds_active += adds;
  events.mac_digit_adds_gated += std::int64_t{g_.pixels} * g_.channels * g_.lanes - adds;
  events.operand_register_bits += std::int64_t{kOperandBits} * operands.active * g_.channels;
  events.digit_register_bits += std::int64_t{kDigitBits} * g_.channels;
}

void PeArray::maximum(const Step& step, const Operands& operands, Events& events) {
  max_step(acc_.data(), operands.value.data(), operands.active, static_cast<int>(operands_.stride()), g_.channels,
           step.clear);
  events.max_compares += std::int64_t{operands.active} * g_.channels;
  events.operand_register_bits += std::int64_t{kOperandBits} * operands.active * g_.channels;
}

void PeArray::capture(const Step& step, int active, Events& events) {
  drain_ ^= 1;
  drain_slots_ = active;
  drain_has_s_ = step.context->command->has_offset;
  for (std::size_t i = 0; i < acc_.size(); ++i) drain_acc_[drain_][i] = sign_extend(acc_[i], g_.acc_bits);
  for (std::size_t p = 0; p < s_.size(); ++p) drain_s_[drain_][p] = sign_extend(s_[p], g_.acc_bits);
  events.drain_captures += std::int64_t{g_.pixels} * g_.channels + (drain_has_s_ ? g_.pixels : 0);
}

}  // namespace shiftsim::sim
