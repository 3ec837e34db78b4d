#include "qnet/golden.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>

#include "common/error.h"
#include "qnet/golden_kernels.h"
#include "qnet/golden_select.h"
#include "qnet/layer_kind.h"

namespace shiftsim::qnet {
namespace {

using Codes = std::vector<std::int16_t>;

std::size_t index(int i) {
  return static_cast<std::size_t>(i);
}

/// The owner of a layer's ChannelTables.
struct Tables {
  std::vector<std::int32_t> c, bias, right, left, lo, hi, res_half, res_right, res_left;

  ChannelTables view() const {
    return {c.data(),  bias.data(),     right.data(),     left.data(),    lo.data(),
            hi.data(), res_half.data(), res_right.data(), res_left.data()};
  }
};

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

/// A layer prepared for the kernels: packed weights, tables, and where things are in the padded input.
struct Plan {
  const Layer* layer = nullptr;
  const Tensor *input = nullptr, *output = nullptr;
  bool logits = false;
  bool depthwise = false;                   ///< channels kept apart (pooling too)
  bool copy = false;                        ///< the input is copied, to pad it or to repeat its channels
  int repeat = 1;                           ///< depthwise: outputs of one input channel
  int height = 0, width = 0, channels = 0;  ///< of what the kernels read: padded, repeated
  std::vector<std::int16_t> padding;        ///< [channels] what positions outside the map hold
  std::vector<std::int32_t> pixel_offsets;  ///< [output pixels]
  std::vector<std::int32_t> tap_offsets;    ///< [taps]
  std::vector<Run> runs;
  int pairs = 0, vectors = 1, weight_stride = 0;
  std::vector<std::int16_t> weights;
  std::vector<std::int32_t> depthwise_weights;
  Tables tables;
  bool sums = false;

