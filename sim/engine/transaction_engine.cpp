#include "sim/engine/transaction_engine.h"

#include <chrono>

#include "sim/engine/layer_results.h"
#include "sim/engine/mapped_program.h"
#include "sim/transaction/transaction_machine.h"

namespace shiftsim::sim {

TransactionEngine::TransactionEngine(const EngineSetup& setup)
    : setup_(setup), program_(mapped_program(setup.network, setup.config, Contents::kTimingOnly)) {}

RunResult TransactionEngine::run(const ImageSet& images) {
  const qnet::Network& network = setup_.network;
  const std::size_t count = images_to_run(setup_, images);
  const auto begin = std::chrono::steady_clock::now();
  TransactionMachine machine(network, program_, setup_.config.accelerator.dram);
  machine.run(static_cast<std::int64_t>(count) / setup_.config.batch);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const std::vector<ValueCounts> values = setup_.facts != nullptr
                                              ? setup_.facts->value_counts(count)
                                              : count_values(network, images, count, setup_.config.threads);
  MachineCounts counts{machine.events(), machine.causes()};
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const qnet::Layer& layer = network.layers[i];
    if (layer.is_view()) continue;
    add_values(view_layer(network, layer, program_.geometry), layer.groups, values[i], counts.events[i]);
  }
  RunResult result = machine_result(network, program_, static_cast<std::int64_t>(count), counts);
  result.host_seconds = seconds.count();
  return result;
}

}  // namespace shiftsim::sim
