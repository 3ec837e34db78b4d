// Views: their loads read the tensors that they show, each burst once, and nothing is copied.
#include <tuple>

#include <gtest/gtest.h>

#include "sim/compiler/l2_allocation.h"
#include "sim/compiler/read_bursts.h"

namespace shiftsim::sim {
namespace {

constexpr int kBurst = 16, kBlock = 8;

qnet::Tensor tensor(const char* name, int size, int channels) {
  qnet::Tensor result;
  result.name = name;
  result.height = result.width = size;
  result.channels = channels;
  result.bits = 4;
  return result;
}

qnet::Layer layer(int input, int output, int joined = -1) {
  qnet::Layer result;
  result.input = input;
  result.output = output;
  result.residual = joined;
  return result;
}

std::vector<std::int32_t> channels(int first, int count, int step = 1) {
  std::vector<std::int32_t> result;
  for (int i = 0; i < count; ++i) result.push_back(first + i * step);
  return result;
}

/// image -> a, image -> b; 'view' shows their channels, and 'out' reads it. Tensors: image, a, b, view, out.
qnet::Network joined(const std::vector<std::int32_t>& shown, int a_channels = 16, int b_channels = 16, int size = 8) {
  qnet::Network network;
  network.tensors = {tensor("image", size, 3), tensor("a", size, a_channels), tensor("b", size, b_channels),
                     tensor("view", size, static_cast<int>(shown.size())), tensor("out", size, 8)};
  network.layers = {layer(0, 1), layer(0, 2), layer(1, 3, 2), layer(3, 4)};
  network.layers[2].kind = qnet::LayerKind::kView;
  network.layers[2].channels = shown;
  return network;
}

/// A load of all channels of a whole tensor.
ReadProgram whole(const qnet::Network& network, int index) {
  const qnet::Tensor& of = network.tensors[static_cast<std::size_t>(index)];
  ReadProgram read;
  read.kind = ReadProgram::Kind::kTile;
  read.tensor = index;
  read.rows = of.height;
  read.cols = of.width;
  read.channels = of.channels;
  return read;
}

std::int64_t bytes(const qnet::Network& network, int index) {
  return read_bytes(whole(network, index), network, DramLayout(network, kBlock, kBurst));
}

TEST(View, HasNoPlaceInDram) {
  const qnet::Network network = joined(channels(0, 32));
  const DramLayout layout(network, kBlock, kBurst);
  ASSERT_EQ(layout.areas().size(), 4U);
  for (const DramArea& area : layout.areas())
    EXPECT_NE(network.tensors[static_cast<std::size_t>(area.index)].name, "view");
  // 8 x 8 pixels of 4 bits; 3 channels take 2 bytes.
  EXPECT_EQ(layout.size(), 2 * 64 + 2 * 16 * 64 / 2 + 8 * 64 / 2);
}

TEST(View, OfWholeTensorsReadsWhatTheyRead) {
  const qnet::Network network = joined(channels(0, 32));
  EXPECT_EQ(bytes(network, 3), bytes(network, 1) + bytes(network, 2));
}

TEST(View, InAnotherOrderReadsTheSameBursts) {
  std::vector<std::int32_t> shuffled;
  for (int c = 0; c < 32; ++c) shuffled.push_back(c % 2 * 16 + c / 2);
  EXPECT_EQ(bytes(joined(shuffled), 3), bytes(joined(channels(0, 32)), 3));
}

TEST(View, OfASliceReadsItsBlocksAlone) {
  const qnet::Network network = joined(channels(8, 8));
  EXPECT_EQ(bytes(network, 3), 8 * 64 / 2);
}

TEST(View, OfEverySecondChannelReadsFromTheFirstToTheLastOfABlock) {
  const qnet::Network network = joined(channels(1, 4, 2));  // 1, 3, 5, 7: bytes 0 to 3 of each pixel
  const DramLayout layout(network, kBlock, kBurst);
  const std::vector<BlockPart> parts = block_parts(whole(network, 3), network, layout, layout.sources().of(3)[0]);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].channel0, 1);
  EXPECT_EQ(parts[0].channel1, 8);
}

