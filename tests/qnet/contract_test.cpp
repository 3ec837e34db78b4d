// Each line of docs/integer-contract.md, with numbers worked out by hand.
#include <gtest/gtest.h>

#include <initializer_list>
#include <numeric>

#include "qnet/bounds.h"
#include "qnet/golden.h"

namespace shiftsim::qnet {
namespace {

using Codes = std::vector<std::int32_t>;

Tensor tensor(const char* name, int height, int width, int channels, int bits, bool is_signed) {
  return {name, height, width, channels, bits, is_signed, {0}};
}

/// The layer under test from 'in' to 'out', followed by the logits that every network ends with. Not a network that
/// validate accepts (its input is no image), but one that Golden can run layer by layer.
struct OneLayer {
  Network network;

  OneLayer(const Tensor& in, const Tensor& out) {
    network.tensors = {in, out, tensor("logits", 1, 1, 1, kLogitsBits, true)};
    network.layers.resize(2);
    Layer& tested = layer();
    tested.input = 0;
    tested.output = 1;
    tested.lo = out.low();
    const auto k = static_cast<std::size_t>(out.channels);
    tested.weight_exponents.assign(k, 0);
    tested.offsets.assign(k, 0);
    tested.bias.assign(k, 0);
    tested.shifts.assign(k, 0);
    tested.hi.assign(k, static_cast<std::uint8_t>(out.high()));
    Layer& last = network.layers[1];
    last.input = 1;
    last.output = 2;
    last.kernel_h = out.height;
    last.kernel_w = out.width;
    last.weights.assign(out.size(), 1);
    last.weight_exponents = last.offsets = last.shifts = {0};
    last.bias = {0};
  }
  Layer& layer() { return network.layers[0]; }
  void with_residual(int bits, bool is_signed, const std::vector<std::int8_t>& shifts) {
    Tensor r = network.tensors[1];
    r.bits = bits;
    r.is_signed = is_signed;
    network.tensors.push_back(r);
    layer().residual = 3;
    layer().residual_shifts = shifts;
  }
  Codes run(const Codes& input, const Codes& residual = {}) { return Golden(network).run_layer(0, input, residual); }
};

/// A row of pixels through a 1x1 convolution of one channel.
OneLayer row(int pixels, int in_bits, bool in_signed, int out_bits, bool out_signed, std::int8_t weight = 1) {
  OneLayer one(tensor("in", 1, pixels, 1, in_bits, in_signed), tensor("out", 1, pixels, 1, out_bits, out_signed));
  one.layer().weights = {weight};
  return one;
}

TEST(Contract, RequantizationRoundsHalvesUpAlsoBelowZero) {
  OneLayer one = row(10, 8, true, 8, true);
  one.layer().shifts = {2};
  // x / 4:         -1.75 -1.5 -1.25 -0.75 -0.5 -0.25 0.25 0.5 1.25 1.5
  EXPECT_EQ(one.run({-7, -6, -5, -3, -2, -1, 1, 2, 5, 6}), (Codes{-2, -1, -1, -1, 0, 0, 0, 1, 1, 2}));
}

TEST(Contract, ShiftByOneTieGoesUp) {
  OneLayer one = row(4, 8, true, 8, true);
  one.layer().shifts = {1};
  EXPECT_EQ(one.run({-3, -1, 1, 3}), (Codes{-1, 0, 1, 2}));
}

TEST(Contract, ShiftsOfZeroAndBelowAreExact) {
  OneLayer one = row(3, 4, true, 8, true);
  EXPECT_EQ(one.run({-8, 3, 7}), (Codes{-8, 3, 7}));
  one.layer().shifts = {-3};
  EXPECT_EQ(one.run({-8, 3, 7}), (Codes{-64, 24, 56}));
}

TEST(Contract, ShiftOf31) {
  OneLayer one = row(2, 8, true, 8, true);
  one.layer().shifts = {31};
  one.layer().bias = {-(1 << 30) - 1};  // the tie is at -2^30; the one at 2^30 would need 33 bits
  EXPECT_EQ(one.run({0, 1}), (Codes{-1, 0}));
}

TEST(Contract, BiasIsAddedBeforeRounding) {
  OneLayer one = row(2, 8, true, 8, true);
  one.layer().bias = {-3};
  one.layer().shifts = {1};
  EXPECT_EQ(one.run({0, 5}), (Codes{-1, 1}));
}

TEST(Contract, OffsetsCountHalfStepsOfTheSum) {
  OneLayer one(tensor("in", 1, 1, 3, 4, false), tensor("out", 1, 1, 2, 8, true));
  one.layer().weights = {1, -2, 1, 0, 1, -1};
  one.layer().offsets = {-3, 0};
  // A = 3 - 10 + 7 = 0 and 5 - 7 = -2, S = 15; the channel with c = 0 is doubled as well, as its exponent says.
  EXPECT_EQ(one.run({3, 5, 7}), (Codes{2 * 0 - 3 * 15, 2 * -2}));
}

TEST(Contract, WithoutOffsetsTheSumIsNotDoubled) {
  OneLayer one(tensor("in", 1, 1, 3, 4, false), tensor("out", 1, 1, 1, 8, true));
  one.layer().weights = {1, -2, 4};
  EXPECT_EQ(one.run({3, 5, 7}), (Codes{3 - 10 + 28}));
}

TEST(Contract, DepthwiseOffsetsUseTheirOwnChannelsSum) {
  OneLayer one(tensor("in", 1, 2, 2, 4, false), tensor("out", 1, 1, 4, 8, true));
  Layer& layer = one.layer();
  layer.kernel_w = 2;
  layer.groups = 2;  // a multiplier of 2: outputs 0, 1 see channel 0
  layer.weights = {1, -1, 0, 1, -2, 1, 1, 1};
  layer.offsets = {1, 0, -8, 7};
  layer.lo = -128;
  // Channel 0 holds 3 and 5, channel 1 holds 1 and 2. 2A + cS:
  EXPECT_EQ(one.run({3, 1, 5, 2}), (Codes{2 * -2 + 8, 2 * 5, 2 * 0 - 8 * 3, 2 * 3 + 7 * 3}));
}

TEST(Contract, GroupsSeeTheirOwnChannels) {
  OneLayer one(tensor("in", 1, 1, 4, 4, false), tensor("out", 1, 1, 2, 8, true));
  one.layer().groups = 2;
  one.layer().weights = {1, 2, -1, 3};
  EXPECT_EQ(one.run({1, 2, 3, 4}), (Codes{1 + 4, -3 + 12}));
}

TEST(Contract, ResidualShiftLeftIsExact) {
  OneLayer one = row(3, 2, false, 8, true);
  one.with_residual(4, true, {3});
  EXPECT_EQ(one.run({1, 0, 3}, {-8, 5, 7}), (Codes{-63, 40, 59}));
}

TEST(Contract, ResidualShiftRightRoundsHalvesUp) {
  OneLayer one = row(6, 2, false, 8, true);
  one.with_residual(8, true, {-2});
  EXPECT_EQ(one.run({0, 0, 0, 0, 0, 1}, {-7, -6, -2, 2, 6, -5}), (Codes{-2, -1, 0, 1, 2, 0}));
}

TEST(Contract, ResidualIsRoundedBeforeItIsAdded) {
  OneLayer one = row(1, 4, false, 8, true);
  one.with_residual(8, true, {-1});
  one.layer().shifts = {1};
  // rs(1, -1) = 1, x = 1 + 1, y = 1; one rounding of (1 + 0.5) / 2 = 0.75 would give 1 also, of (0 + 0.5) / 2 would
  // give 0:
  EXPECT_EQ(one.run({1}, {1}), (Codes{1}));
  EXPECT_EQ(one.run({0}, {1}), (Codes{1}));
}

TEST(Contract, ReluClampsAtZeroAndAtTheLargestCode) {
  OneLayer one = row(4, 8, true, 4, false);
  EXPECT_EQ(one.run({-5, 0, 15, 16}), (Codes{0, 0, 15, 15}));
}

TEST(Contract, SignedOutputsClampAtBothEnds) {
  OneLayer one = row(5, 8, true, 4, true);
  EXPECT_EQ(one.run({-9, -8, 0, 7, 8}), (Codes{-8, -8, 0, 7, 7}));
}

TEST(Contract, HiIsPerChannel) {
  OneLayer one(tensor("in", 1, 1, 1, 8, false), tensor("out", 1, 1, 3, 8, false));
  one.layer().weights = {1, 1, 1};
  one.layer().hi = {6, 96, 255};
  EXPECT_EQ(one.run({200}), (Codes{6, 96, 200}));
}

TEST(Contract, ShiftsArePerChannel) {
  OneLayer one(tensor("in", 1, 1, 1, 8, false), tensor("out", 1, 1, 4, 8, false));
  one.layer().weights = {1, 1, 1, 1};
  one.layer().shifts = {-1, 0, 1, 3};
  EXPECT_EQ(one.run({100}), (Codes{200, 100, 50, 13}));
}

TEST(Contract, PaddingIsZeroByDefault) {
  OneLayer one(tensor("in", 1, 2, 1, 4, true), tensor("out", 1, 2, 1, 8, true));
  Layer& layer = one.layer();
  layer.kernel_w = 3;
  layer.pad_left = layer.pad_right = 1;
  layer.weights = {10, 1, -1};
  layer.offsets = {1};
  // 2A + S: A = 3 - (-2) and 30 - 2; S = 1
  EXPECT_EQ(one.run({3, -2}), (Codes{2 * 5 + 1, 2 * 28 + 1}));
}

TEST(Contract, PadValuesCountInTheSumAndInS) {
  OneLayer one(tensor("in", 1, 1, 2, 8, false), tensor("out", 1, 1, 1, 8, true));
  Layer& layer = one.layer();
  layer.kernel_w = 2;
  layer.pad_left = 1;
  layer.weights = {1, -1, 1, 1};
  layer.offsets = {-1};
  layer.pad_values = {20, 30};
  // A = 20 - 30 + 3 + 4 = -3, S = 57
  EXPECT_EQ(one.run({3, 4}), (Codes{2 * -3 - 57}));
}

TEST(Contract, StrideDilationAndAsymmetricPadding) {
  OneLayer one(tensor("in", 1, 6, 1, 4, false), tensor("out", 1, 3, 1, 8, true));
  Layer& layer = one.layer();
  layer.kernel_w = 2;
  layer.dilation_w = 3;
  layer.stride_w = 2;
  layer.pad_left = 1;
  layer.pad_right = 1;
  layer.weights = {1, 10};
  // windows at -1, 1, 3: (0, in[2]), (in[1], in[4]), (in[3], padding)
  EXPECT_EQ(one.run({1, 2, 3, 4, 5, 6}), (Codes{30, 52, 4}));
}

TEST(Contract, IntermediateOverflowDoesNotMatter) {
  // 2A needs 33 bits here, 2A + cS 32.
  constexpr int kChannels = 33500;
  OneLayer one(tensor("in", 1, 1, kChannels, 8, false), tensor("out", 1, 1, 1, 8, false));
  one.layer().weights.assign(kChannels, 127);
  one.layer().offsets = {-8};
  one.layer().shifts = {24};
  const std::int64_t acc = std::int64_t{246} * 255 * kChannels;
  ASSERT_GT(std::int64_t{254} * 255 * kChannels, std::int64_t{1} << 31);
  ASSERT_LT(acc + (1 << 23), std::int64_t{1} << 31);
  EXPECT_LE(bounds(one.network, one.layer()).ppu.bits(), 32);
  EXPECT_EQ(one.run(Codes(kChannels, 255)), (Codes{static_cast<std::int32_t>((acc + (1 << 23)) >> 24)}));
}

TEST(Contract, MaxPoolPaddingNeverWins) {
  OneLayer one(tensor("in", 1, 2, 2, 4, true), tensor("out", 1, 3, 2, 4, true));
  Layer& layer = one.layer();
  layer.kind = LayerKind::kMaxPool;
  layer.kernel_w = 2;
  layer.pad_left = layer.pad_right = 1;
  EXPECT_EQ(one.run({-3, -8, -5, 2}), (Codes{-3, -8, -3, 2, -5, 2}));
}

TEST(Contract, SumPoolSumsExactlyAndRequantizes) {
  OneLayer one(tensor("in", 2, 2, 2, 4, true), tensor("out", 1, 1, 2, 4, true));
  Layer& layer = one.layer();
  layer.kind = LayerKind::kSumPool;
  layer.kernel_h = layer.kernel_w = 2;
  layer.shifts = {1, 0};
  // sums -3 and 28: -3/2 rounds up to -1, 28 is clamped to 7
  EXPECT_EQ(one.run({-8, 7, 1, 7, 2, 7, 2, 7}), (Codes{-1, 7}));
}

TEST(Contract, TheClampedCodesBitsAreTheIndexOfTheTable) {
  OneLayer one = row(6, 8, true, 4, true, 2);
  Layer& layer = one.layer();
  layer.activation = Activation::kTable;
  layer.lo = -128;
  layer.hi = {127};
  layer.table.resize(256);
  layer.table[0] = 7;
  layer.table[1] = 0xf8;  // -8
  layer.table[127] = 3;
  layer.table[128] = 0xff;  // of code -128: -1
  layer.table[255] = 5;     // of code -1
  layer.bias = {1};
  // 2x + 1: 1, -1, 127, 255 -> 127, -127, -255 -> -128.
  layer.table[129] = 2;  // of code -127
  EXPECT_EQ(one.run({0, -1, 63, 127, -64, -128}), (Codes{-8, 5, 3, 3, 2, -1}));
}

TEST(Contract, ATableOfCodesFromZeroBehindAResidual) {
  OneLayer one = row(3, 8, true, 2, false);
  Layer& layer = one.layer();
  one.with_residual(8, true, {0});
  layer.activation = Activation::kTable;
  layer.lo = 0;
  layer.hi = {255};
  layer.table.resize(256);
  layer.table[0] = 1;
  layer.table[200] = 3;
  layer.table[254] = 2;
  EXPECT_EQ(one.run({100, 127, -5}, {100, 127, -6}), (Codes{3, 2, 1}));
}

TEST(Contract, LogitsAreBroughtToOneExponentAndNotClamped) {
  Network network;
  network.tensors = {tensor("image", 1, 1, 1, 8, false), tensor("logits", 1, 1, 3, kLogitsBits, true)};
  Layer layer;
  layer.name = "last";
  layer.input = 0;
  layer.output = 1;
  layer.weights = {100, -128, 3};
  layer.weight_exponents = {-2, 0, 5};
  layer.offsets = {0, 0, 0};
  layer.bias = {0, 0, -1};
  layer.shifts = {0, -2, -7};
  network.tensors[1].exponents = {-2};
  network.layers = {layer};
  validate(network, "test");
  const std::uint8_t image = 255;
  EXPECT_EQ(Golden(network).run(&image, 1, 1), (Codes{25500, -128 * 255 * 4, (3 * 255 - 1) * 128}));
}

TEST(Contract, ArgmaxTiesGoToTheLowestIndex) {
  const Codes logits{1, 5, 5, -2, -2, -2, -7, -8, -7};
  EXPECT_EQ(argmax(logits, 3), (std::vector<int>{1, 0, 0}));
}

TEST(Contract, MacsAreCountedAsTheLiteratureDoes) {
  OneLayer one(tensor("in", 8, 8, 6, 4, false), tensor("out", 4, 4, 12, 4, false));
  one.layer().kernel_h = one.layer().kernel_w = 3;
  one.layer().groups = 3;
  EXPECT_EQ(macs(one.network, one.layer()), 4 * 4 * 12 * 9 * 2);
  one.layer().kind = LayerKind::kMaxPool;
  EXPECT_EQ(macs(one.network, one.layer()), 0);
}

}  // namespace
}  // namespace shiftsim::qnet
