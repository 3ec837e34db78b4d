#include "sim/compiler/compiler.h"

#include <array>
#include <optional>

#include "common/error.h"
#include "qnet/bounds.h"
#include "sim/compiler/output_stationary.h"
#include "sim/compiler/reduction_split.h"

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
  const int tiles_a_map = ceil_div(task.map_rows(), tiling.rows) * ceil_div(task.out().width, tiling.cols);
  LayerPlan plan;
  plan.mapper = mapper.name();
  plan.mapped = mapped;
  plan.planes = task.view.planes;
  plan.steps = task.view.steps;
  plan.channel_tiles = task.channel_tiles();
  plan.tiles = task.maps() * tiles_a_map * plan.channel_tiles;
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

namespace {

/// Most bytes, in whole bursts, of a layer's weights and tables where the scratchpads do not hold all of them together,
/// so that a mapping may load them more than once; 0 where they do.
std::int64_t refetched_weight_bytes(const LayerView& view, const Geometry& g, int burst_bytes) {
  if (view.mode == Mode::kMax) return 0;
  const auto tiles = static_cast<std::int64_t>(view.tiles.size());
  const std::int64_t words = std::int64_t{view.planes} * view.steps;
  const bool k_split = words > g.wgt_depth;
  const std::int64_t block = k_split ? 1 : std::min<std::int64_t>(g.wgt_depth / words, g.tab_depth / g.ppu_beats());
  if (block >= tiles && !k_split) return 0;
  const auto bursts = [&](std::int64_t bits) {
    return ceil_div(ceil_div<std::int64_t>(bits, 8), std::int64_t{burst_bytes}) * burst_bytes;
  };
  // Each tile by itself, and each piece of it, begins with a burst.
  const auto pieces = k_split ? static_cast<std::int64_t>(split_reduction(view, g, true).size()) : 0;
  return tiles * (bursts(words * g.wgt_word_bits()) + bursts(std::int64_t{g.ppu_beats()} * g.tab_word_bits()) +
                  pieces * burst_bytes);
}

std::vector<std::int64_t> weights_for_l2(const qnet::Network& network, const AcceleratorConfig& accelerator) {
  const Geometry geometry = geometry_of(accelerator);
  std::vector<std::int64_t> bytes(network.layers.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].is_view()) continue;
    const LayerView view = view_layer(network, network.layers[i], geometry);
    bytes[i] = refetched_weight_bytes(view, geometry, accelerator.dram.burst_bytes);
  }
  return bytes;
}

}  // namespace

DramLayout layout_of(const qnet::Network& network, const AcceleratorConfig& accelerator, int batch) {
  std::vector<std::int64_t> weights;
  if (accelerator.l2.kib > 0) weights = weights_for_l2(network, accelerator);
  return {network,
          accelerator.array.cols,
          accelerator.dram.burst_bytes,
          std::int64_t{accelerator.l2.kib} * 1024,
          std::move(weights),
          batch};
}

LayerTask make_task(const qnet::Network& network, const AcceleratorConfig& accelerator, int index,
                    const DramLayout& dram) {
  const Geometry geometry = geometry_of(accelerator);
  const qnet::Layer& layer = network.layers[static_cast<std::size_t>(index)];
  LayerView view = view_layer(network, layer, geometry);
  const qnet::Tensor& out = network.out(layer);
  const bool one_pixel = out.height == 1 && out.width == 1;
  // The DMA packs the windows of a stem image by image.
  if (dram.batch() > 1 && one_pixel && !view.im2row && reaches_next_image(view)) stack_images(view);
  return {network, accelerator, geometry, index, std::move(view), dram};
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
                const std::vector<MappedLayer>& mappings, Contents contents, int batch) {
  SHIFTSIM_CHECK(mappings.size() == network.layers.size(), "{} mappings for {} layers", mappings.size(),
                 network.layers.size());
  Program program;
  program.geometry = geometry_of(accelerator);
  program.dram = layout_of(network, accelerator, batch);
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

Program compile(const qnet::Network& network, const AcceleratorConfig& accelerator, int batch) {
  check_network(network, accelerator);
  const DramLayout dram = layout_of(network, accelerator, batch);
  const OutputStationaryMapper mapper;
  std::vector<MappedLayer> mappings;
  mappings.reserve(network.layers.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].is_view())
      mappings.emplace_back();
    else
      mappings.push_back(least_estimate(mapper, make_task(network, accelerator, static_cast<int>(i), dram)));
  }
  return compile(network, accelerator, mappings, Contents::kFilled, batch);
}

}  // namespace shiftsim::sim
