#include "qnet/golden_layer.h"

#include <algorithm>

#include "common/error.h"
#include "common/index.h"

namespace shiftsim::qnet {
namespace {

Tables make_tables(const Network& network, const Layer& layer, bool logits) {
  Tables tables;
  const Tensor& output = network.out(layer);
  for (int k = 0; k < output.channels; ++k) {
    const std::size_t i = index(k);
    const int n = layer.shifts[i];
    tables.c.push_back(layer.offsets.empty() ? 0 : layer.offsets[i]);
    const std::uint32_t half = n > 0 ? 1U << (n - 1) : 0U;
    const std::uint32_t bias = layer.bias.empty() ? 0U : static_cast<std::uint32_t>(layer.bias[i]);
    tables.bias.push_back(static_cast<std::int32_t>(bias + half));
    tables.right.push_back(std::max(n, 0));
    tables.left.push_back(std::max(-n, 0));
    tables.lo.push_back(layer.lo);
    tables.hi.push_back(logits ? 0 : layer.hi[i]);
    if (layer.residual >= 0) {
      const int s = layer.residual_shifts[i];
      tables.res_half.push_back(s < 0 ? 1 << (-s - 1) : 0);
      tables.res_right.push_back(std::max(-s, 0));
      tables.res_left.push_back(std::max(s, 0));
    }
  }
  return tables;
}

/// Packs conv weights [k][ky][kx][c] to [group][block][pair][lane][2].
void pack_weights(GoldenLayer& prepared, int lanes) {
  const Layer& layer = *prepared.layer;
  const int group_inputs = prepared.input->channels / layer.groups,
            group_outputs = prepared.output->channels / layer.groups;
  const bool whole_rows = layer.dilation_w == 1 && layer.groups == 1;  // kx and c follow one another in memory
  const int run_length = whole_rows ? layer.kernel_w * group_inputs : group_inputs;
  const int runs_per_row = whole_rows ? 1 : layer.kernel_w;
  const int run_pairs = (run_length + 1) / 2;
  for (int ky = 0; ky < layer.kernel_h; ++ky) {
    for (int i = 0; i < runs_per_row; ++i) {
      prepared.runs.push_back({prepared.tap_offsets[index(ky * layer.kernel_w + i)], run_pairs});
    }
  }
  prepared.pairs = run_pairs * static_cast<int>(prepared.runs.size());
  prepared.vectors = group_outputs > lanes ? 2 : 1;
  const int block = prepared.vectors * lanes;
  const int blocks = (group_outputs + block - 1) / block;
  const std::size_t per_output = index(layer.kernel_h) * index(layer.kernel_w) * index(group_inputs);
  prepared.weights.assign(index(layer.groups) * index(blocks) * index(prepared.pairs) * 2 * index(block), 0);
  for (int k = 0; k < prepared.output->channels; ++k) {
    const int group = k / group_outputs, in_group = k % group_outputs;
    std::int16_t* to =
        prepared.weights.data() +
        (index(group) * index(blocks) + index(in_group / block)) * index(prepared.pairs) * 2 * index(block) +
        2 * index(in_group % block);
    const std::int8_t* from = layer.weights.data() + index(k) * per_output;
    for (std::size_t run = 0; run < prepared.runs.size(); ++run) {
      for (int i = 0; i < run_length; ++i) {
        const std::size_t pair = run * index(run_pairs) + index(i / 2);
        to[pair * 2 * index(block) + index(i % 2)] = from[run * index(run_length) + index(i)];
      }
    }
  }
}

/// Weights of a layer that keeps channels apart: 2q + c where there are offsets, q otherwise; the kind's own where it
/// has no weights.
void pack_depthwise(GoldenLayer& prepared, int lanes) {
  const Layer& layer = *prepared.layer;
  const int step = 2 * lanes, taps = static_cast<int>(prepared.tap_offsets.size());
  prepared.weight_stride = (prepared.channels + step - 1) / step * step;
  prepared.depthwise_weights.assign(index(taps) * index(prepared.weight_stride), 0);
  const bool offset = layer.has_offset();
  for (int k = 0; k < prepared.channels; ++k) {
    for (int t = 0; t < taps; ++t) {
      int w = row_of(layer.kind).fixed_weight;
      if (row_of(layer.kind).has_weights) {
        w = layer.weights[index(k) * index(taps) + index(t)];
        if (offset) w = 2 * w + layer.offsets[index(k)];
      }
      // The upper half of the lane must add nothing.
      prepared.depthwise_weights[index(t) * index(prepared.weight_stride) + index(k)] = static_cast<std::uint16_t>(w);
    }
  }
}

}  // namespace

GoldenLayer prepare_layer(const Network& network, const Layer& layer, bool logits, int lanes) {
  GoldenLayer prepared;
  prepared.layer = &layer;
  prepared.input = &network.in(layer);
  prepared.output = &network.out(layer);
  prepared.logits = logits;
  if (layer.is_view()) {
    if (layer.residual >= 0) prepared.joined = &network.tensors[index(layer.residual)];
    prepared.height = prepared.input->height;
    prepared.width = prepared.input->width;
    prepared.channels = prepared.input->channels;
    return prepared;
  }
  prepared.depthwise = layer.keeps_channels_apart(prepared.input->channels);
  prepared.repeat = prepared.depthwise ? prepared.output->channels / prepared.input->channels : 1;
  prepared.height = prepared.input->height + layer.pad_top + layer.pad_bottom;
  prepared.width = prepared.input->width + layer.pad_left + layer.pad_right;
  prepared.channels = prepared.input->channels * prepared.repeat;
  prepared.copy =
      prepared.height != prepared.input->height || prepared.width != prepared.input->width || prepared.repeat != 1;
  SHIFTSIM_CHECK(prepared.image_size() < (1U << 30), "layer {}: input too large", layer.name);

  for (int c = 0; c < prepared.channels; ++c) {
    int value = 0;
    if (row_of(layer.kind).padding == Padding::kLowest) value = prepared.input->low();
    if (!layer.pad_values.empty()) value = layer.pad_values[index(c / prepared.repeat)];
    prepared.padding.push_back(static_cast<std::int16_t>(value));
  }
  auto offset = [&](int y, int x) { return (y * prepared.width + x) * prepared.channels; };
  for (int y = 0; y < prepared.output->height; ++y) {
    for (int x = 0; x < prepared.output->width; ++x)
      prepared.pixel_offsets.push_back(offset(y * layer.stride_h, x * layer.stride_w));
  }
  for (int y = 0; y < layer.kernel_h; ++y) {
    for (int x = 0; x < layer.kernel_w; ++x)
      prepared.tap_offsets.push_back(offset(y * layer.dilation_h, x * layer.dilation_w));
  }
  if (!row_of(layer.kind).requantizes) return prepared;
  for (const std::uint8_t entry : layer.table)
    prepared.table.push_back(prepared.output->is_signed ? static_cast<std::int8_t>(entry) : entry);
  prepared.tables = make_tables(network, layer, logits);
  if (prepared.depthwise) {
    pack_depthwise(prepared, lanes);
  } else {
    pack_weights(prepared, lanes);
    prepared.sums = layer.has_offset();
  }
  return prepared;
}

}  // namespace shiftsim::qnet