  std::size_t image_size() const { return index(height) * index(width) * index(channels); }
  int pixels() const { return output->height * output->width; }
};

/// Packs conv weights [k][ky][kx][c] to [group][block][pair][lane][2].
void pack_weights(Plan& plan, int lanes) {
  const Layer& layer = *plan.layer;
  const int group_inputs = plan.input->channels / layer.groups, group_outputs = plan.output->channels / layer.groups;
  const bool whole_rows = layer.dilation_w == 1 && layer.groups == 1;  // kx and c follow one another in memory
  const int run_length = whole_rows ? layer.kernel_w * group_inputs : group_inputs;
  const int runs_per_row = whole_rows ? 1 : layer.kernel_w;
  const int run_pairs = (run_length + 1) / 2;
  for (int ky = 0; ky < layer.kernel_h; ++ky) {
    for (int i = 0; i < runs_per_row; ++i) {
      plan.runs.push_back({plan.tap_offsets[index(ky * layer.kernel_w + i)], run_pairs});
    }
  }
  plan.pairs = run_pairs * static_cast<int>(plan.runs.size());
  plan.vectors = group_outputs > lanes ? 2 : 1;
  const int block = plan.vectors * lanes;
  const int blocks = (group_outputs + block - 1) / block;
  const std::size_t per_output = index(layer.kernel_h) * index(layer.kernel_w) * index(group_inputs);
  plan.weights.assign(index(layer.groups) * index(blocks) * index(plan.pairs) * 2 * index(block), 0);
  for (int k = 0; k < plan.output->channels; ++k) {
    const int group = k / group_outputs, in_group = k % group_outputs;
    std::int16_t* to = plan.weights.data() +
                       (index(group) * index(blocks) + index(in_group / block)) * index(plan.pairs) * 2 * index(block) +
                       2 * index(in_group % block);
    const std::int8_t* from = layer.weights.data() + index(k) * per_output;
    for (std::size_t run = 0; run < plan.runs.size(); ++run) {
      for (int i = 0; i < run_length; ++i) {
        const std::size_t pair = run * index(run_pairs) + index(i / 2);
        to[pair * 2 * index(block) + index(i % 2)] = from[run * index(run_length) + index(i)];
      }
    }
  }
}

/// Weights of a layer that keeps channels apart: 2q + c where there are offsets, q otherwise, 1 for a sum pool.
void pack_depthwise(Plan& plan, int lanes) {
  const Layer& layer = *plan.layer;
  const int step = 2 * lanes, taps = static_cast<int>(plan.tap_offsets.size());
  plan.weight_stride = (plan.channels + step - 1) / step * step;
  plan.depthwise_weights.assign(index(taps) * index(plan.weight_stride), 0);
  const bool offset = layer.has_offset();
  for (int k = 0; k < plan.channels; ++k) {
    for (int t = 0; t < taps; ++t) {
      int w = 1;
      if (layer.kind == LayerKind::kConv) {
        w = layer.weights[index(k) * index(taps) + index(t)];
        if (offset) w = 2 * w + layer.offsets[index(k)];
      }
      // The upper half of the lane must add nothing.
      plan.depthwise_weights[index(t) * index(plan.weight_stride) + index(k)] = static_cast<std::uint16_t>(w);
    }
  }
}

Plan make_plan(const Network& network, const Layer& layer, bool logits, int lanes) {
  Plan plan;
  plan.layer = &layer;
  plan.input = &network.in(layer);
  plan.output = &network.out(layer);
  plan.logits = logits;
  plan.depthwise = layer.keeps_channels_apart(plan.input->channels);
  plan.repeat = layer.kind == LayerKind::kConv && plan.depthwise ? plan.output->channels / plan.input->channels : 1;
  plan.height = plan.input->height + layer.pad_top + layer.pad_bottom;
  plan.width = plan.input->width + layer.pad_left + layer.pad_right;
  plan.channels = plan.input->channels * plan.repeat;
  plan.copy = plan.height != plan.input->height || plan.width != plan.input->width || plan.repeat != 1;
  SHIFTSIM_CHECK(plan.image_size() < (1U << 30), "layer {}: input too large", layer.name);

  for (int c = 0; c < plan.channels; ++c) {
    int value = 0;
    if (row_of(layer.kind).padding == Padding::kLowest) value = plan.input->low();
    if (!layer.pad_values.empty()) value = layer.pad_values[index(c / plan.repeat)];
    plan.padding.push_back(static_cast<std::int16_t>(value));
  }
  auto offset = [&](int y, int x) { return (y * plan.width + x) * plan.channels; };
  for (int y = 0; y < plan.output->height; ++y) {
    for (int x = 0; x < plan.output->width; ++x)
      plan.pixel_offsets.push_back(offset(y * layer.stride_h, x * layer.stride_w));
  }
  for (int y = 0; y < layer.kernel_h; ++y) {
    for (int x = 0; x < layer.kernel_w; ++x)
      plan.tap_offsets.push_back(offset(y * layer.dilation_h, x * layer.dilation_w));
  }
  if (!row_of(layer.kind).requantizes) return plan;
  plan.tables = make_tables(network, layer, logits);
  if (plan.depthwise) {
    pack_depthwise(plan, lanes);
  } else {
    pack_weights(plan, lanes);
    plan.sums = layer.has_offset();
  }
  return plan;
}

/// One image's map with its padding around it and each channel 'repeat' times.
void pad_image(const Plan& plan, const std::int16_t* from, std::int16_t* to) {
  const Layer& layer = *plan.layer;
  const std::size_t channels = index(plan.channels), in_row = index(plan.input->width) * index(plan.input->channels);
  auto fill = [&](std::size_t positions) {
    for (std::size_t i = 0; i < positions; ++i) {
      for (std::size_t c = 0; c < channels; ++c) to[c] = plan.padding[c];
      to += channels;
    }
  };
  fill(index(layer.pad_top) * index(plan.width));
  for (int y = 0; y < plan.input->height; ++y, from += in_row) {
    fill(index(layer.pad_left));
    if (plan.repeat == 1) {
      std::memcpy(to, from, in_row * sizeof *to);
      to += in_row;
    } else {
      for (std::size_t i = 0; i < in_row; ++i) {
        for (int r = 0; r < plan.repeat; ++r) *to++ = from[i];
      }
    }
    fill(index(layer.pad_right));
  }
  fill(index(layer.pad_bottom) * index(plan.width));
}

/// S of every output pixel and group of a batch: sums over the channels first, then over the window.
void window_sums(const Plan& plan, const std::int16_t* input, int images, std::vector<std::int32_t>& column,
                 std::vector<std::int32_t>& sums) {
  const std::size_t groups = index(plan.layer->groups), depth = index(plan.channels) / groups;
  SHIFTSIM_CHECK(depth > 0, "{} channels in {} groups", plan.channels, groups);
  const std::size_t positions = index(plan.height) * index(plan.width), pixels = index(plan.pixels());
  column.resize(positions * groups);
  sums.resize(index(images) * pixels * groups);
  std::int32_t* out = sums.data();
  for (int image = 0; image < images; ++image) {
    const std::int16_t* at = input + index(image) * plan.image_size();
    for (std::int32_t& sum : column) {
      std::int32_t total = 0;
      for (std::size_t c = 0; c < depth; ++c) total += at[c];
      sum = total;
      at += depth;
    }
    for (std::size_t pixel = 0; pixel < pixels; ++pixel, out += groups) {
      const std::size_t first = index(plan.pixel_offsets[pixel]) / depth;  // positions * groups
      std::fill_n(out, groups, 0);
      for (const std::int32_t tap : plan.tap_offsets) {
        const std::int32_t* from = column.data() + first + index(tap) / depth;
        for (std::size_t g = 0; g < groups; ++g) out[g] += from[g];
      }
    }
  }
}

/// Buffers that the layers of one thread share.
struct Scratch {
  Codes padded;
  std::vector<std::int32_t> column, sums;
};

/// Executes one layer on a batch. Inputs are followed by kSlack readable codes. One of 'output' and 'logits' is null.
void execute(const Plan& plan, const Kernels& kernels, const std::int16_t* input, const std::int16_t* residual,
             std::int16_t* output, std::int32_t* logits, int images, Scratch& scratch) {
  const std::int16_t* read = input;
  if (plan.copy) {
    const std::size_t needed = plan.image_size() * index(images) + kSlack;
    if (scratch.padded.size() < needed) scratch.padded.resize(needed);
    for (int i = 0; i < images; ++i) {
      pad_image(plan, input + index(i) * plan.input->size(), scratch.padded.data() + index(i) * plan.image_size());
    }
    read = scratch.padded.data();
  }
  const auto image_stride = static_cast<std::int64_t>(plan.image_size());
  if (plan.layer->kind == LayerKind::kMaxPool) {
    kernels.max_pool({read, image_stride, plan.pixel_offsets.data(), plan.tap_offsets.data(), plan.pixels(), images,
                      plan.channels, static_cast<int>(plan.tap_offsets.size()), output});
    return;
  }
  if (plan.sums) window_sums(plan, read, images, scratch.column, scratch.sums);
  const SumTask common{read,
                       image_stride,
                       plan.pixel_offsets.data(),
                       plan.pixels(),
                       images,
                       plan.output->channels,
                       plan.tables.view(),
                       plan.sums ? scratch.sums.data() : nullptr,
                       residual,
                       output,
                       logits};
  if (plan.depthwise) {
    kernels.depthwise({common, plan.depthwise_weights.data(), plan.tap_offsets.data(),
                       static_cast<int>(plan.tap_offsets.size()), plan.weight_stride});
  } else {
    const int groups = plan.layer->groups;
    kernels.conv({common, plan.weights.data(), plan.runs.data(), static_cast<int>(plan.runs.size()), plan.pairs, groups,
                  plan.input->channels / groups, plan.output->channels / groups, plan.vectors});
  }
}

std::atomic<const Kernels*> forced_kernels{nullptr};

}  // namespace

void force_kernels(const Kernels* kernels) {
  forced_kernels = kernels;
}

struct Golden::Impl {
  const Network& network;
  const Kernels& kernels;
  std::vector<Plan> plans;
  std::vector<std::size_t> slot;        ///< of each tensor: tensors whose lives do not overlap share a buffer
  std::vector<std::size_t> slot_codes;  ///< codes of one image in each slot
  int batch = 1;                        ///< images a thread takes at a time

