#include "sim/engine/layer_description.h"

namespace shiftsim::sim {
namespace {

std::string kind_name(const qnet::Network& network, const qnet::Layer& layer) {
  if (layer.kind != qnet::LayerKind::kConv) return qnet::to_string(layer.kind);
  const qnet::Tensor& in = network.in(layer);
  if (layer.keeps_channels_apart(in.channels)) return "depthwise";
  if (layer.groups > 1) return "grouped";
  const qnet::Tensor& out = network.out(layer);
  const bool one_pixel = out.height * out.width == 1;
  return one_pixel && in.height == layer.kernel_h && in.width == layer.kernel_w ? "linear" : "conv";
}

}  // namespace

LayerResult describe_layer(const qnet::Network& network, const qnet::Layer& layer, const LayerPlan& plan) {
  const qnet::Tensor& in = network.in(layer);
  const qnet::Tensor& out = network.out(layer);
  LayerResult r;
  r.name = layer.name;
  r.kind = kind_name(network, layer);
  r.in_h = in.height;
  r.in_w = in.width;
  r.in_c = in.channels;
  r.out_h = out.height;
  r.out_w = out.width;
  r.out_c = out.channels;
  r.kernel_h = layer.kernel_h;
  r.kernel_w = layer.kernel_w;
  r.stride = layer.stride_h;
  r.groups = layer.groups;
  r.weight_bits = layer.kind == qnet::LayerKind::kConv ? layer.weight_bits : 0;
  r.input_bits = in.bits;
  r.digits = plan.planes;
  r.tiles = plan.tiles;
  r.estimated_cycles = plan.estimate.cycles;
  r.estimated_dram_bytes = plan.estimate.dram_bytes;
  return r;
}

}  // namespace shiftsim::sim
