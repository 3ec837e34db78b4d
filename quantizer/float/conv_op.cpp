#include "quantizer/float/conv_op.h"

#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

#include "common/error.h"
#include "quantizer/float/onednn.h"
#include "quantizer/float/weight_gradient.h"

namespace shiftsim::quantizer {

namespace {

using Memory = dnnl::memory;
using Tag = Memory::format_tag;

dnnl::engine make_cpu() {
#if DNNL_VERSION_MAJOR >= 3
  // Debian 13's oneDNN 3.7.2: on some machines convolutions are wrong with AVX and AVX-512
  // (tests/quantizer/float_engine_test.cpp), and one of ResNet-50 divides by zero with AVX2 and AVX-512. With SSE4.1
  // all of these tests pass everywhere.
  dnnl::set_max_cpu_isa(dnnl::cpu_isa::sse41);
#endif
  return {dnnl::engine::kind::cpu, 0};
}

dnnl::engine& cpu() {
  static dnnl::engine engine = make_cpu();
  return engine;
}

/// One thread per primitive: chunks are what runs in parallel, and the bits must not depend on the thread count.
class SingleThreaded {
public:
  SingleThreaded() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~SingleThreaded() { omp_set_num_threads(before_); }
  SingleThreaded(const SingleThreaded&) = delete;
  SingleThreaded& operator=(const SingleThreaded&) = delete;

private:
  int before_;
};

}  // namespace

ConvGeometry ConvGeometry::of(const Graph& graph, const Node& conv) {
  return {graph.at(conv.inputs[0]).shape, conv.shape, conv.window, conv.groups};
}

std::size_t ConvGeometry::weight_count() const {
  return static_cast<std::size_t>(output.channels) * static_cast<std::size_t>(input.channels / groups) *
         static_cast<std::size_t>(window.kernel_h) * static_cast<std::size_t>(window.kernel_w);
}

struct ConvScratch::Impl {
  /// Grows only; oneDNN wants its memory aligned.
  struct Buffer {
    static constexpr std::size_t kAlignment = 64;
    std::unique_ptr<void, decltype(&std::free)> data{nullptr, &std::free};
    std::size_t size = 0;

    void* at_least(std::size_t bytes) {
      if (bytes > size) {
        size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
        data.reset(std::aligned_alloc(kAlignment, size));
        if (!data) throw std::bad_alloc();
      }
      return data.get();
    }
  };
  Buffer scratchpad, weights;
};

ConvScratch::ConvScratch() : impl_(std::make_unique<Impl>()) {}
ConvScratch::~ConvScratch() = default;
ConvScratch::ConvScratch(ConvScratch&&) noexcept = default;
ConvScratch& ConvScratch::operator=(ConvScratch&&) noexcept = default;

struct ConvOp::Impl {
  /// The primitives for one number of images, and the weights in the layouts they want.
  struct Prepared {
    dnnl::convolution_forward::primitive_desc desc;
    dnnl::convolution_forward primitive;
    Memory weights;
    // Made when first needed:
    dnnl::convolution_backward_data::primitive_desc data_desc;
    dnnl::convolution_backward_data data_primitive;
    Memory data_weights;
    dnnl::convolution_backward_weights::primitive_desc weights_desc;
    dnnl::convolution_backward_weights weights_primitive;
    dnnl::reorder to_weights, to_data_weights, to_plain;
  };

  /// Sizes as oneDNN's descriptors take them.
  struct Arguments {
    Memory::desc src, weights, dst;
    Memory::dims strides, dilation, pads_before, pads_after;
  };

  ConvGeometry geometry;
  std::size_t chunk;
  bool backward = false;
  Memory::dims weights_dims;
  Memory::desc plain_weights_desc, bias_desc;
  Memory plain_weights, bias;
  mutable std::mutex mutex;
  mutable std::map<std::size_t, std::unique_ptr<Prepared>> prepared;

  Impl(const ConvGeometry& of, std::size_t size) : geometry(of), chunk(size) {
    const int k = geometry.output.channels, c = geometry.input.channels, g = geometry.groups;
    const Window& w = geometry.window;
    weights_dims =
        g == 1 ? Memory::dims{k, c, w.kernel_h, w.kernel_w} : Memory::dims{g, k / g, c / g, w.kernel_h, w.kernel_w};
    plain_weights_desc = Memory::desc(weights_dims, Memory::data_type::f32, g == 1 ? Tag::oihw : Tag::goihw);
    bias_desc = Memory::desc({k}, Memory::data_type::f32, Tag::x);
    plain_weights = Memory(plain_weights_desc, cpu());
    bias = Memory(bias_desc, cpu());
  }

