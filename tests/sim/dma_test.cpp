// Core, host and DMA without SystemC, with a DRAM that writes down what it is asked for, or one with other timing.
#include "sim/memory/dma.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "qnet/golden.h"
#include "sim/compiler/compiler.h"
#include "sim/core/core_model.h"
#include "sim/memory/host.h"
#include "sim/memory/latency_bandwidth_dram.h"
#include "tests/qnet/random_network.h"
#include "tests/sim/machine.h"

namespace shiftsim::sim {
namespace {

/// The latency-and-bandwidth model, with a list of what it was asked for.
class RecordingDram : public LatencyBandwidthDram {
public:
  using LatencyBandwidthDram::LatencyBandwidthDram;

  std::int64_t read(const std::vector<BurstRun>& runs, int layer, std::int64_t cycle) override {
    reads.insert(reads.end(), runs.begin(), runs.end());
    return LatencyBandwidthDram::read(runs, layer, cycle);
  }
  void write(const BurstRun& run, int layer, std::int64_t cycle) override {
    writes.push_back(run);
    LatencyBandwidthDram::write(run, layer, cycle);
  }

  std::vector<BurstRun> reads, writes;
};

/// Two banks with an open row each, interleaved by rows of 256 bytes. A burst in another row takes 11 cycles more.
/// Writes go first. Bytes of a burst come all at once, as many cycles as they take at 'bytes_per_cycle' after it began.
class BankedDram : public DramModel {
public:
  explicit BankedDram(const DramConfig& config) : config_(config) {}

  std::int64_t read(const std::vector<BurstRun>& runs, int, std::int64_t cycle) override {
    split(runs, reads_);
    return cycle + 1;
  }
  void write(const BurstRun& run, int, std::int64_t) override { split({run}, writes_); }
  DramGrant clock(std::int64_t cycle, bool may_read) override {
    DramGrant grant;
    if (!current_) begin(cycle, may_read);
    if (!current_) return grant;
    grant.busy = cycle < done_;
    if (grant.busy) return grant;
    (writing_ ? grant.written_bytes : grant.read_bytes) = *current_;
    current_.reset();
    return grant;
  }

  std::int64_t row_misses = 0;

private:
  static constexpr std::uint64_t kRow = 256;

  void split(const std::vector<BurstRun>& runs, std::deque<std::uint64_t>& bursts) const {
    const auto bytes = static_cast<std::uint64_t>(config_.burst_bytes);
    for (const BurstRun& run : runs)
      for (std::uint64_t at = 0; at < static_cast<std::uint64_t>(run.bytes); at += bytes)
        bursts.push_back(run.address + at);
  }
  void begin(std::int64_t cycle, bool may_read) {
    writing_ = !writes_.empty();
    std::deque<std::uint64_t>& queue = writing_ ? writes_ : reads_;
    if (queue.empty() || (!writing_ && !may_read)) return;
    const std::uint64_t row = queue.front() / kRow;
    queue.pop_front();
    current_ = config_.burst_bytes;
    done_ = cycle + ceil_div(config_.burst_bytes, config_.bytes_per_cycle);
    std::uint64_t& open = open_rows_[row % open_rows_.size()];
    if (open == row) return;
    open = row;
    done_ += 11;
    ++row_misses;
  }

