// Cycles a second: the SystemC core alone, and the Verilated RTL of the same core alone on the same layer with the same
// inputs, both on one thread. The counter "cycles/s" is the figure; run both in one process and compare.
#include <benchmark/benchmark.h>

#include <random>

#include "qnet/golden.h"
#include "sim/compiler/compiler.h"
#include "sim/engine/core_module.h"
#include "sim/engine/system.h"
#include "tests/qnet/named_networks.h"

namespace {

using namespace shiftsim;
using namespace shiftsim::sim;

/// One convolution of the residual network's first stage (28x28x16, 3x3, W4A4) between an input of 8-bit codes and
/// itself.
qnet::Network layer_network() {
  std::mt19937 random(1);
  qnet::Network network;
  network.name = "stage1";
  qnet::Tensor in;
  in.name = "in";
  in.height = in.width = 28;
  in.channels = 16;
  in.bits = 8;
  qnet::Tensor out = in;
  out.name = "out";
  out.bits = 4;
  network.tensors = {in, out};
  qnet::Layer layer;
  layer.name = "conv";
  layer.input = 0;
  layer.output = 1;
  layer.kernel_h = layer.kernel_w = 3;
  layer.pad_top = layer.pad_left = layer.pad_bottom = layer.pad_right = 1;
  layer.weight_bits = 4;
  layer.activation = qnet::Activation::kRelu;
  for (int i = 0; i < 16 * 9 * 16; ++i)
    layer.weights.push_back(static_cast<std::int8_t>(static_cast<int>(random() % 16) - 8));
  layer.weight_exponents.assign(16, 0);
  layer.offsets.assign(16, 1);
  layer.bias.assign(16, 100);
  layer.shifts.assign(16, 9);
  layer.hi.assign(16, 15);
  network.layers = {layer};
  return network;
}

AcceleratorConfig pe16x16() {
  AcceleratorConfig accelerator = make_accelerator(16, 16, 4, 8);
  return accelerator;
}

std::vector<std::uint8_t> image_of(const qnet::Network& network) {
  std::mt19937 random(2);
  std::vector<std::uint8_t> image(network.input().size());
  // Half of a network's activations are zero.
  for (std::uint8_t& pixel : image) pixel = random() % 2 == 0 ? 0 : static_cast<std::uint8_t>(random() % 16);
  return image;
}

/// The whole SystemC machine: clock, host, DMA and core.
void SystemCMachine(benchmark::State& state) {
  const qnet::Network network = layer_network();
  const AcceleratorConfig accelerator = pe16x16();
  const Program program = compile(network, accelerator);
  System system(network, program, accelerator.dram, {});
  const std::vector<std::uint8_t> image = image_of(network);
  for (auto _ : state) system.run(image.data());
  state.counters["cycles/s"] =
      benchmark::Counter(static_cast<double>(system.core().cycle()), benchmark::Counter::kIsRate);
}
BENCHMARK(SystemCMachine)->Unit(benchmark::kMillisecond);

/// What stood on the core's inputs in every cycle of one run.
struct Recording {
  std::vector<ShiftsimCoreInputs> inputs;
  std::vector<std::vector<std::uint32_t>> words;
};

Recording record(const Program& program, const AcceleratorConfig& accelerator, const qnet::Network& network,
                 const std::vector<std::uint8_t>& image, std::size_t data_words) {
  TensorMemory memory(network);
  memory.set_input(image.data());
  Host host(program);
  const std::unique_ptr<DramModel> dram = make_dram_model(accelerator.dram);
  Dma dma(network, program, accelerator.dram, *dram, memory);
  CoreModel core(program.geometry, 1);
  Recording recording;
  while (!(core.outputs().idle && host.done() && dma.idle())) {
    const CoreInputs in = core_inputs(host.outputs(), dma.outputs());
    ShiftsimCoreInputs raw{};
    raw.ld_cmd_valid = in.ld.valid;
    raw.ex_cmd_valid = in.ex.valid;
    raw.st_cmd_valid = in.st.valid;
    raw.rd_req_ready = in.rd_req_ready;
    raw.rd_data_valid = in.rd_data_valid;
    raw.wr_req_ready = in.wr_req_ready;
    raw.wr_data_ready = in.wr_data_ready;
    raw.ld_cmd = in.ld.valid ? in.ld.word->data() : nullptr;
    raw.ex_cmd = in.ex.valid ? in.ex.word->data() : nullptr;
    raw.st_cmd = in.st.valid ? in.st.word->data() : nullptr;
    if (in.rd_data_valid) {
      const auto* words = reinterpret_cast<const std::uint32_t*>(in.rd_data);
      recording.words.emplace_back(words, words + data_words);
      raw.rd_data = recording.words.back().data();
    }
    recording.inputs.push_back(raw);
    const CoreOutputs before = core.outputs();
    core.clock(in);
    host.clock(before);
    dma.clock(before);
  }
  return recording;
}

/// The Verilated core alone, fed with a recording.
void VerilatedRtl(benchmark::State& state) {
  const qnet::Network network = layer_network();
  const AcceleratorConfig accelerator = pe16x16();
  const Program program = compile(network, accelerator);
  const auto library = RtlLibrary::open(program.geometry, {});
  ShiftsimCoreInfo info{};
  library->info(&info);
  const Recording recording = record(program, accelerator, network, image_of(network), info.rd_data_words);
  RtlCore rtl(library, 1);
  std::int64_t cycles = 0;
  for (auto _ : state) {
    for (const ShiftsimCoreInputs& inputs : recording.inputs) rtl.cycle(inputs);
    cycles += static_cast<std::int64_t>(recording.inputs.size());
  }
  state.counters["cycles/s"] = benchmark::Counter(static_cast<double>(cycles), benchmark::Counter::kIsRate);
}
BENCHMARK(VerilatedRtl)->Unit(benchmark::kMillisecond);

/// Both with the scoreboard.
void Lockstep(benchmark::State& state) {
  const qnet::Network network = layer_network();
  const AcceleratorConfig accelerator = pe16x16();
  const Program program = compile(network, accelerator);
  SystemOptions options;
  options.rtl = RtlLibrary::open(program.geometry, {});
  System system(network, program, accelerator.dram, options);
  const std::vector<std::uint8_t> image = image_of(network);
  for (auto _ : state)
    if (!system.run(image.data())) state.SkipWithError("SystemC core and RTL differ");
  state.counters["cycles/s"] =
      benchmark::Counter(static_cast<double>(system.core().cycle()), benchmark::Counter::kIsRate);
}
BENCHMARK(Lockstep)->Unit(benchmark::kMillisecond);

/// One image of the whole residual network at pe16x16: 'cycle' and 'lockstep' of simrun without its files.
void image(benchmark::State& state, bool lockstep) {
  const qnet::Network network = qnet::residual_network();
  const AcceleratorConfig accelerator = pe16x16();
  const Program program = compile(network, accelerator);
  SystemOptions options;
  if (lockstep) options.rtl = RtlLibrary::open(program.geometry, {});
  System system(network, program, accelerator.dram, options);
  const std::vector<std::uint8_t> pixels = image_of(network);
  for (auto _ : state)
    if (!system.run(pixels.data())) state.SkipWithError("SystemC core and RTL differ");
  state.counters["cycles/s"] =
      benchmark::Counter(static_cast<double>(system.core().cycle()), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(image, cycle, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(image, lockstep, true)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
