#include "quantizer/conv_op.h"

#include <omp.h>

#include <algorithm>
#include <dnnl.hpp>
#include <map>
#include <mutex>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace {

using Memory = dnnl::memory;
using Tag = Memory::format_tag;

dnnl::engine& cpu() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

}  // namespace

ConvGeometry ConvGeometry::of(const Graph& graph, const Node& conv) {
  return {graph.at(conv.inputs[0]).shape, conv.shape, conv.window, conv.groups};
}

std::size_t ConvGeometry::weight_count() const {
  return static_cast<std::size_t>(output.channels) * static_cast<std::size_t>(input.channels / groups) *
         static_cast<std::size_t>(window.kernel_h) * static_cast<std::size_t>(window.kernel_w);
}

struct ConvOp::Impl {
  /// The primitive for one number of images, and the weights in the layout it wants.
  struct Prepared {
    dnnl::convolution_forward::primitive_desc desc;
    dnnl::convolution_forward primitive;
    Memory weights;
  };

  ConvGeometry geometry;
  std::size_t chunk;
  Memory::desc plain_weights_desc, bias_desc;
  Memory plain_weights, bias;
  mutable std::mutex mutex;
  mutable std::map<std::size_t, std::unique_ptr<Prepared>> prepared;

  Impl(const ConvGeometry& of, std::size_t size) : geometry(of), chunk(size) {
    const int k = geometry.output.channels, c = geometry.input.channels, g = geometry.groups;
    const Window& w = geometry.window;
    plain_weights_desc =
        g == 1 ? Memory::desc({k, c, w.kernel_h, w.kernel_w}, Memory::data_type::f32, Tag::oihw)
               : Memory::desc({g, k / g, c / g, w.kernel_h, w.kernel_w}, Memory::data_type::f32, Tag::goihw);
    bias_desc = Memory::desc({k}, Memory::data_type::f32, Tag::x);
    plain_weights = Memory(plain_weights_desc, cpu());
    bias = Memory(bias_desc, cpu());
  }

  void reorder_weights(Prepared& target) const {
    dnnl::stream stream(cpu());
    Memory source = plain_weights;
    dnnl::reorder(source, target.weights).execute(stream, source, target.weights);
    stream.wait();
  }

  const Prepared& prepare(std::size_t images) const {
    const std::lock_guard lock(mutex);
    auto& slot = prepared[images];
    if (slot) return *slot;
    // One thread per primitive: chunks are what runs in parallel, and the bits must not depend on the thread count.
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    const Shape &in = geometry.input, &out = geometry.output;
    const Window& w = geometry.window;
    const auto n = static_cast<Memory::dim>(images);
    const Memory::desc src({n, in.channels, in.height, in.width}, Memory::data_type::f32, Tag::nhwc);
    const Memory::desc dst({n, out.channels, out.height, out.width}, Memory::data_type::f32, Tag::nhwc);
    const Memory::desc any_weights(plain_weights_desc.dims(), Memory::data_type::f32, Tag::any);
    // oneDNN counts dilation from 0 and takes the last pads as they follow from the output's size.
    const dnnl::convolution_forward::desc op(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, src, any_weights, bias_desc, dst,
        {w.stride_h, w.stride_w}, {w.dilation_h - 1, w.dilation_w - 1}, {w.pad_top, w.pad_left},
        {used_pad(in.height, out.height, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top),
         used_pad(in.width, out.width, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left)});
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // one a call: calls run in parallel
    const dnnl::convolution_forward::primitive_desc desc(op, attributes, cpu());
    slot =
        std::make_unique<Prepared>(Prepared{desc, dnnl::convolution_forward(desc), Memory(desc.weights_desc(), cpu())});
    reorder_weights(*slot);
    omp_set_num_threads(before);
    return *slot;
  }

  /// What of the padding behind the map the last window reaches (negative: rows of the map it leaves out).
  static Memory::dim used_pad(int size, int out, int kernel, int stride, int dilation, int pad_before) {
    return (out - 1) * stride + dilation * (kernel - 1) + 1 - size - pad_before;
  }
};

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
  for (auto& [images, prepared] : impl_->prepared) impl_->reorder_weights(*prepared);
}

void ConvOp::forward(const float* src, float* dst, std::size_t images) const {
  SHIFTSIM_CHECK(images >= 1 && images <= impl_->chunk, "{} images in chunks of {}", images, impl_->chunk);
  const Impl::Prepared& prepared = impl_->prepare(images);
  dnnl::stream stream(cpu());
  const Memory scratch(prepared.desc.scratchpad_desc(), cpu());
  // oneDNN reads the source only, but its interface knows no const.
  const Memory source(prepared.desc.src_desc(), cpu(), const_cast<float*>(src));
  const Memory target(prepared.desc.dst_desc(), cpu(), dst);
  prepared.primitive.execute(stream, {{DNNL_ARG_SRC, source},
                                      {DNNL_ARG_WEIGHTS, prepared.weights},
                                      {DNNL_ARG_BIAS, impl_->bias},
                                      {DNNL_ARG_DST, target},
                                      {DNNL_ARG_SCRATCHPAD, scratch}});
  stream.wait();
}

}  // namespace shiftsim::quantizer