  DramConfig config_;
  std::deque<std::uint64_t> reads_, writes_;
  std::array<std::uint64_t, 2> open_rows_{~0ULL, ~0ULL};
  std::optional<std::int64_t> current_;
  bool writing_ = false;
  std::int64_t done_ = 0;
};

struct PlainRun {
  std::int64_t cycles = 0;
  Events events;               ///< of DRAM, all layers
  std::vector<Events> layers;  ///< of DRAM
};

/// One image through core, host and DMA; every tensor is compared with the golden reference.
PlainRun run(const qnet::Network& network, const Program& program, const DramConfig& config, DramModel& dram,
             const std::uint8_t* image) {
  TensorMemory memory(network);
  memory.set_input(image);
  Host host(program);
  Dma dma(network, program, config, dram, memory);
  CoreModel core(program.geometry, static_cast<int>(network.layers.size()));
  constexpr std::int64_t kTooLong = 10'000'000;
  while (!(core.outputs().idle && host.done() && dma.idle()) && core.cycle() < kTooLong) {
    const CoreOutputs out = core.outputs();
    const HostOutputs& h = host.outputs();
    const DmaOutputs d = dma.outputs();
    core.clock({h.ld, h.ex, h.st, d.rd_req_ready, d.rd_data_valid, d.rd_data, d.wr_req_ready, d.wr_data_ready});
    host.clock(out);
    dma.clock(out);
  }
  EXPECT_LT(core.cycle(), kTooLong) << "never quiet";
  const qnet::ImageTrace expected = qnet::Golden(network).trace(image);
  for (std::size_t t = 0; t < network.tensors.size(); ++t) {
    if (program.dram.sources().is_view(static_cast<int>(t))) continue;
    EXPECT_EQ(memory.values(static_cast<int>(t)), expected[t]) << "tensor " << network.tensors[t].name;
  }
  PlainRun result;
  result.cycles = core.cycle();
  result.layers = dma.events();
  for (const Events& events : result.layers) result.events += events;
  return result;
}

/// A 1x1 convolution from 'in' channels to 'out', of 2-bit weights.
qnet::Layer pointwise(const std::string& name, int in, int out, int groups) {
  qnet::Layer layer;
  layer.name = name;
  layer.groups = groups;
  layer.weight_bits = 2;
  for (int i = 0; i < out * in / groups; ++i) layer.weights.push_back(static_cast<std::int8_t>(i * 7 % 4 - 2));
  const auto channels = static_cast<std::size_t>(out);
  layer.weight_exponents.assign(channels, 0);
  layer.offsets.assign(channels, 0);
  layer.bias.assign(channels, 16);
  layer.shifts.assign(channels, 2);
  layer.hi.assign(channels, 15);
  return layer;
}

/// A convolution of 8x8 pixels, 4-bit codes, in 'groups' groups of 'width' channels; then one to a single 32-bit
/// output, as every network ends so.
qnet::Network grouped(int groups, int width) {
  const int channels = groups * width;
  qnet::Network network;
  network.tensors = {{"in", 8, 8, channels, 4}, {"out", 8, 8, channels, 4}, {"end", 8, 8, 1, qnet::kLogitsBits}};
  network.layers = {pointwise("grouped", channels, channels, groups), pointwise("last", channels, 1, 1)};
  for (int i = 0; i < 2; ++i) {
    network.layers[static_cast<std::size_t>(i)].input = i;
    network.layers[static_cast<std::size_t>(i)].output = i + 1;
  }
  network.layers[1].hi.clear();
  network.layers[1].shifts.assign(1, 0);
  return network;
}

struct Traffic {
  std::int64_t read = 0, written = 0;  ///< bytes
};

/// Bytes that the first layer reads of its input and writes of its output, for arrays of 16 columns.
Traffic traffic(const qnet::Network& network, int burst_bytes) {
  AcceleratorConfig accelerator = make_accelerator(16, 16, 4, 8);
  accelerator.dram.burst_bytes = burst_bytes;
  const Program program = compile(network, accelerator);
  RecordingDram dram(accelerator.dram);
  std::vector<std::uint8_t> image(network.input().size());
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<std::uint8_t>(i * 5 % 16);
  const PlainRun result = run(network, program, accelerator.dram, dram, image.data());

  const std::uint64_t out = program.dram.tensor_address(1);
  const std::uint64_t end = program.dram.tensor_address(2);
  Traffic bytes, all;
  for (const BurstRun& r : dram.reads) {
    if (r.address < out) bytes.read += r.bytes;
    all.read += r.bytes;
  }
  for (const BurstRun& w : dram.writes) {
    EXPECT_GE(w.address, out) << "the input is never written";
    EXPECT_EQ(w.address % static_cast<std::uint64_t>(burst_bytes), 0u);
    if (w.address < end) bytes.written += w.bytes;
    all.written += w.bytes;
  }
  EXPECT_EQ(all.read, result.events.dram_read_bytes);
  EXPECT_EQ(all.written, result.events.dram_write_bytes);
  return bytes;
}

// 8 x 8 pixels in blocks of 16 channels: 8 bytes a pixel, 512 bytes or 8 bursts of 64 a block.
TEST(DmaTraffic, OfADenseConvolutionIsItsTensors) {
  const Traffic bytes = traffic(grouped(1, 32), 64);
  EXPECT_EQ(bytes.read, 2 * 512);
  EXPECT_EQ(bytes.written, 2 * 512);
}

TEST(DmaTraffic, OfAGroupedConvolutionIsTheBurstsThatHoldItsChannels) {
  // Eight groups of 4 channels: each wants 2 of the 8 bytes of each pixel, and touches all 8 bursts of its block.
  const Traffic bytes = traffic(grouped(8, 4), 64);
  EXPECT_EQ(bytes.read, 8 * 512);
  EXPECT_EQ(bytes.written, 8 * 512);
  // Bursts of 2 bytes hold just what a group wants.
  const Traffic fine = traffic(grouped(8, 4), 2);
  EXPECT_EQ(fine.read, 8 * 64 * 2);
  EXPECT_EQ(fine.written, 8 * 64 * 2);
}

TEST(DmaTraffic, OfAGroupInTwoBlocksIsTheBurstsOfBoth) {
  // Four groups of 12 channels in blocks of 16. Channels 0 to 11 touch block 0, 12 to 23 blocks 0 and 1, 24 to 35
  // blocks 1 and 2, 36 to 47 block 2.
  const Traffic bytes = traffic(grouped(4, 12), 64);
  EXPECT_EQ(bytes.read, 6 * 512);
  EXPECT_EQ(bytes.written, 6 * 512);
  // In bursts of 2 bytes: 6 bytes a pixel for each group, as 6, 2 + 4, 4 + 2 and 6.
  const Traffic fine = traffic(grouped(4, 12), 2);
  EXPECT_EQ(fine.read, 4 * 64 * 6);
  EXPECT_EQ(fine.written, 4 * 64 * 6);
}

/// Mappings are chosen by the bytes that the DMA moves, not by another idea of them.
TEST(DmaTraffic, IsWhatTheCompilerEstimates) {
  for (const auto& [groups, width] : {std::pair{1, 32}, {8, 4}, {4, 12}, {2, 24}}) {
    for (const int burst : {2, 16, 64, 256}) {
      SCOPED_TRACE(fmt::format("{} groups of {} channels, bursts of {} bytes", groups, width, burst));
      const qnet::Network network = grouped(groups, width);
      AcceleratorConfig accelerator = make_accelerator(16, 16, 4, 8);
      accelerator.dram.burst_bytes = burst;
      const Program program = compile(network, accelerator);
      LatencyBandwidthDram dram(accelerator.dram);
      const std::vector<std::uint8_t> image(network.input().size(), 3);
      const Events events = run(network, program, accelerator.dram, dram, image.data()).layers[0];
      const auto bytes = static_cast<double>(events.dram_read_bytes + events.dram_write_bytes);
      EXPECT_NEAR(program.plans[0].mapped.estimate.dram_bytes / bytes, 1, 0.01);
    }
  }
}

/// The buffer holds what one word can wait for, whatever the bursts: else a load would never end.
TEST(DmaBuffer, HoldsEveryWordAtAnyBurstLength) {
  int ran = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const qnet::Network network = qnet::random_network(seed);
    const std::vector<std::uint8_t> image = qnet::random_images(network, 1, seed);
    for (const int burst : {1, 3, 8, 100, 4096}) {
      for (const int bytes_per_cycle : {1, 500}) {
        SCOPED_TRACE(fmt::format("seed {}, bursts of {} bytes, {} bytes a cycle", seed, burst, bytes_per_cycle));
        AcceleratorConfig accelerator = with_tables(make_accelerator(15, 11, 3, 4), network);
        accelerator.dram.latency_cycles = 5;
        accelerator.dram.bytes_per_cycle = bytes_per_cycle;
        accelerator.dram.burst_bytes = burst;
        const Program program = compile(network, accelerator);
        LatencyBandwidthDram dram(accelerator.dram);
        run(network, program, accelerator.dram, dram, image.data());
        ++ran;
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_EQ(ran, 12 * 5 * 2);
}

TEST(DramSeam, AModelWithOtherTimingGivesTheSameBits) {
  int ran = 0;
  std::int64_t row_misses = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const qnet::Network network = qnet::random_network(seed);
    const AcceleratorConfig accelerator = with_tables(random_accelerator(seed), network);
    Program program;
    try {
      program = compile(network, accelerator);
    } catch (const UserError&) {
      continue;  // its random scratchpads are too small
    }
    const std::vector<std::uint8_t> image = qnet::random_images(network, 1, seed);
    LatencyBandwidthDram plain(accelerator.dram);
    BankedDram banked(accelerator.dram);
    const PlainRun first = run(network, program, accelerator.dram, plain, image.data());
    const PlainRun second = run(network, program, accelerator.dram, banked, image.data());
    EXPECT_NE(first.cycles, second.cycles);
    EXPECT_EQ(first.events.dram_read_bytes, second.events.dram_read_bytes);
    EXPECT_EQ(first.events.dram_write_bytes, second.events.dram_write_bytes);
    row_misses += banked.row_misses;
    ++ran;
    if (HasFailure()) return;
  }
  EXPECT_GE(ran, 20);
  EXPECT_GT(row_misses, 0);
}

}  // namespace
}  // namespace shiftsim::sim
