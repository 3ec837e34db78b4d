#include "sim/compiler/compiler.h"

#include <array>
#include <optional>

#include "common/error.h"
#include "qnet/bounds.h"
#include "sim/compiler/output_stationary.h"

namespace shiftsim::sim {
namespace {

/// The candidate of the least estimated cycles, the first of them where several have them.
MappedLayer least_estimate(const Mapper& mapper, const LayerTask& task) {
  std::optional<MappedLayer> best;
  mapper.visit_candidates(task, {}, [&](const Mapping& mapping, const Workload& workload) {
    const Cost candidate = cost(workload, task.accelerator);
    if (!best || candidate.cycles < best->estimate.cycles) best = MappedLayer{mapping, candidate};
  });
  SHIFTSIM_CHECK(best.has_value(), "layer {}: the {} mapper has no candidate", task.layer().name, mapper.name());
  return *best;
}

LayerPlan plan_of(const Mapper& mapper, const LayerTask& task, const MappedLayer& mapped) {
  const Tiling& tiling = mapped.mapping.tiling;
  LayerPlan plan;
  plan.mapper = mapper.name();
  plan.mapped = mapped;
  plan.planes = task.view.planes;
  plan.steps = task.view.steps;
  plan.channel_tiles = task.channel_tiles();
  plan.tiles = ceil_div(task.out().height, tiling.rows) * ceil_div(task.out().width, tiling.cols) * plan.channel_tiles;
  plan.im2row = task.view.im2row;
  plan.widened = task.view.widened;
  return plan;
}

}  // namespace

Geometry geometry_of(const AcceleratorConfig& a) {
  const Depths depths = a.depths();
  Geometry g;
  g.pixels = a.array.pixels();
  g.channels = a.array.cols;
  g.lanes = a.array.lanes;
  g.ppu_lanes = a.array.ppu_lanes;
  g.acc_bits = a.array.accumulator_bits;
  g.act_depth = depths.activation;
  g.wgt_depth = depths.weight;
  g.tab_depth = depths.table;
  g.res_depth = depths.residual;
  g.out_depth = depths.output;
  g.cmd_depth = a.command_queue_depth;
  g.activation_tables = a.array.activation_tables;
  return g;
}

DramLayout layout_of(const qnet::Network& network, const AcceleratorConfig& accelerator) {
  return {network, accelerator.array.cols, accelerator.dram.burst_bytes, std::int64_t{accelerator.l2.kib} * 1024};
}

LayerTask make_task(const qnet::Network& network, const AcceleratorConfig& accelerator, int index,
                    const DramLayout& dram) {
  const Geometry geometry = geometry_of(accelerator);
  const qnet::Layer& layer = network.layers[static_cast<std::size_t>(index)];
  return {network, accelerator, geometry, index, view_layer(network, layer, geometry), dram};
}

void check_network(const qnet::Network& network, const AcceleratorConfig& accelerator) {
  for (const qnet::Layer& layer : network.layers) {
    if (layer.is_view()) continue;
    const qnet::LayerBounds bounds = qnet::bounds(network, layer);
    const bool widened = view_layer(network, layer, geometry_of(accelerator)).widened;
    const int needed = (widened ? bounds.widened : bounds.accumulator).bits();
    if (needed > accelerator.array.accumulator_bits)
      fail("layer {}: its accumulator needs {} bits, array.accumulator_bits is {}", layer.name, needed,
           accelerator.array.accumulator_bits);
    if (layer.has_table() && !accelerator.array.activation_tables)
      fail("layer {}: its activation function is a table, which needs array.activation_tables: true", layer.name);
  }
}

Program compile(const qnet::Network& network, const AcceleratorConfig& accelerator,
                const std::vector<MappedLayer>& mappings, Contents contents) {
  SHIFTSIM_CHECK(mappings.size() == network.layers.size(), "{} mappings for {} layers", mappings.size(),
                 network.layers.size());
  Program program;
  program.geometry = geometry_of(accelerator);
  program.dram = layout_of(network, accelerator);
  program.l2 = accelerator.l2;
  ProgramBuilder builder(program, contents == Contents::kFilled);
  const OutputStationaryMapper mapper;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].is_view()) {
      program.plans.emplace_back();
      continue;
    }
    const LayerTask task = make_task(network, accelerator, static_cast<int>(i), program.dram);
    builder.begin_layer(task.index, network.layers[i].name);
    mapper.emit(task, mappings[i].mapping, builder);
    program.plans.push_back(plan_of(mapper, task, mappings[i]));
  }
  return program;
}

Program compile(const qnet::Network& network, const AcceleratorConfig& accelerator) {
  check_network(network, accelerator);
  const DramLayout dram = layout_of(network, accelerator);
  const OutputStationaryMapper mapper;
  std::vector<MappedLayer> mappings;
  mappings.reserve(network.layers.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].is_view())
      mappings.emplace_back();
    else
      mappings.push_back(least_estimate(mapper, make_task(network, accelerator, static_cast<int>(i), dram)));
  }
  return compile(network, accelerator, mappings);
}

}  // namespace shiftsim::sim
