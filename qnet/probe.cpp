#include "qnet/probe.h"

#include <algorithm>

#include "common/error.h"
#include "qnet/golden.h"
#include "qnet/layer_kind.h"

namespace shiftsim::qnet {
namespace {

Tensor wide(Tensor tensor, int channels) {
  tensor.channels = channels;
  tensor.bits = kLogitsBits;
  tensor.is_signed = true;
  tensor.exponents = {0};
  return tensor;
}

/// A network of this layer alone that gives its sums as logits: no shift, no clamp.
Network sums_of(const Network& network, const Layer& layer) {
  Network result;
  result.tensors.push_back(network.in(layer));
  Layer copy = layer;
  copy.input = 0;
  if (layer.residual >= 0) {
    copy.residual = static_cast<int>(result.tensors.size());
    result.tensors.push_back(network.tensors[static_cast<std::size_t>(layer.residual)]);
  }
  copy.output = static_cast<int>(result.tensors.size());
  result.tensors.push_back(wide(network.out(layer), network.out(layer).channels));
  std::fill(copy.shifts.begin(), copy.shifts.end(), std::int8_t{0});
  copy.lo = 0;
  copy.hi.clear();
  copy.activation = Activation::kNone;
  copy.table.clear();
  result.layers.push_back(std::move(copy));
  return result;
}

/// A network whose outputs are S, one for each group: what the offset column sums up.
Network offset_column_of(const Network& network, const Layer& layer) {
  Network result;
  result.tensors = {network.in(layer), wide(network.out(layer), layer.groups)};
  Layer copy = layer;
  copy.input = 0;
  copy.output = 1;
  copy.residual = -1;
  const auto groups = static_cast<std::size_t>(layer.groups);
  copy.weights.assign(layer.weights.size() / layer.bias.size() * groups, 1);
  copy.weight_exponents.assign(groups, 0);
  copy.offsets.assign(groups, 0);
  copy.bias.assign(groups, 0);
  copy.shifts.assign(groups, 0);
  copy.residual_shifts.clear();
  copy.lo = 0;
  copy.hi.clear();
  copy.activation = Activation::kNone;
  copy.table.clear();
  result.layers.push_back(std::move(copy));
  return result;
}

/// rs(r, s) of the contract.
std::int64_t residual_shift(std::int64_t r, int s) {
  return s >= 0 ? r * (std::int64_t{1} << s) : (r + (std::int64_t{1} << (-s - 1))) >> -s;
}

}  // namespace

struct LayerProbe::Impl {
  Layer layer;
  bool column;  ///< S is needed to tell A from x
  Network sums_network, column_network;
  Golden sums;
  std::unique_ptr<Golden> offset_column;

  Impl(const Network& network, const Layer& one)
      : layer(one),
        column(one.has_offset() && !one.keeps_channels_apart(network.in(one).channels)),
        sums_network(sums_of(network, one)),
        sums(sums_network) {
    if (!column) return;
    column_network = offset_column_of(network, one);
    offset_column = std::make_unique<Golden>(column_network);
  }
};

LayerProbe::LayerProbe(const Network& network, std::size_t layer) {
  SHIFTSIM_CHECK(layer < network.layers.size() && row_of(network.layers[layer].kind).requantizes,
                 "layer {} has no sums", layer);
  impl_ = std::make_unique<Impl>(network, network.layers[layer]);
}
LayerProbe::~LayerProbe() = default;

LayerProbe::Result LayerProbe::run(std::span<const std::int32_t> input, std::span<const std::int32_t> residual) const {
  const Layer& layer = impl_->layer;
  Result result;
  result.sums = impl_->sums.run_layer(0, input, residual);
  std::vector<std::int32_t> column;
  if (impl_->column) column = impl_->offset_column->run_layer(0, input, {});
  const auto channels = static_cast<std::size_t>(impl_->sums_network.output().channels);
  const auto groups = static_cast<std::size_t>(layer.groups);
  bool first = true;
  const auto add = [&](std::int64_t value) {
    if (first) result.accumulator = {value, value};
    first = false;
    result.accumulator.low = std::min(result.accumulator.low, value);
    result.accumulator.high = std::max(result.accumulator.high, value);
  };
  for (const std::int32_t sum : column) add(sum);
  for (std::size_t i = 0; i < result.sums.size(); ++i) {
    const std::size_t k = i % channels;
    std::int64_t value = result.sums[i];
    if (!layer.bias.empty()) value -= layer.bias[k];
    if (layer.residual >= 0) value -= residual_shift(residual[i], layer.residual_shifts[k]);
    // x = 2A + cS
    if (impl_->column) {
      const std::size_t group = k / (channels / groups);
      value = (value - std::int64_t{layer.offsets[k]} * column[i / channels * groups + group]) / 2;
    }
    add(value);
  }
  return result;
}

}  // namespace shiftsim::qnet
