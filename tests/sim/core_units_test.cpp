// The core's units alone: command FIFO, tokens, and the PPU lane against the RTL's own reference.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "sim/core/cmd_fifo.h"
#include "sim/core/ppu_lane.h"
#include "sim/core/tokens.h"
#include "sim/core/weight_scratchpad.h"
#include "tests/rtl/ppu_reference.h"

namespace shiftsim::sim {
namespace {

TEST(CmdFifo, KeepsOrderAndDepth) {
  std::array<StoreCommand, 20> commands{};
  CmdFifo<StoreCommand> fifo(3);
  EXPECT_TRUE(fifo.empty());
  // More than the ring's size, so that it wraps.
  for (std::size_t i = 0; i < commands.size(); ++i) {
    fifo.push({&commands[i], static_cast<int>(i)});
    if (i >= 2) {
      EXPECT_TRUE(fifo.full());
      EXPECT_EQ(fifo.front().command, &commands[i - 2]);
      EXPECT_EQ(fifo.front().layer, static_cast<int>(i) - 2);
      fifo.pop();
    }
    EXPECT_FALSE(fifo.full());
  }
}

TEST(CmdFifo, RefusesAPushWhenFull) {
  const StoreCommand command;
  CmdFifo<StoreCommand> fifo(1);
  fifo.push({&command, 0});
  EXPECT_THROW(fifo.push({&command, 0}), InternalError);
  EXPECT_THROW(CmdFifo<StoreCommand>(17), InternalError);
}

TEST(Tokens, ChangeAtTheEdgeByTheSumOfTheCycle) {
  Tokens tokens;
  tokens.reset();
  EXPECT_TRUE(tokens.credit_of(Target::kAct).available());
  EXPECT_FALSE(tokens.ready_of(Target::kAct).available());
  EXPECT_FALSE(tokens.barrier.available());
  tokens.ready_of(Target::kAct).give();
  EXPECT_FALSE(tokens.ready_of(Target::kAct).available()) << "not before the edge";
  tokens.clock();
  EXPECT_TRUE(tokens.ready_of(Target::kAct).available());
  tokens.ready_of(Target::kAct).take();
  tokens.ready_of(Target::kAct).give();
  tokens.clock();
  EXPECT_TRUE(tokens.ready_of(Target::kAct).available());
  // Two halves are free at reset.
  tokens.credit_of(Target::kOut).take();
  tokens.clock();
  tokens.credit_of(Target::kOut).take();
  tokens.clock();
  EXPECT_FALSE(tokens.credit_of(Target::kOut).available());
  EXPECT_THROW(tokens.credit_of(Target::kOut).take(), InternalError);
}

TEST(PpuLane, IsTheReference) {
  std::mt19937_64 random(1);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  for (int i = 0; i < 100'000; ++i) {
    test::TableEntry entry;
    entry.bias = static_cast<std::int32_t>(random());
    entry.n = static_cast<int>(pick(-31, 31));
    entry.c = static_cast<int>(pick(-8, 7));
    entry.rs = static_cast<int>(pick(-31, 31));
    entry.hi = static_cast<int>(pick(0, 255));
    test::PpuInput in;
    in.a = pick(-(1 << 23), (1 << 23) - 1);
    in.s = pick(-(1 << 20), (1 << 20));
    in.r = static_cast<int>(pick(-128, 255));
    in.has_offset = random() % 2 != 0;
    in.has_res = random() % 2 != 0;
    // The second lane of a word of three.
    std::array<std::uint32_t, 7> word{};
    test::PackEntry(entry, word.data(), 56);
    const TableEntry unpacked = ppu_lane::entry(reinterpret_cast<const std::uint8_t*>(word.data()), 1);
    ASSERT_EQ(unpacked.hi, entry.hi);
    std::uint32_t v =
        ppu_lane::sum(static_cast<std::int32_t>(in.a), static_cast<std::int32_t>(in.s), in.has_offset, unpacked);
    if (in.has_res) v += ppu_lane::residual(in.r, unpacked.rs);
    ASSERT_EQ(ppu_lane::requantize(static_cast<std::int32_t>(v), unpacked.n), test::PpuShifted(in, entry))
        << "bias " << entry.bias << ", n " << entry.n << ", c " << entry.c << ", rs " << entry.rs << ", A " << in.a
        << ", S " << in.s << ", r " << in.r;
  }
}

/// Digits of all 4-bit weights: two planes, the most significant first, with the lower one's top bit as carry.
TEST(WeightScratchpad, DigitsOfAWeightAddUpToIt) {
  Geometry g;
  g.channels = 16;
  g.lanes = 1;
  g.wgt_depth = 2;
  WeightScratchpad memory(g);
  std::array<std::uint8_t, 4> high{}, low{};
  for (int n = 0; n < 16; ++n) {
    const int weight = n - 8;
    high[static_cast<std::size_t>(n / 4)] |= static_cast<std::uint8_t>(((weight >> 2) & 3) << (2 * (n % 4)));
    low[static_cast<std::size_t>(n / 4)] |= static_cast<std::uint8_t>((weight & 3) << (2 * (n % 4)));
  }
  memory.write_pairs(true, 0, high.data());
  memory.write_pairs(true, 1, low.data());
  memory.write_carries(true, 0, low.data());
  const std::int16_t* plane1 = memory.digits(memory.index(true, 0), false);
  const std::int16_t* plane0 = memory.digits(memory.index(true, 1), true);
  for (int n = 0; n < 16; ++n) EXPECT_EQ(4 * plane1[n] + plane0[n], n - 8);
  EXPECT_EQ(memory.nonzero(memory.index(true, 1), true)[0], 12) << "every fourth weight has a digit of 0";
  EXPECT_THROW(memory.index(false, 2), InternalError);
}

}  // namespace
}  // namespace shiftsim::sim