  void reorder_weights(Prepared& target) const {
    dnnl::stream stream(cpu());
    Memory source = plain_weights;
    target.to_weights.execute(stream, source, target.weights);
    if (target.data_weights) target.to_data_weights.execute(stream, source, target.data_weights);
    stream.wait();
  }

  Arguments arguments(std::size_t images) const {
    const Shape &in = geometry.input, &out = geometry.output;
    const Window& w = geometry.window;
    const auto n = static_cast<Memory::dim>(images);
    // oneDNN counts dilation from 0 and takes the last pads as they follow from the output's size.
    return {{{n, in.channels, in.height, in.width}, Memory::data_type::f32, Tag::nhwc},
            {weights_dims, Memory::data_type::f32, Tag::any},
            {{n, out.channels, out.height, out.width}, Memory::data_type::f32, Tag::nhwc},
            {w.stride_h, w.stride_w},
            {w.dilation_h - 1, w.dilation_w - 1},
            {w.pad_top, w.pad_left},
            {used_pad(in.height, out.height, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top),
             used_pad(in.width, out.width, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left)}};
  }

  const Prepared& prepare(std::size_t images) const {
    const std::lock_guard lock(mutex);
    auto& slot = prepared[images];
    if (slot) return *slot;
    const SingleThreaded single;
    const Arguments a = arguments(images);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // one a call: calls run in parallel
    constexpr auto kDirect = dnnl::algorithm::convolution_direct;
    auto made = std::make_unique<Prepared>();
    // Training wants the forward primitive as the backward ones' hint.
    made->desc = forward_desc<dnnl::convolution_forward>(
        cpu(), attributes, backward ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference, kDirect,
        a.src, a.weights, bias_desc, a.dst, a.strides, a.dilation, a.pads_before, a.pads_after);
    made->primitive = dnnl::convolution_forward(made->desc);
    made->weights = Memory(made->desc.weights_desc(), cpu());
    made->to_weights = dnnl::reorder(plain_weights, made->weights);
    if (backward) {
      made->data_desc =
          backward_desc<dnnl::convolution_backward_data>(cpu(), attributes, made->desc, kDirect, a.src, a.weights,
                                                         a.dst, a.strides, a.dilation, a.pads_before, a.pads_after);
      made->data_primitive = dnnl::convolution_backward_data(made->data_desc);
      made->data_weights = Memory(made->data_desc.weights_desc(), cpu());
      made->to_data_weights = dnnl::reorder(plain_weights, made->data_weights);
      made->weights_desc = backward_desc<dnnl::convolution_backward_weights>(
          cpu(), attributes, made->desc, kDirect, a.src, a.weights, bias_desc, a.dst, a.strides, a.dilation,
          a.pads_before, a.pads_after);
      made->weights_primitive = dnnl::convolution_backward_weights(made->weights_desc);
      made->to_plain = dnnl::reorder(
          dnnl::reorder::primitive_desc(cpu(), made->weights_desc.diff_weights_desc(), cpu(), plain_weights_desc));
    }
    reorder_weights(*made);
    slot = std::move(made);
    return *slot;
  }

  const Prepared& check(std::size_t images, bool needs_backward) const {
    SHIFTSIM_CHECK(images >= 1 && images <= chunk, "{} images in chunks of {}", images, chunk);
    SHIFTSIM_CHECK(backward || !needs_backward, "prepare_backward() was not called");
    return prepare(images);
  }

