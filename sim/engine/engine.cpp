#include "sim/engine/engine.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "common/error.h"
#include "common/log.h"
#include "qnet/golden.h"
#include "sim/compiler/compiler.h"
#include "sim/engine/system.h"

namespace shiftsim::sim {
namespace {

std::string kind_name(const qnet::Network& network, const qnet::Layer& layer) {
  if (layer.kind != qnet::LayerKind::kConv) return qnet::to_string(layer.kind);
  const qnet::Tensor& in = network.in(layer);
  if (layer.is_depthwise(in.channels)) return "depthwise";
  if (layer.groups > 1) return "grouped";
  const qnet::Tensor& out = network.out(layer);
  return out.height * out.width == 1 && in.height == layer.kernel_h && in.width == layer.kernel_w ? "linear" : "conv";
}

LayerResult describe(const qnet::Network& network, const qnet::Layer& layer, const LayerPlan& plan) {
  const qnet::Tensor& in = network.in(layer);
  const qnet::Tensor& out = network.out(layer);
  LayerResult r;
  r.name = layer.name, r.kind = kind_name(network, layer);
  r.in_h = in.height, r.in_w = in.width, r.in_c = in.channels, r.out_h = out.height, r.out_w = out.width,
  r.out_c = out.channels;
  r.kernel_h = layer.kernel_h, r.kernel_w = layer.kernel_w, r.stride = layer.stride_h, r.groups = layer.groups;
  r.weight_bits = layer.kind == qnet::LayerKind::kConv ? layer.weight_bits : 0;
  r.input_bits = in.bits, r.digits = plan.planes;
  r.tiles = plan.tiles;
  return r;
}

/// Every tensor the core wrote against the golden reference.
void compare_values(const qnet::Network& network, const TensorMemory& memory, const qnet::ImageTrace& golden,
                    std::int64_t image, ValueCheck& check) {
  for (std::size_t i = 1; i < network.tensors.size(); ++i) {
    const qnet::Tensor& tensor = network.tensors[i];
    const std::vector<std::int32_t> values = memory.values(static_cast<int>(i));
    ++check.tensors;
    check.values += static_cast<std::int64_t>(values.size());
    for (std::size_t v = 0; v < values.size(); ++v) {
      if (values[v] == golden[i][v]) continue;
      if (check.mismatches++ == 0) {
        const std::size_t c = static_cast<std::size_t>(tensor.channels), w = static_cast<std::size_t>(tensor.width);
        check.first_mismatch = fmt::format(
            "image {}, tensor {}, pixel ({}, {}), channel {}: expected {} (golden), actual {} (SystemC core)", image,
            tensor.name, v / c / w, v / c % w, v % c, golden[i][v], values[v]);
      }
    }
  }
  ++check.images;
}

std::string scope_text(const SystemOptions& options, const Geometry& g) {
  const std::string cycles =
      options.compare_cycles > 0 ? fmt::format("each of the first {} cycles", options.compare_cycles) : "every cycle";
  return fmt::format("RTL against SystemC core: every output port in {}, all {} accumulators at every drain", cycles,
                     g.pixels * g.channels + g.pixels);
}

/// Runs the same images again up to the difference on the RTL built for tracing, the last cycles into an FST file.
std::string record_waveform(const RunConfig& config, const qnet::Network& network, const Program& program,
                            const ImageSet& images, std::int64_t images_run, std::int64_t difference_cycle,
                            SystemOptions options, const std::filesystem::path& output) {
  std::filesystem::create_directories(output);
  options.rtl = RtlLibrary::open(program.geometry, {true, config.lockstep.mutant});
  options.trace = output / "lockstep.fst";
  options.trace_from = std::max<std::int64_t>(0, difference_cycle - config.lockstep.wave_cycles);
  System system(network, program, config.accelerator.dram, options);
  for (std::int64_t image = 0; image < images_run; ++image)
    if (!system.run(images.image(static_cast<std::size_t>(image)))) break;
  SHIFTSIM_CHECK(system.scoreboard()->difference() && system.scoreboard()->difference()->cycle == difference_cycle,
                 "the run with tracing did not show the difference of cycle {} again", difference_cycle);
  return options.trace.string();
}

}  // namespace

RunResult run(const RunConfig& config, const qnet::Network& network, const ImageSet& images,
              const std::filesystem::path& output) {
  RunResult result;
  result.versions.emplace_back("systemc", systemc_version());
  const Program program = compile(network, config.accelerator);
  for (std::size_t i = 0; i < network.layers.size(); ++i)
    result.layers.push_back(describe(network, network.layers[i], program.plans[i]));

  SystemOptions options;
  const bool lockstep = config.fidelity == Fidelity::kLockstep;
  if (lockstep) {
    options.rtl = RtlLibrary::open(program.geometry, {false, config.lockstep.mutant});
    result.versions.emplace_back("verilator", verilator_version());
    options.seed = static_cast<std::uint32_t>(config.seed);
    options.compare_cycles = config.lockstep.max_cycles;
  }
  const qnet::Golden golden(network);
  const auto count = std::min<std::int64_t>(config.image_count, static_cast<std::int64_t>(images.count));
  bool same = true;
  std::int64_t started = 0;
  std::optional<Difference> difference;
  {
    System system(network, program, config.accelerator.dram, options);
    Progress progress(to_string(config.fidelity), static_cast<std::size_t>(count), "images");
    while (same && started < count) {
      const std::uint8_t* image = images.image(static_cast<std::size_t>(started));
      const auto begin = std::chrono::steady_clock::now();
      same = system.run(image);
      result.host_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      if (same) compare_values(network, system.memory(), golden.trace(image), started, result.values);
      ++started;
      progress.update(static_cast<std::size_t>(started));
    }
    result.images = started;
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      LayerResult& layer = result.layers[i];
      layer.events = system.core().events()[i];
      layer.events += system.dma().events()[i];
      layer.causes = system.core().causes()[i];
      layer.cycles = layer.events.cycles;
      layer.macs = qnet::macs(network, network.layers[i]) * started;
      layer.tiles *= started;
      result.cycles += layer.cycles;
    }
    SHIFTSIM_CHECK(result.cycles == system.core().cycle(), "{} cycles attributed to layers, {} run", result.cycles,
                   system.core().cycle());
    if (lockstep) {
      const Scoreboard& board = *system.scoreboard();
      result.lockstep.verdict = same ? "pass" : "fail";
      result.lockstep.scope = scope_text(options, program.geometry);
      result.lockstep.images = started;
      result.lockstep.cycles = board.cycles();
      result.lockstep.comparisons = board.comparisons();
      result.lockstep.accumulator_comparisons = board.accumulator_comparisons();
      difference = board.difference();
    }
  }
  if (difference) {
    result.lockstep.difference = fmt::format("{} (seed {})", difference->text(), config.seed);
    spdlog::error("lockstep: {}", result.lockstep.difference);
    if (config.lockstep.wave_cycles > 0)
      result.lockstep.waveform =
          record_waveform(config, network, program, images, started, difference->cycle, options, output);
  }
  return result;
}

}  // namespace shiftsim::sim