  explicit Impl(const Network& n)
      : network(n), kernels(forced_kernels.load() != nullptr ? *forced_kernels.load() : *available_kernels().back()) {
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      plans.push_back(make_plan(network, network.layers[i], i + 1 == network.layers.size(), kernels.lanes));
    }
    share_buffers();
    // A few images, so that small maps fill the kernels' blocks of pixels and weights are read once for all of them;
    // but not more than the caches hold.
    constexpr std::size_t kBatchCodes = 1U << 17;
    std::size_t largest = 1;
    for (const Plan& plan : plans) largest = std::max({largest, plan.image_size(), plan.output->size()});
    batch = static_cast<int>(std::clamp<std::size_t>(kBatchCodes / largest, 1, 16));
  }

  void share_buffers() {
    std::vector<std::size_t> last_use(network.tensors.size(), 0);
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      const Layer& layer = network.layers[i];
      last_use[index(layer.input)] = i;
      if (layer.residual >= 0) last_use[index(layer.residual)] = i;
      last_use[index(layer.output)] = std::max(last_use[index(layer.output)], i);
    }
    slot.assign(network.tensors.size(), 0);
    std::vector<std::size_t> free_after;  // of each slot: the last layer that uses it
    auto place = [&](std::size_t tensor, std::size_t layer) {
      std::size_t best = 0;
      while (best < free_after.size() && free_after[best] >= layer) ++best;
      if (best == free_after.size()) {
        free_after.push_back(0);
        slot_codes.push_back(0);
      }
      free_after[best] = last_use[tensor];
      slot_codes[best] = std::max(slot_codes[best], network.tensors[tensor].size());
      slot[tensor] = best;
    };
    place(0, 0);
    for (std::size_t i = 0; i < network.layers.size(); ++i) place(index(network.layers[i].output), i);
  }

  void check_images(const std::uint8_t* images, std::size_t count) const {
    SHIFTSIM_CHECK(images != nullptr || count == 0, "no images");
  }

  /// Buffers of one thread.
  struct Worker {
    std::vector<Codes> buffers;
    Scratch scratch;
  };

  Worker make_worker() const {
    Worker worker;
    for (const std::size_t codes : slot_codes) worker.buffers.emplace_back(codes * index(batch) + kSlack);
    return worker;
  }

  void run_batch(Worker& worker, const std::uint8_t* images, int count, std::int32_t* logits) const {
    std::copy_n(images, network.input().size() * index(count), worker.buffers[slot[0]].begin());
    for (const Plan& plan : plans) {
      const Layer& layer = *plan.layer;
      const std::int16_t* input = worker.buffers[slot[index(layer.input)]].data();
      const std::int16_t* residual = layer.residual >= 0 ? worker.buffers[slot[index(layer.residual)]].data() : nullptr;
      std::int16_t* output = plan.logits ? nullptr : worker.buffers[slot[index(layer.output)]].data();
      execute(plan, kernels, input, residual, output, plan.logits ? logits : nullptr, count, worker.scratch);
    }
  }

  std::vector<std::int32_t> run_layer(std::size_t number, std::span<const std::int32_t> input,
                                      std::span<const std::int32_t> residual) const {
    SHIFTSIM_CHECK(number < plans.size(), "layer {} of {}", number, plans.size());
    const Plan& plan = plans[number];
    const Layer& layer = *plan.layer;
    const Codes in = narrow(*plan.input, input);
    Codes res;
    if (layer.residual >= 0) res = narrow(network.tensors[index(layer.residual)], residual);
    SHIFTSIM_CHECK(layer.residual >= 0 || residual.empty(), "layer {}: takes no residual", layer.name);
    Scratch scratch;
    std::vector<std::int32_t> result(plan.output->size());
    if (plan.logits) {
      execute(plan, kernels, in.data(), layer.residual >= 0 ? res.data() : nullptr, nullptr, result.data(), 1, scratch);
      return result;
    }
    Codes codes(plan.output->size() + kSlack);
    execute(plan, kernels, in.data(), layer.residual >= 0 ? res.data() : nullptr, codes.data(), nullptr, 1, scratch);
    std::copy_n(codes.begin(), result.size(), result.begin());
    return result;
  }

  /// Codes in 16 bits; they must be the tensor's.
  static Codes narrow(const Tensor& tensor, std::span<const std::int32_t> codes) {
    SHIFTSIM_CHECK(codes.size() == tensor.size(), "tensor {}: {} codes, expected {}", tensor.name, codes.size(),
                   tensor.size());
    Codes result(codes.size() + kSlack);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      SHIFTSIM_CHECK(codes[i] >= tensor.low() && codes[i] <= tensor.high(), "tensor {}: code {} at {}", tensor.name,
                     codes[i], i);
      result[i] = static_cast<std::int16_t>(codes[i]);
    }
    return result;
  }
};