  /// What of the padding behind the map the last window reaches (negative: rows of the map it leaves out).
  static Memory::dim used_pad(int size, int out, int kernel, int stride, int dilation, int pad_before) {
    return (out - 1) * stride + dilation * (kernel - 1) + 1 - size - pad_before;
  }
};

namespace {

Memory working_memory(const Memory::desc& desc, auto& buffer) {
  return {desc, cpu(), buffer.at_least(std::max<std::size_t>(desc.get_size(), 1))};
}

}  // namespace

ConvOp::ConvOp(const ConvGeometry& geometry, std::size_t chunk) : impl_(std::make_unique<Impl>(geometry, chunk)) {}
ConvOp::~ConvOp() = default;
ConvOp::ConvOp(ConvOp&&) noexcept = default;
ConvOp& ConvOp::operator=(ConvOp&&) noexcept = default;

const ConvGeometry& ConvOp::geometry() const {
  return impl_->geometry;
}
std::size_t ConvOp::chunk() const {
  return impl_->chunk;
}

void ConvOp::set_weights(std::span<const float> weight, std::span<const float> bias) {
  SHIFTSIM_CHECK(weight.size() == impl_->geometry.weight_count(), "{} weights", weight.size());
  SHIFTSIM_CHECK(bias.size() == static_cast<std::size_t>(impl_->geometry.output.channels), "{} biases", bias.size());
  std::copy(weight.begin(), weight.end(), static_cast<float*>(impl_->plain_weights.get_data_handle()));
  std::copy(bias.begin(), bias.end(), static_cast<float*>(impl_->bias.get_data_handle()));
  const SingleThreaded single;
  for (auto& [images, prepared] : impl_->prepared) impl_->reorder_weights(*prepared);
}

void ConvOp::prepare_backward() {
  if (impl_->backward) return;
  impl_->backward = true;
  impl_->prepared.clear();
}

void ConvOp::forward(const float* src, float* dst, std::size_t images, ConvScratch& scratch) const {
  const SingleThreaded single;
  const Impl::Prepared& prepared = impl_->check(images, false);
  dnnl::stream stream(cpu());
  const Memory::desc pad = prepared.desc.scratchpad_desc();
  // oneDNN reads the source only, but its interface knows no const.
  prepared.primitive.execute(stream, {{DNNL_ARG_SRC, Memory(prepared.desc.src_desc(), cpu(), const_cast<float*>(src))},
                                      {DNNL_ARG_WEIGHTS, prepared.weights},
                                      {DNNL_ARG_BIAS, impl_->bias},
                                      {DNNL_ARG_DST, Memory(prepared.desc.dst_desc(), cpu(), dst)},
                                      {DNNL_ARG_SCRATCHPAD, working_memory(pad, scratch.impl_->scratchpad)}});
  stream.wait();
}

void ConvOp::backward_data(const float* diff_dst, float* diff_src, std::size_t images, ConvScratch& scratch) const {
  const SingleThreaded single;
  const Impl::Prepared& prepared = impl_->check(images, true);
  const auto& desc = prepared.data_desc;
  dnnl::stream stream(cpu());
  prepared.data_primitive.execute(
      stream, {{DNNL_ARG_DIFF_DST, Memory(desc.diff_dst_desc(), cpu(), const_cast<float*>(diff_dst))},
               {DNNL_ARG_WEIGHTS, prepared.data_weights},
               {DNNL_ARG_DIFF_SRC, Memory(desc.diff_src_desc(), cpu(), diff_src)},
               {DNNL_ARG_SCRATCHPAD, working_memory(desc.scratchpad_desc(), scratch.impl_->scratchpad)}});
  stream.wait();
}

void ConvOp::backward_weights(const float* src, const float* diff_dst, float* diff_weight, float* diff_bias,
                              std::size_t images, ConvScratch& scratch) const {
  const SingleThreaded single;
  const Impl::Prepared& prepared = impl_->check(images, true);
  const ConvGeometry& geometry = impl_->geometry;
  if (WeightGradient::suits(geometry)) {
    auto& buffers = *scratch.impl_;
    void* padded = buffers.scratchpad.at_least(WeightGradient::padded_size(geometry) * sizeof(float));
    void* sum = buffers.weights.at_least(WeightGradient::sum_size(geometry) * sizeof(float));
    WeightGradient::run(geometry, src, diff_dst, diff_weight, diff_bias, images, static_cast<float*>(padded),
                        static_cast<float*>(sum));
    return;
  }
  const auto& desc = prepared.weights_desc;
  dnnl::stream stream(cpu());
  Memory blocked = working_memory(desc.diff_weights_desc(), scratch.impl_->weights);
  prepared.weights_primitive.execute(
      stream, {{DNNL_ARG_SRC, Memory(desc.src_desc(), cpu(), const_cast<float*>(src))},
               {DNNL_ARG_DIFF_DST, Memory(desc.diff_dst_desc(), cpu(), const_cast<float*>(diff_dst))},
               {DNNL_ARG_DIFF_WEIGHTS, blocked},
               {DNNL_ARG_DIFF_BIAS, Memory(impl_->bias_desc, cpu(), diff_bias)},
               {DNNL_ARG_SCRATCHPAD, working_memory(desc.scratchpad_desc(), scratch.impl_->scratchpad)}});
  Memory plain(impl_->plain_weights_desc, cpu(), diff_weight);
  prepared.to_plain.execute(stream, blocked, plain);
  stream.wait();
}

}  // namespace shiftsim::quantizer
