#include "quantizer/float/float_engine.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "common/error.h"
#include "common/thread_pool.h"
#include "quantizer/float/float_ops.h"
#include "quantizer/float/layer_op.h"
#include "quantizer/kernels/learning_kernels.h"

namespace shiftsim::quantizer {

namespace {

std::size_t chunk_for(const Graph& graph) {
  std::size_t largest = 1;
  for (const Node& node : graph.nodes) largest = std::max(largest, node.shape.size());
  return images_of_a_call(largest);
}

}  // namespace

PixelNormalization normalization(const Graph& graph, const qnet::InputSpec& spec) {
  PixelNormalization result;
  const auto channels = static_cast<std::size_t>(graph.input().shape.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double mean = spec.mean[spec.mean.size() == 1 ? 0 : c];
    const double deviation = spec.std_dev[spec.std_dev.size() == 1 ? 0 : c];
    const double scale = 1 / (spec.scale * deviation), shift = -mean / deviation;
    const double own_scale = graph.input_scale[c], own_shift = graph.input_shift[c];
    result.scale.push_back(static_cast<float>(own_scale * scale));
    result.shift.push_back(static_cast<float>(own_scale * shift + own_shift));
  }
  return result;
}

struct FloatEngine::Impl {
  const Graph& graph;
  PixelNormalization norm;
  int threads;
  std::size_t chunk;
  std::vector<std::optional<LayerOp>> layers;  ///< by node; none for the input and additions
  std::vector<int> last_reader;

  Impl(const Graph& of, const qnet::InputSpec& spec, int count)
      : graph(of), norm(normalization(of, spec)), threads(count), chunk(chunk_for(of)) {
    layers.resize(graph.nodes.size());
    last_reader.assign(graph.nodes.size(), -1);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      for (const int input : node.inputs) last_reader[static_cast<std::size_t>(input)] = static_cast<int>(i);
      const std::optional<FloatLayer> layer = FloatLayer::of(graph, node);
      if (layer) layers[i].emplace(*layer, chunk).set_weights(node.weight, node.bias);
    }
  }

  void normalize(const std::uint8_t* pixels, float* target, std::size_t count) const {
    const std::size_t channels = norm.scale.size();
    for (std::size_t i = 0; i < count; i += channels)
      for (std::size_t c = 0; c < channels; ++c)
        target[i + c] = norm.scale[c] * static_cast<float>(pixels[i + c]) + norm.shift[c];
  }

  /// One node over at most a chunk of images.
  void run_chunk(int index, const float* first, const float* second, float* out, std::size_t images,
                 ConvScratch& scratch) const {
    const Node& node = graph.at(index);
    const std::optional<LayerOp>& layer = layers[static_cast<std::size_t>(index)];
    const std::size_t count = images * node.shape.size();
    if (layer) {
      layer->forward(first, second, out, images, scratch);
    } else {
      SHIFTSIM_CHECK(node.kind == NodeKind::kAdd, "node {} of kind {}", node.name, to_string(node.kind));
      std::copy_n(first, count, out);
      kernels::add(out, second, count);
    }
    clamp_in_place(node.clamp, out, count);
  }
};

FloatEngine::FloatEngine(const Graph& graph, const qnet::InputSpec& spec, int threads)
    : impl_(std::make_unique<Impl>(graph, spec, threads)) {}
FloatEngine::~FloatEngine() = default;

std::vector<float> FloatEngine::run(const ImageSet& images, std::size_t first, std::size_t count,
                                    const std::function<void(std::size_t)>& progress) const {
  const Impl& impl = *impl_;
  const Graph& graph = impl.graph;
  SHIFTSIM_CHECK(first + count <= images.count, "images {} to {} of {}", first, first + count, images.count);
  const std::size_t classes = graph.output().shape.size();
  std::vector<float> logits(count * classes);
  std::mutex mutex;
  std::size_t done = 0;
  const std::size_t chunks = (count + impl.chunk - 1) / impl.chunk;
  parallel_for(chunks, impl.threads, [&](std::size_t index, std::size_t) {
    const std::size_t begin = index * impl.chunk, here = std::min(impl.chunk, count - begin);
    std::vector<std::vector<float>> values(graph.nodes.size());
    ConvScratch scratch;
    values[0].resize(here * graph.input().shape.size());
    impl.normalize(images.image(first + begin), values[0].data(), values[0].size());
    for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      values[i].resize(here * node.shape.size());
      const float* second = node.inputs.size() > 1 ? values[static_cast<std::size_t>(node.inputs[1])].data() : nullptr;
      impl.run_chunk(static_cast<int>(i), values[static_cast<std::size_t>(node.inputs[0])].data(), second,
                     values[i].data(), here, scratch);
      for (const int input : node.inputs)
        if (impl.last_reader[static_cast<std::size_t>(input)] == static_cast<int>(i))
          values[static_cast<std::size_t>(input)] = {};
    }
    std::copy(values.back().begin(), values.back().end(),
              logits.begin() + static_cast<std::ptrdiff_t>(begin * classes));
    if (progress) {
      const std::lock_guard lock(mutex);
      progress(done += here);
    }
  });
  return logits;
}

std::vector<float> FloatEngine::run_node(int index, const std::vector<const float*>& inputs, std::size_t count) const {
  const Impl& impl = *impl_;
  const Node& node = impl.graph.at(index);
  SHIFTSIM_CHECK(inputs.size() == node.inputs.size() && !inputs.empty(), "node {}: {} inputs", node.name,
                 inputs.size());
  std::vector<float> result(count * node.shape.size());
  parallel_for((count + impl.chunk - 1) / impl.chunk, impl.threads, [&](std::size_t chunk, std::size_t) {
    const std::size_t begin = chunk * impl.chunk, here = std::min(impl.chunk, count - begin);
    const auto at = [&](std::size_t i) { return inputs[i] + begin * impl.graph.at(node.inputs[i]).shape.size(); };
    ConvScratch scratch;
    impl.run_chunk(index, at(0), inputs.size() > 1 ? at(1) : nullptr, result.data() + begin * node.shape.size(), here,
                   scratch);
  });
  return result;
}

std::vector<float> FloatEngine::normalized(const ImageSet& images, const std::vector<std::size_t>& indices) const {
  const std::size_t size = images.image_size();
  std::vector<float> result(indices.size() * size);
  for (std::size_t i = 0; i < indices.size(); ++i)
    impl_->normalize(images.image(indices[i]), result.data() + i * size, size);
  return result;
}

std::vector<int> argmax_float(const std::vector<float>& logits, std::size_t classes) {
  std::vector<int> result;
  for (std::size_t begin = 0; begin + classes <= logits.size(); begin += classes) {
    const auto first = logits.begin() + static_cast<std::ptrdiff_t>(begin);
    result.push_back(static_cast<int>(std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first));
  }
  return result;
}

}  // namespace shiftsim::quantizer
