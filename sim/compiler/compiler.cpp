#include "sim/compiler/compiler.h"

#include <array>
#include <optional>

#include "common/error.h"
#include "qnet/bounds.h"
#include "sim/compiler/output_stationary.h"

namespace shiftsim::sim {
namespace {

void check_accumulator(const LayerTask& task) {
  const qnet::LayerBounds bounds = qnet::bounds(task.network, task.layer());
  const int needed = (task.view.widened ? bounds.widened : bounds.accumulator).bits();
  if (needed > task.geometry.acc_bits)
    fail("layer {}: its accumulator needs {} bits, array.accumulator_bits is {}", task.layer().name, needed,
         task.geometry.acc_bits);
}

struct Choice {
  Mapping mapping;
  Cost cost;
};

/// The candidate that takes the fewest cycles, the first of them where several do.
Choice choose(const Mapper& mapper, const LayerTask& task) {
  std::optional<Choice> best;
  for (const Mapping& mapping : mapper.candidates(task)) {
    const Cost candidate = cost(mapper.workload(task, mapping), task.accelerator.dram);
    if (!best || candidate.cycles < best->cost.cycles) best = Choice{mapping, candidate};
  }
  SHIFTSIM_CHECK(best.has_value(), "layer {}: the {} mapper has no candidate", task.layer().name, mapper.name());
  return *best;
}

LayerPlan plan_of(const Mapper& mapper, const LayerTask& task, const Choice& choice) {
  const Tiling& tiling = choice.mapping.tiling;
  LayerPlan plan;
  plan.mapper = mapper.name();
  plan.mapping = choice.mapping;
  plan.estimate = choice.cost;
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
  return g;
}

Program compile(const qnet::Network& network, const AcceleratorConfig& accelerator) {
  Program program;
  program.geometry = geometry_of(accelerator);
  program.dram = DramLayout(network, program.geometry.channels, accelerator.dram.burst_bytes);
  ProgramBuilder builder(program);
  const OutputStationaryMapper mapper;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const LayerTask task{network,
                         accelerator,
                         program.geometry,
                         static_cast<int>(i),
                         view_layer(network, network.layers[i], program.geometry),
                         program.dram};
    check_accumulator(task);
    const Choice choice = choose(mapper, task);
    builder.begin_layer(task.index, network.layers[i].name);
    mapper.emit(task, choice.mapping, builder);
    program.plans.push_back(plan_of(mapper, task, choice));
  }
  return program;
}

}  // namespace shiftsim::sim