Golden::Golden(const Network& network) : impl_(std::make_unique<Impl>(network)) {}
Golden::~Golden() = default;

std::vector<std::int32_t> Golden::run(const std::uint8_t* images, std::size_t count, int threads,
                                      const std::function<void(std::size_t)>& progress) const {
  impl_->check_images(images, count);
  const std::size_t image_size = impl_->network.input().size(), classes = impl_->network.output().size();
  const std::size_t batch = index(impl_->batch);
  std::vector<std::int32_t> logits(count * classes);
  std::atomic<std::size_t> next{0};
  std::mutex mutex;  // of all below
  std::size_t done = 0;
  std::exception_ptr error;
  auto work = [&] {
    try {
      Impl::Worker worker = impl_->make_worker();
      for (;;) {
        const std::size_t first = next.fetch_add(batch);
        if (first >= count) return;
        const std::size_t images_here = std::min(batch, count - first);
        impl_->run_batch(worker, images + first * image_size, static_cast<int>(images_here),
                         logits.data() + first * classes);
        const std::lock_guard lock(mutex);
        done += images_here;
        if (progress) progress(done);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      next = count;  // the others stop after their batch
    }
  };
  {
    const std::size_t workers = std::clamp<std::size_t>((count + batch - 1) / batch, 1, index(std::max(threads, 1)));
    std::vector<std::jthread> pool;
    for (std::size_t i = 1; i < workers; ++i) pool.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
  return logits;
}

ImageTrace Golden::trace(const std::uint8_t* image) const {
  const Network& network = impl_->network;
  ImageTrace trace(network.tensors.size());
  trace[0].assign(image, image + network.input().size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    std::span<const std::int32_t> residual;
    if (layer.residual >= 0) residual = trace[index(layer.residual)];
    trace[index(layer.output)] = impl_->run_layer(i, trace[index(layer.input)], residual);
  }
  return trace;
}

std::vector<std::int32_t> Golden::run_layer(std::size_t layer, std::span<const std::int32_t> input,
                                            std::span<const std::int32_t> residual) const {
  return impl_->run_layer(layer, input, residual);
}

std::vector<int> argmax(std::span<const std::int32_t> logits, std::size_t classes) {
  SHIFTSIM_CHECK(classes > 0 && logits.size() % classes == 0, "{} logits of {} classes", logits.size(), classes);
  std::vector<int> best(logits.size() / classes);
  for (std::size_t i = 0; i < best.size(); ++i) {
    const auto first = logits.begin() + static_cast<std::ptrdiff_t>(i * classes);
    best[i] = static_cast<int>(std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first);
  }
  return best;
}

}  // namespace shiftsim::qnet
