#include "qnet/golden.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "common/error.h"
#include "common/index.h"
#include "common/thread_pool.h"
#include "qnet/golden_layer.h"

namespace shiftsim::qnet {
namespace {

using Codes = std::vector<std::int16_t>;

}  // namespace

struct Golden::Impl {
  const Network& network;
  const Kernels& kernels;
  std::vector<GoldenLayer> layers;
  std::vector<std::size_t> slot;        ///< of each tensor: tensors whose lives do not overlap share a buffer
  std::vector<std::size_t> slot_codes;  ///< codes of one image in each slot
  int batch = 1;                        ///< images a thread takes at a time

  Impl(const Network& n, SimdTarget target) : network(n), kernels(kernels_for(target)) {
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      layers.push_back(prepare_layer(network, network.layers[i], i + 1 == network.layers.size(), kernels.lanes));
    }
    share_buffers();
    // A few images, so that small maps fill the kernels' blocks of pixels and weights are read once for all of them;
    // but not more than the caches hold.
    constexpr std::size_t kBatchCodes = 1U << 17;
    std::size_t largest = 1;
    for (const GoldenLayer& prepared : layers)
      largest = std::max({largest, prepared.image_size(), prepared.output->size()});
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
    GoldenScratch scratch;
  };

  Worker make_worker() const {
    Worker worker;
    for (const std::size_t codes : slot_codes) worker.buffers.emplace_back(codes * index(batch) + kSlack);
    return worker;
  }

  void run_batch(Worker& worker, const std::uint8_t* images, int count, std::int32_t* logits) const {
    std::copy_n(images, network.input().size() * index(count), worker.buffers[slot[0]].begin());
    for (const GoldenLayer& prepared : layers) {
      const Layer& layer = *prepared.layer;
      const std::int16_t* input = worker.buffers[slot[index(layer.input)]].data();
      const std::int16_t* residual = layer.residual >= 0 ? worker.buffers[slot[index(layer.residual)]].data() : nullptr;
      std::int16_t* output = prepared.logits ? nullptr : worker.buffers[slot[index(layer.output)]].data();
      execute(prepared, kernels, input, residual, output, prepared.logits ? logits : nullptr, count, worker.scratch);
    }
  }

  std::vector<std::int32_t> run_layer(std::size_t number, std::span<const std::int32_t> input,
                                      std::span<const std::int32_t> residual) const {
    SHIFTSIM_CHECK(number < layers.size(), "layer {} of {}", number, layers.size());
    const GoldenLayer& prepared = layers[number];
    const Layer& layer = *prepared.layer;
    const Codes in = narrow(*prepared.input, input);
    Codes res;
    if (layer.residual >= 0) res = narrow(network.tensors[index(layer.residual)], residual);
    SHIFTSIM_CHECK(layer.residual >= 0 || residual.empty(), "layer {}: takes no residual", layer.name);
    GoldenScratch scratch;
    std::vector<std::int32_t> result(prepared.output->size());
    if (prepared.logits) {
      execute(prepared, kernels, in.data(), layer.residual >= 0 ? res.data() : nullptr, nullptr, result.data(), 1,
              scratch);
      return result;
    }
    Codes codes(prepared.output->size() + kSlack);
    execute(prepared, kernels, in.data(), layer.residual >= 0 ? res.data() : nullptr, codes.data(), nullptr, 1,
            scratch);
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

Golden::Golden(const Network& network, SimdTarget target) : impl_(std::make_unique<Impl>(network, target)) {}
Golden::~Golden() = default;

std::vector<std::int32_t> Golden::run(const std::uint8_t* images, std::size_t count, int threads,
                                      const std::function<void(std::size_t)>& progress) const {
  impl_->check_images(images, count);
  const std::size_t image_size = impl_->network.input().size(), classes = impl_->network.output().size();
  const std::size_t batch = index(impl_->batch);
  std::vector<std::int32_t> logits(count * classes);
  const std::size_t batches = (count + batch - 1) / batch;
  std::vector<std::optional<Impl::Worker>> workers(std::min(batches, index(std::max(threads, 1))));
  std::mutex mutex;  // of 'done' and 'progress'
  std::size_t done = 0;
  parallel_for(batches, threads, [&](std::size_t number, std::size_t thread) {
    // Each thread makes its own buffers, so that they lie in memory near to it.
    std::optional<Impl::Worker>& worker = workers[thread];
    if (!worker) worker = impl_->make_worker();
    const std::size_t first = number * batch, images_here = std::min(batch, count - first);
    impl_->run_batch(*worker, images + first * image_size, static_cast<int>(images_here),
                     logits.data() + first * classes);
    const std::lock_guard lock(mutex);
    done += images_here;
    if (progress) progress(done);
  });
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
