// The kernels' text, included by one file per instruction set inside its unnamed namespace, after it defined
//   struct Vec { static constexpr int kLanes; using Type; zero(), load(p), store(p, v), broadcast_pair(p), widen(p),
//                madd(sum, a, b) }
// where madd adds the products of both 16-bit halves of each lane. Nothing here may call an inline function of a
// library: the linker could then take this file's copy, with its instructions, for the whole program.

constexpr int kRows = 8;  // output pixels in a block: their 8 pointers stay in registers

/// Walks the output pixels of a batch in order.
struct PixelWalk {
  const SumTask& task;
  int pixel = 0;
  const std::int16_t* image;

  explicit PixelWalk(const SumTask& t) : task(t), image(t.input) {}
  const std::int16_t* next() {
    if (pixel == task.pixels) {
      pixel = 0;
      image += task.image_stride;
    }
    return image + task.pixel_offsets[pixel++];
  }
};

/// Sums of one pixel to its outputs: channels first .. first + count.
inline __attribute__((always_inline)) void finish(const SumTask& task, std::int32_t* __restrict x, std::int64_t pixel,
                                                  int first, int count, std::int32_t s) {
  const ChannelTables& tables = task.tables;
  // Unsigned, so that additions and shifts to the left wrap as in the hardware.
  const std::int32_t* __restrict bias = tables.bias + first;
  if (task.sums != nullptr) {
    const std::int32_t* __restrict c = tables.c + first;
    const auto sum = static_cast<std::uint32_t>(s);
    for (int k = 0; k < count; ++k) {
      x[k] = static_cast<std::int32_t>(static_cast<std::uint32_t>(x[k]) * 2U + static_cast<std::uint32_t>(c[k]) * sum);
    }
  }
  if (task.residual != nullptr) {
    const std::int16_t* __restrict r = task.residual + pixel * task.channels + first;
    const std::int32_t* __restrict half = tables.res_half + first;
    const std::int32_t* __restrict right = tables.res_right + first;
    const std::int32_t* __restrict left = tables.res_left + first;
    for (int k = 0; k < count; ++k) {
      const std::uint32_t shifted = static_cast<std::uint32_t>((r[k] + half[k]) >> right[k]) << left[k];
      x[k] = static_cast<std::int32_t>(static_cast<std::uint32_t>(x[k]) + shifted);
    }
  }
  const std::int32_t* __restrict right = tables.right + first;
  const std::int32_t* __restrict left = tables.left + first;
  if (task.output == nullptr) {
    std::int32_t* __restrict out = task.logits + pixel * task.channels + first;
    for (int k = 0; k < count; ++k) {
      out[k] = static_cast<std::int32_t>((static_cast<std::uint32_t>(x[k]) + static_cast<std::uint32_t>(bias[k]))
                                         << left[k]);
    }
    return;
  }
  const std::int32_t* __restrict lo = tables.lo + first;
  const std::int32_t* __restrict hi = tables.hi + first;
  std::int16_t* __restrict out = task.output + pixel * task.channels + first;
  for (int k = 0; k < count; ++k) {
    const auto biased =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(x[k]) + static_cast<std::uint32_t>(bias[k]));
    const auto y = static_cast<std::int32_t>(static_cast<std::uint32_t>(biased >> right[k]) << left[k]);
    const std::int32_t low = y < lo[k] ? lo[k] : y;
    out[k] = static_cast<std::int16_t>(low > hi[k] ? hi[k] : low);
  }
  if (task.table == nullptr) return;
  for (int k = 0; k < count; ++k) out[k] = task.table[static_cast<std::uint16_t>(out[k]) & 255U];
}

