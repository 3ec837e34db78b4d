#include "sim/engine/machine_run.h"

#include <algorithm>
#include <chrono>

#include "common/error.h"
#include "common/log.h"
#include "sim/engine/layer_results.h"

namespace shiftsim::sim {

MachineRun::MachineRun(const EngineSetup& setup, const Program& program, const SystemOptions& options)
    : setup_(setup),
      program_(program),
      golden_(setup.network),
      system_(setup.network, program, setup.config.accelerator.dram, options) {}

bool MachineRun::run(const ImageSet& images) {
  const auto count = std::min<std::int64_t>(setup_.config.image_count, static_cast<std::int64_t>(images.count));
  Progress progress(to_string(setup_.config.fidelity), static_cast<std::size_t>(count), "images");
  bool same = true;
  while (same && started_ < count) {
    const std::uint8_t* image = images.image(static_cast<std::size_t>(started_));
    const auto begin = std::chrono::steady_clock::now();
    same = system_.run(image);
    host_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (same) compare_values(image);
    ++started_;
    progress.update(static_cast<std::size_t>(started_));
  }
  return same;
}

/// Every tensor the core wrote against the golden reference.
void MachineRun::compare_values(const std::uint8_t* image) {
  const qnet::ImageTrace golden = golden_.trace(image);
  const std::vector<qnet::Tensor>& tensors = setup_.network.tensors;
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    const std::vector<std::int32_t> values = system_.memory().values(static_cast<int>(i));
    ++values_.tensors;
    values_.values += static_cast<std::int64_t>(values.size());
    for (std::size_t v = 0; v < values.size(); ++v) {
      if (values[v] == golden[i][v]) continue;
      if (values_.mismatches++ > 0) continue;
      const auto channels = static_cast<std::size_t>(tensors[i].channels);
      const auto width = static_cast<std::size_t>(tensors[i].width);
      values_.first_mismatch = fmt::format(
          "image {}, tensor {}, pixel ({}, {}), channel {}: expected {} (golden), actual {} (SystemC core)", started_,
          tensors[i].name, v / channels / width, v / channels % width, v % channels, golden[i][v], values[v]);
    }
  }
  ++values_.images;
}

RunResult MachineRun::result() const {
  MachineCounts counts{system_.core().events(), system_.core().causes()};
  for (std::size_t i = 0; i < counts.events.size(); ++i) counts.events[i] += system_.dma().events()[i];
  RunResult result = machine_result(setup_.network, program_, started_, counts);
  SHIFTSIM_CHECK(result.cycles == system_.core().cycle(), "{} cycles attributed to layers, {} run", result.cycles,
                 system_.core().cycle());
  result.versions.emplace_back("systemc", systemc_version());
  result.values = values_;
  result.host_seconds = host_seconds_;
  return result;
}

}  // namespace shiftsim::sim
