// Where tensors stand in DRAM, which bursts a load touches, and what the memory's timing makes of them.
#include <gtest/gtest.h>

#include "sim/compiler/read_bursts.h"
#include "sim/memory/latency_bandwidth_dram.h"

namespace shiftsim::sim {
namespace {

constexpr int kBurst = 64;

/// 8 x 20 pixels of 40 channels of 4 bits: with blocks of 16, two of 8 bytes a pixel and one of 4.
qnet::Network one_tensor() {
  qnet::Network network;
  network.tensors = {{"image", 4, 4, 1, 8}, {"map", 8, 20, 40, 4}};
  network.layers.resize(1);
  return network;
}

ReadProgram tile(int y0, int x0, int rows, int cols, int channel0, int channels) {
  ReadProgram read;
  read.kind = ReadProgram::Kind::kTile;
  read.tensor = 1;
  read.y0 = y0;
  read.x0 = x0;
  read.rows = rows;
  read.cols = cols;
  read.channel0 = channel0;
  read.channels = channels;
  return read;
}

class ReadBursts : public testing::Test {
protected:
  std::int64_t bytes(const ReadProgram& read) const { return read_bursts(read, network_, layout_).bytes(); }

  qnet::Network network_ = one_tensor();
  DramLayout layout_{network_, 16, kBurst};
};

TEST_F(ReadBursts, TensorsStandInBlocksFromWholeBursts) {
  EXPECT_EQ(layout_.tensor_address(0), 0u);
  EXPECT_EQ(layout_.tensor_address(1), 64u) << "16 bytes of image, then the next burst";
  EXPECT_EQ(layout_.pixel_bytes(1, 0), 8);
  EXPECT_EQ(layout_.pixel_bytes(1, 2), 4);
  EXPECT_EQ(layout_.pixel_address(1, 0, 2, 3), 64u + (2 * 20 + 3) * 8);
  EXPECT_EQ(layout_.pixel_address(1, 2, 2, 3), 64u + 2 * 160 * 8 + (2 * 20 + 3) * 4);
  EXPECT_EQ(layout_.size(), 64u + 2 * 1280 + 640);
}

TEST_F(ReadBursts, TheMapHasTensorsAndTheParametersOfLayers) {
  EXPECT_EQ(layout_.allocate_parameters(0, 100), 3264u);
  EXPECT_EQ(layout_.allocate_parameters(0, 10), 3392u) << "from a whole burst";
  EXPECT_EQ(layout_.allocate_parameters(1, 1), 3456u);
  const std::vector<DramArea>& areas = layout_.areas();
  ASSERT_EQ(areas.size(), 4u);
  std::uint64_t end = 0;
  for (const DramArea& area : areas) {
    EXPECT_EQ(area.address % kBurst, 0u);
    EXPECT_GE(area.address, end);
    end = area.address + static_cast<std::uint64_t>(area.bytes);
  }
  EXPECT_EQ(areas[1].kind, DramArea::Kind::kTensor);
  EXPECT_EQ(areas[1].bytes, 2 * 1280 + 640);
  EXPECT_EQ(areas[2].kind, DramArea::Kind::kParameters);
  EXPECT_EQ(areas[2].index, 0);
  EXPECT_EQ(areas[2].bytes, 128 + 10);
  EXPECT_EQ(layout_.size(), end);
}

TEST_F(ReadBursts, WholeRowsAreOnePiece) {
  // 8 rows of 160 bytes in each of two blocks, 8 of 80 in the third; all from whole bursts.
  EXPECT_EQ(bytes(tile(0, 0, 8, 20, 0, 40)), 1280 + 1280 + 640);
  // Rows 1 to 3: bytes 160 to 640 of the block lie in bursts 2 to 9.
  EXPECT_EQ(bytes(tile(1, 0, 3, 20, 0, 16)), 8 * kBurst);
  // Padding around it costs nothing.
  EXPECT_EQ(bytes(tile(-2, -1, 12, 22, 0, 40)), 1280 + 1280 + 640);
  EXPECT_EQ(bytes(tile(-2, 0, 2, 20, 0, 40)), 0);
}

TEST_F(ReadBursts, ABurstThatTwoPiecesShareIsReadOnce) {
  // Columns 0 to 9 of rows 0 and 1: bytes 0 to 80 and 160 to 240, bursts 0, 1 and 2, 3.
  EXPECT_EQ(bytes(tile(0, 0, 2, 10, 0, 16)), 4 * kBurst);
  // Columns 0 to 17: bytes 0 to 144 and 160 to 304, bursts 0 to 2 and 2 to 4: the third serves both.
  EXPECT_EQ(bytes(tile(0, 0, 2, 18, 0, 16)), 5 * kBurst);
}

/// A grouped convolution of 4 channels a group reads 2 of the 8 bytes of each pixel, and with them every burst.
TEST_F(ReadBursts, SomeChannelsOfABlockTouchTheBurstsThatHoldThem) {
  EXPECT_EQ(bytes(tile(0, 0, 8, 20, 4, 4)), 1280) << "not 8 x 20 x 2 bytes";
  // Channels 12 to 19 are the end of one block and the beginning of the next.
  EXPECT_EQ(bytes(tile(0, 0, 8, 20, 12, 8)), 2 * 1280);
  // Bursts as short as what is wanted: the other channels' are left out.
  const DramLayout fine(network_, 16, 2);
  EXPECT_EQ(read_bursts(tile(0, 0, 8, 20, 4, 4), network_, fine).bytes(), 8 * 20 * 2);
}

TEST_F(ReadBursts, RepeatedChannelsAreReadOnce) {
  // Channels 0 to 15 of a depthwise convolution with two outputs a channel read channels 0 to 7.
  ReadProgram read = tile(0, 0, 8, 20, 0, 16);
  read.repeat = 2;
  EXPECT_EQ(bytes(read), 1280);
}

TEST_F(ReadBursts, WeightsAreReadFromTheirAddress) {
  ReadProgram read;
  read.count = 10;
  read.word_dram_bits = 100;  // 125 bytes
  read.address = 128;
  EXPECT_EQ(bytes(read), 2 * kBurst);
  read.address = 190;  // two bytes of burst 2, then 123 of bursts 3 and 4
  EXPECT_EQ(bytes(read), 3 * kBurst);
}

TEST_F(ReadBursts, PartOfAnAreaIsReadFromWhereItsBitsBegin) {
  ReadProgram read;
  read.word_dram_bits = 100;
  read.address = 128;
  read.first = 5;  // bits 500 to 1000: bytes 62 to 125 of the area
  read.count = 5;
  EXPECT_EQ(bytes(read), 2 * kBurst);
  read.first = 6;  // bits 600 to 1000: bytes 75 to 125
  read.count = 4;
  EXPECT_EQ(bytes(read), kBurst);
}

TEST(LatencyBandwidthDram, DataComesAfterTheLatencyAtTheBandwidth) {
  LatencyBandwidthDram dram({.latency_cycles = 5, .bytes_per_cycle = 48, .burst_bytes = kBurst});
  EXPECT_EQ(dram.read({{0, 64}}, 0, 10), 15);
  EXPECT_EQ(dram.read({{640, 64}}, 0, 11), 16);
  for (std::int64_t cycle = 10; cycle < 15; ++cycle) EXPECT_EQ(dram.clock(cycle, true).read_bytes, 0) << cycle;
  EXPECT_EQ(dram.clock(15, true).read_bytes, 48);
  EXPECT_EQ(dram.clock(16, false).read_bytes, 0) << "no room";
  EXPECT_EQ(dram.clock(17, true).read_bytes, 16) << "no cycle serves two requests";
  EXPECT_EQ(dram.clock(18, true).read_bytes, 48);
}

TEST(LatencyBandwidthDram, ReadsAndWritesTakeTurns) {
  LatencyBandwidthDram dram({.latency_cycles = 1, .bytes_per_cycle = 16, .burst_bytes = kBurst});
  dram.read({{0, 64}}, 0, 0);
  dram.write({128, 64}, 0, 0);
  for (std::int64_t cycle = 1; cycle <= 8; ++cycle) {
    const DramGrant grant = dram.clock(cycle, true);
    EXPECT_EQ(grant.written_bytes, cycle % 2 == 1 ? 16 : 0) << cycle;
    EXPECT_EQ(grant.read_bytes, cycle % 2 == 1 ? 0 : 16) << cycle;
  }
  EXPECT_EQ(dram.clock(9, true).read_bytes, 0);
}

}  // namespace
}  // namespace shiftsim::sim
