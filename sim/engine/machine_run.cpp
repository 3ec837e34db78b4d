#include "sim/engine/machine_run.h"

#include <chrono>

#include "common/error.h"
#include "qnet/tensor_sources.h"

namespace shiftsim::sim {

MachineRun::MachineRun(const qnet::Network& network, const Program& program, const DramConfig& dram,
                       const SystemOptions& options)
    : network_(network), golden_(network), batch_(program.dram.batch()), system_(network, program, dram, options) {}

bool MachineRun::run(const ImageSet& images, std::size_t first) {
  started_ += batch_;
  const auto begin = std::chrono::steady_clock::now();
  const bool same = system_.run(images.image(first));
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!same) return false;
  for (int i = 0; i < batch_; ++i) {
    const std::size_t number = first + static_cast<std::size_t>(i);
    compare_values(images.image(number), i, number);
  }
  return true;
}

/// Every tensor the core wrote against the golden reference.
void MachineRun::compare_values(const std::uint8_t* image, int in_batch, std::size_t number) {
  const qnet::ImageTrace golden = golden_.trace(image);
  const std::vector<qnet::Tensor>& tensors = network_.tensors;
  const qnet::TensorSources sources(network_);
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    if (sources.is_view(static_cast<int>(i))) continue;  // its readers' values tell
    const std::vector<std::int32_t> values = system_.memory().values(static_cast<int>(i), in_batch);
    ++values_.tensors;
    values_.values += static_cast<std::int64_t>(values.size());
    for (std::size_t v = 0; v < values.size(); ++v) {
      if (values[v] == golden[i][v]) continue;
      if (values_.mismatches++ > 0) continue;
      const auto channels = static_cast<std::size_t>(tensors[i].channels);
      const auto width = static_cast<std::size_t>(tensors[i].width);
      values_.first_mismatch = fmt::format(
          "image {}, tensor {}, pixel ({}, {}), channel {}: expected {} (golden), actual {} (SystemC core)", number,
          tensors[i].name, v / channels / width, v / channels % width, v % channels, golden[i][v], values[v]);
    }
  }
  ++values_.images;
}

MachineTotals MachineRun::totals() const {
  MachineTotals totals;
  totals.counts = {system_.core().events(), system_.core().causes()};
  std::int64_t cycles = 0;
  for (std::size_t i = 0; i < totals.counts.events.size(); ++i) {
    totals.counts.events[i] += system_.dma().events()[i];
    cycles += totals.counts.events[i].cycles;
  }
  SHIFTSIM_CHECK(cycles == system_.core().cycle(), "{} cycles attributed to layers, {} run", cycles,
                 system_.core().cycle());
  totals.values = values_;
  totals.images = started_;
  totals.seconds = seconds_;
  if (const Scoreboard* board = system_.scoreboard()) {
    totals.compared_cycles = board->cycles();
    totals.comparisons = board->comparisons();
    totals.accumulator_comparisons = board->accumulator_comparisons();
    totals.difference = board->difference();
  }
  return totals;
}

}  // namespace shiftsim::sim
