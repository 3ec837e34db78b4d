// The core's units alone: command FIFO, tokens, LOAD unit, weight memory, and the PPU lane against the RTL's own
// reference.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "sim/core/cmd_fifo.h"
#include "sim/core/load_unit.h"
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

/// A LOAD unit with all that it needs around it: 3 slots, 4 channels.
class LoadUnitTest : public testing::Test {
protected:
  static Geometry small() {
    Geometry g;
    g.pixels = 3;
    g.channels = 4;
    g.lanes = 1;
    g.act_depth = 32;
    g.cmd_depth = 4;
    return g;
  }
  LoadUnitTest() {
    tokens_.reset();
    unit_.drive(out_);
  }

  /// One cycle with these inputs.
  void cycle(const CoreInputs& in) {
    unit_.clock(in, out_);
    tokens_.clock();
    unit_.drive(out_);
  }
  void push(const LoadCommand& command) {
    CoreInputs in;
    in.ld = {true, &command, nullptr, 0};
    cycle(in);
  }
  void take_request() {
    CoreInputs in;
    in.rd_req_ready = true;
    cycle(in);
  }

  Geometry g_ = small();
  Tokens tokens_;
  Scratchpads scratchpads_{g_};
  CoreCounters counters_{1};
  LoadUnit unit_{g_, tokens_, scratchpads_, counters_};
  CoreOutputs out_;
};

/// A tile of 2 x 5 pixels for a 3x3 kernel, one word a pixel: its input is 4 rows of 7 words. Segments of 4 pixels
/// begin at (0, 0), (0, 4) and (1, 3).
LoadCommand tile_load() {
  LoadCommand c;
  c.target = Target::kAct;
  c.half = true;
  c.acquire = true;
  c.signal = true;
  c.count = 28;
  c.seg = 4;
  c.m_tile = 10;
  c.tw = 5;
  c.seg_x = 4;
  c.seg_xa = 4;
  c.tw_xa = 5;
  c.row_off = 7;
  c.win_len = 28;
  return c;
}

TEST_F(LoadUnitTest, WalksOverTheSlotsAndFillsTheirWindows) {
  const LoadCommand command = tile_load();
  EXPECT_TRUE(unit_.idle());
  push(command);
  EXPECT_EQ(out_.ld_state, LdState::kRequest);
  EXPECT_EQ(out_.rd_req_count, 28u);
  take_request();
  EXPECT_FALSE(out_.rd_data_ready);
  // One cycle takes the request up, P = 3 walk.
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(out_.rd_data_ready) << i;
    cycle({});
  }
  ASSERT_TRUE(out_.rd_data_ready);
  const std::vector<Slot>& slots = unit_.slots()[1];
  const std::array<Slot, 3> expected = {Slot{0, 0, 0, 10}, Slot{4, 4, 0, 6}, Slot{3, 3, 7, 2}};
  for (std::size_t p = 0; p < 3; ++p) {
    EXPECT_EQ(slots[p].x, expected[p].x) << p;
    EXPECT_EQ(slots[p].xa, expected[p].xa) << p;
    EXPECT_EQ(slots[p].off, expected[p].off) << p;
    EXPECT_EQ(slots[p].rem, expected[p].rem) << p;
  }
  for (std::uint8_t g = 0; g < 28; ++g) {
    EXPECT_FALSE(tokens_.ready_of(Target::kAct).available()) << "before the last word";
    const std::array<std::uint8_t, 4> word = {g, g, g, g};
    CoreInputs in;
    in.rd_data_valid = true;
    in.rd_data = word.data();
    cycle(in);
  }
  EXPECT_TRUE(tokens_.ready_of(Target::kAct).available());
  EXPECT_TRUE(unit_.idle());
  for (std::size_t p = 0; p < 3; ++p)
    for (std::uint32_t address = 0; address + expected[p].off < 28; ++address)
      EXPECT_EQ(scratchpads_.act.word(true, address, p)[3], address + expected[p].off) << "bank " << p;
  EXPECT_EQ(counters_.of(0).act_write_words, 28 + 28 + 21);
}

TEST_F(LoadUnitTest, SaysWhatItWaitsFor) {
  const LoadCommand command = tile_load();
  LoadCommand behind = command;
  behind.barrier = true;
  EXPECT_EQ(out_.ld_state, LdState::kNoCommand);
  push(behind);
  EXPECT_EQ(out_.ld_state, LdState::kWaitBarrier);
  tokens_.barrier.give();
  cycle({});
  EXPECT_EQ(out_.ld_state, LdState::kRequest);
  push(command);
  push(command);
  take_request();
  EXPECT_EQ(out_.ld_state, LdState::kRequest) << "the second half";
  take_request();
  EXPECT_EQ(out_.ld_state, LdState::kWaitCredit) << "both halves are taken";
  EXPECT_FALSE(out_.rd_req_valid);
  tokens_.credit_of(Target::kAct).give();
  cycle({});
  EXPECT_EQ(out_.ld_state, LdState::kRequest) << "one load is received, one is pending";
  LoadCommand table;
  table.target = Target::kTab;
  table.count = 1;
  push(table);
  take_request();
  EXPECT_EQ(out_.ld_state, LdState::kPendingFull);
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
