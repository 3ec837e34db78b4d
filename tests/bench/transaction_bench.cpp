// Time for the timing of one image at pe16x16: the transaction machine alone, and with mapping and compilation before
// it. The counter "cycles/s" is of simulated cycles. One thread.
#include <benchmark/benchmark.h>

#include <string>

#include "sim/compiler/compiler.h"
#include "sim/mapping/mapping_search.h"
#include "sim/transaction/transaction_machine.h"
#include "tests/qnet/named_networks.h"

namespace {

using namespace shiftsim;
using namespace shiftsim::sim;

qnet::Network network_of(const std::string& name) {
  return name == "residual" ? qnet::residual_network() : qnet::imagenet_network(name);
}

AcceleratorConfig pe16x16() {
  return make_accelerator(16, 16, 4, 8);
}

void timing(benchmark::State& state, const char* name) {
  const qnet::Network network = network_of(name);
  const AcceleratorConfig accelerator = pe16x16();
  RunConfig config;
  config.accelerator = accelerator;
  const Technology technology = load_technology(SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml");
  const Program program =
      compile(network, accelerator, find_mappings(network, config, technology, 1), Contents::kTimingOnly);
  std::int64_t cycles = 0;
  for (auto _ : state) {
    TransactionMachine machine(network, program, accelerator.dram);
    machine.run(1);
    cycles += machine.cycles();
  }
  state.counters["cycles"] = static_cast<double>(cycles) / static_cast<double>(state.iterations());
  state.counters["cycles/s"] = benchmark::Counter(static_cast<double>(cycles), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(timing, residual, "residual")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(timing, resnet18, "resnet18")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(timing, resnet50, "resnet50")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(timing, mobilenet_v2, "mobilenet_v2")->Unit(benchmark::kMillisecond);

/// With widths proved, mappings searched and commands emitted, on one thread.
void from_nothing(benchmark::State& state, const char* name) {
  const qnet::Network network = network_of(name);
  const Technology technology = load_technology(SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml");
  RunConfig config;
  config.accelerator = pe16x16();
  std::int64_t cycles = 0;
  for (auto _ : state) {
    check_network(network, config.accelerator);
    const Program program =
        compile(network, config.accelerator, find_mappings(network, config, technology, 1), Contents::kTimingOnly);
    TransactionMachine machine(network, program, config.accelerator.dram);
    machine.run(1);
    cycles = machine.cycles();
  }
  state.counters["cycles"] = static_cast<double>(cycles);
}
BENCHMARK_CAPTURE(from_nothing, residual, "residual")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(from_nothing, resnet18, "resnet18")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(from_nothing, resnet50, "resnet50")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(from_nothing, mobilenet_v2, "mobilenet_v2")->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
