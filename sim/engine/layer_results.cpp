#include "sim/engine/layer_results.h"

#include <utility>

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

MappingResult describe_mapping(const MappedLayer& mapped) {
  const Mapping& m = mapped.mapping;
  return {m.tiling.rows, m.tiling.cols,      m.block,     m.weights_outer ? "weights" : "outputs",
          m.held,        m.k_split,          m.act_split, mapped.candidates,
          mapped.tried,  mapped.alone_cycles};
}

/// All of a LayerResult that does not come from running it. Tiles and estimates are of one batch.
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
  r.mapping = describe_mapping(plan.mapped);
  r.estimated_cycles = plan.mapped.estimate.cycles;
  r.estimated_dram_bytes = plan.mapped.estimate.dram_bytes;
  return r;
}

std::vector<DramMapEntry> dram_map(const qnet::Network& network, const Program& program) {
  std::vector<DramMapEntry> map;
  for (const DramArea& area : program.dram.areas()) {
    const auto index = static_cast<std::size_t>(area.index);
    const bool tensor = area.kind == DramArea::Kind::kTensor;
    map.push_back({tensor ? "tensor" : "parameters", tensor ? network.tensors[index].name : network.layers[index].name,
                   area.address, area.bytes, area.level == MemoryLevel::kL2 ? "l2" : "dram",
                   tensor ? program.dram.image_pitch(area.index) : 0});
  }
  return map;
}

}  // namespace

RunResult machine_result(const qnet::Network& network, const Program& program, std::int64_t images,
                         const MachineCounts& counts) {
  const std::int64_t batches = images / program.dram.batch();
  RunResult result;
  result.images = images;
  result.batch = program.dram.batch();
  result.dram_map = dram_map(network, program);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].is_view()) continue;
    LayerResult layer = describe_layer(network, network.layers[i], program.plans[i]);
    layer.events = counts.events[i];
    layer.causes = counts.causes[i];
    layer.cycles = layer.events.cycles;
    layer.macs = qnet::macs(network, network.layers[i]) * images;
    layer.tiles *= batches;
    layer.estimated_cycles *= static_cast<double>(batches);
    layer.estimated_dram_bytes *= static_cast<double>(batches);
    result.cycles += layer.cycles;
    result.layers.push_back(std::move(layer));
  }
  return result;
}

}  // namespace shiftsim::sim