/// Sums of kRows pixels times V vectors of output channels.
template <int V>
inline __attribute__((always_inline)) void dot_block(const std::int16_t* const* rows, const ConvTask& task,
                                                     int group_offset, const std::int16_t* __restrict weights,
                                                     std::int32_t* __restrict x) {
  typename Vec::Type sum[kRows][V];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[r][v] = Vec::zero();
  }
  for (int run = 0; run < task.run_count; ++run) {
    const std::int64_t offset = task.runs[run].offset + group_offset;
    const std::int64_t end = offset + 2 * static_cast<std::int64_t>(task.runs[run].pairs);
    for (std::int64_t at = offset; at < end; at += 2) {
      typename Vec::Type w[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) w[v] = Vec::load(weights + v * 2 * Vec::kLanes);
      weights += V * 2 * Vec::kLanes;
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const typename Vec::Type a = Vec::broadcast_pair(rows[r] + at);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sum[r][v] = Vec::madd(sum[r][v], a, w[v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) Vec::store(x + (r * V + v) * Vec::kLanes, sum[r][v]);
  }
}

template <int V>
void conv_blocks(const ConvTask& task) {
  constexpr int kBlock = V * Vec::kLanes;
  const std::int64_t total = static_cast<std::int64_t>(task.pixels) * task.images;
  const std::int64_t block_weights = static_cast<std::int64_t>(task.pairs) * 2 * kBlock;
  const std::int16_t* weights = task.weights;
  alignas(64) std::int32_t x[kRows * kBlock];
  for (int group = 0; group < task.groups; ++group) {
    for (int start = 0; start < task.group_outputs; start += kBlock, weights += block_weights) {
      const int first = group * task.group_outputs + start;
      const int count = task.group_outputs - start < kBlock ? task.group_outputs - start : kBlock;
      PixelWalk walk(task);
      for (std::int64_t pixel = 0; pixel < total; pixel += kRows) {
        const int rows_here = total - pixel < kRows ? static_cast<int>(total - pixel) : kRows;
        const std::int16_t* rows[kRows];
        for (int r = 0; r < kRows; ++r) rows[r] = r < rows_here ? walk.next() : rows[0];
        dot_block<V>(rows, task, group * task.group_inputs, weights, x);
        for (int r = 0; r < rows_here; ++r) {
          const std::int32_t s = task.sums != nullptr ? task.sums[(pixel + r) * task.groups + group] : 0;
          if (count == kBlock) {
            finish(task, x + r * kBlock, pixel + r, first, kBlock, s);
          } else {
            finish(task, x + r * kBlock, pixel + r, first, count, s);
          }
        }
      }
    }
  }
}

void conv(const ConvTask& task) {
  task.vectors == 2 ? conv_blocks<2>(task) : conv_blocks<1>(task);
}

void depthwise(const DepthwiseTask& task) {
  constexpr int kLanes = Vec::kLanes;
  const std::int64_t total = static_cast<std::int64_t>(task.pixels) * task.images;
  alignas(64) std::int32_t x[2 * kLanes];
  PixelWalk walk(task);
  for (std::int64_t pixel = 0; pixel < total; ++pixel) {
    const std::int16_t* window = walk.next();
    for (int first = 0; first < task.channels; first += 2 * kLanes) {
      typename Vec::Type low = Vec::zero(), high = Vec::zero();
      const std::int32_t* weights = task.weights + first;
      for (int tap = 0; tap < task.taps; ++tap, weights += task.weight_stride) {
        const std::int16_t* a = window + task.tap_offsets[tap] + first;
        low = Vec::madd(low, Vec::widen(a), Vec::load(weights));
        high = Vec::madd(high, Vec::widen(a + kLanes), Vec::load(weights + kLanes));
      }
      Vec::store(x, low);
      Vec::store(x + kLanes, high);
      const int left = task.channels - first;
      if (left >= 2 * kLanes) {
        finish(task, x, pixel, first, 2 * kLanes, 0);
      } else {
        finish(task, x, pixel, first, left, 0);
      }
    }
  }
}

void max_pool(const MaxPoolTask& task) {
  std::int16_t* __restrict out = task.output;
  for (int image = 0; image < task.images; ++image) {
    const std::int16_t* base = task.input + image * task.image_stride;
    for (int pixel = 0; pixel < task.pixels; ++pixel, out += task.channels) {
      const std::int16_t* window = base + task.pixel_offsets[pixel];
      const std::int16_t* __restrict first = window + task.tap_offsets[0];
      for (int c = 0; c < task.channels; ++c) out[c] = first[c];
      for (int tap = 1; tap < task.taps; ++tap) {
        const std::int16_t* __restrict a = window + task.tap_offsets[tap];
        for (int c = 0; c < task.channels; ++c) out[c] = a[c] > out[c] ? a[c] : out[c];
      }
    }
  }
}