TEST(View, OfRepeatedPixelsReadsThemOnce) {
  qnet::Network network = joined(channels(0, 32));
  network.layers[2].view.upsample_h = network.layers[2].view.upsample_w = 2;
  network.tensors[3].height = network.tensors[3].width = 16;
  EXPECT_EQ(bytes(network, 3), bytes(network, 1) + bytes(network, 2));
}

/// Map b below map a, without the first two rows and the first column, each pixel four times.
TEST(View, OfMapsBelowEachOtherReadsWhatItShowsOfBoth) {
  qnet::Network network = joined(channels(0, 16));
  qnet::ViewGeometry& view = network.layers[2].view;
  view = {qnet::JoinAxis::kHeight, 2, 1, 2, 2};
  network.tensors[3].height = 2 * (8 + 8 - 2);
  network.tensors[3].width = 2 * (8 - 1);
  const qnet::TensorSources sources(network);
  const auto areas = sources.of(3);
  ASSERT_EQ(areas.size(), 2U);
  EXPECT_EQ(std::pair(areas[0].y0, areas[0].y1), std::pair(0, 12));
  EXPECT_EQ(std::pair(areas[1].y0, areas[1].y1), std::pair(12, 28));
  const qnet::ChannelSource& first = sources.of(3, 0, 0, 5);
  EXPECT_EQ(std::tuple(first.tensor, first.channel, first.stored_y(0), first.stored_x(0)), std::tuple(1, 5, 2, 1));
  const qnet::ChannelSource& last = sources.of(3, 27, 13, 0);
  EXPECT_EQ(std::tuple(last.tensor, last.stored_y(27), last.stored_x(13)), std::tuple(2, 7, 7));
  EXPECT_EQ(last.stored_y(12), 0);
  // Of each row 7 pixels of 4 bytes in each of two blocks: two bursts; 6 rows of a, 8 of b.
  EXPECT_EQ(bytes(network, 3), (6 + 8) * 2 * 2 * kBurst);
}

TEST(View, OfAViewFindsTheTensorsThatAreStored) {
  qnet::Network network = joined(channels(0, 32));
  network.tensors.push_back(tensor("view2", 16, 3));
  network.tensors.push_back(tensor("out2", 16, 8));
  network.layers.push_back(layer(3, 5, 1));
  network.layers.back().kind = qnet::LayerKind::kView;
  network.layers.back().channels = {31, 0, 35};
  network.layers.back().view.upsample_h = network.layers.back().view.upsample_w = 2;
  network.layers.push_back(layer(5, 6));
  const qnet::TensorSources sources(network);
  ASSERT_EQ(sources.of(5).size(), 1U);
  const auto& of = sources.of(5)[0].channels;
  ASSERT_EQ(of.size(), 3U);
  EXPECT_EQ(std::pair(of[0].tensor, of[0].channel), std::pair(2, 15));
  EXPECT_EQ(std::pair(of[1].tensor, of[1].channel), std::pair(1, 0));
  EXPECT_EQ(std::pair(of[2].tensor, of[2].channel), std::pair(1, 3));
  EXPECT_EQ(of[0].up_h, 2);
  EXPECT_EQ(sources.stored(5), (std::vector<int>{2, 1}));
  EXPECT_EQ(sources.stored(1), std::vector<int>{1});
}

TEST(View, KeepsWhatItJoinsInOneLevel) {
  const qnet::Network network = joined(channels(0, 32), 16, 48);
  std::vector<std::int64_t> sizes;
  for (const qnet::Tensor& one : network.tensors) sizes.push_back(std::int64_t{64} * one.channels / 2);
  const auto both = allocate_l2(network, sizes, {}, sizes[1] + sizes[2]).tensors;
  EXPECT_TRUE(both[1] && both[2]);
  EXPECT_FALSE(both[3]) << "a view has no place";
  // Room for one of them: none.
  const auto none = allocate_l2(network, sizes, {}, sizes[2]).tensors;
  EXPECT_FALSE(none[1] || none[2]);
  // They live until the view's reader has read them: layers 0 to 3.
  const auto apart = allocate_l2(joined(channels(8, 16), 16, 16), {96, 512, 512, 512, 256}, {}, 1024).tensors;
  ASSERT_TRUE(apart[1] && apart[2]);
  EXPECT_NE(*apart[1], *apart[2]);
}

}  // namespace
}  // namespace shiftsim::sim
