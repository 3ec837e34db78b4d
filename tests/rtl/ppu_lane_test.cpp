// One PPU lane against the transcription of the specification: every table field, with values drawn to meet ties,
// both signs and the ends of every shift.
#include <Vshiftsim_ppu_lane.h>
#include <gtest/gtest.h>
#include <verilated.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>

#include "tests/rtl/ppu_reference.h"

double sc_time_stamp() {
  return 0;
}

namespace shiftsim::test {
namespace {

constexpr int kAccW = 24;  // the module's default

class Random {
public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int Uniform(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  // A two's complement number of `bits`: any, small, near a power of two, or an end of the range.
  int64_t Number(int bits) {
    const int64_t high = (int64_t{1} << (bits - 1)) - 1;
    switch (Uniform(0, 3)) {
      case 0:
        return std::uniform_int_distribution<int64_t>(-high - 1, high)(engine_);
      case 1:
        return Uniform(-9, 9);
      case 2: {
        const int64_t power = int64_t{1} << Uniform(0, bits - 2);
        return std::clamp((Uniform(0, 1) ? power : -power) + Uniform(-1, 1), -high - 1, high);
      }
      default:
        return Uniform(0, 1) ? high : -high - 1;
    }
  }

private:
  std::mt19937 engine_;
};

struct Case {
  PpuInput in;
  TableEntry entry;
  bool res_signed = false, wide = false;
  int lo = 0, pass = 0;
};

class PpuLane : public testing::Test {
protected:
  PpuLane() : lane_(std::make_unique<Vshiftsim_ppu_lane>(&context_)) {
    lane_->clk_i = 0;
    lane_->en_i = 1;
    lane_->eval();
  }
  ~PpuLane() override { lane_->final(); }

  int Hardware(const Case& test) {
    uint32_t tab[3] = {};
    PackEntry(test.entry, tab, 0);
    lane_->acc_i = static_cast<uint32_t>(test.in.a) & ((1U << kAccW) - 1);
    lane_->s_i = static_cast<uint32_t>(test.in.s) & ((1U << kAccW) - 1);
    lane_->tab_i = tab[0] | uint64_t{tab[1]} << 32;
    lane_->res_i = static_cast<uint8_t>(test.in.r);
    lane_->has_offset_i = test.in.has_offset;
    lane_->has_res_i = test.in.has_res;
    lane_->res_signed_i = test.res_signed;
    lane_->wide_i = test.wide;
    lane_->pass_i = static_cast<uint8_t>(test.pass);
    lane_->lo_i = static_cast<uint8_t>(test.lo);
    lane_->clk_i = 1;
    lane_->eval();
    lane_->clk_i = 0;
    lane_->eval();
    return lane_->byte_o;
  }

  static int Expected(const Case& test) {
    const int32_t y = PpuShifted(test.in, test.entry);
    if (test.wide) return (y >> (8 * test.pass)) & 255;
    return std::max(test.lo, std::min<int32_t>(y, test.entry.hi)) & 255;
  }

  VerilatedContext context_;
  std::unique_ptr<Vshiftsim_ppu_lane> lane_;
};

TEST_F(PpuLane, ConstrainedRandom) {
  constexpr uint32_t kSeed = 20240601;
  Random random(kSeed);
  for (int i = 0; i < 2'000'000; ++i) {
    Case test;
    test.in.a = random.Number(kAccW);
    test.in.s = random.Number(kAccW);
    test.in.has_offset = random.Uniform(0, 1);
    test.in.has_res = random.Uniform(0, 1);
    test.res_signed = random.Uniform(0, 1);
    test.in.r = test.res_signed ? random.Uniform(-128, 127) : random.Uniform(0, 255);
    test.entry.bias = static_cast<int32_t>(random.Number(32));
    test.entry.n = random.Uniform(-31, 31);
    test.entry.c = random.Uniform(-8, 7);
    test.entry.rs = random.Uniform(-31, 31);
    test.entry.hi = random.Uniform(0, 255);
    test.lo = random.Uniform(0, 1) ? random.Uniform(-128, 127) : -128 * random.Uniform(0, 1);
    test.wide = random.Uniform(0, 1);
    test.pass = random.Uniform(0, 3);
    ASSERT_EQ(Hardware(test), Expected(test))
        << "seed " << kSeed << " case " << i << ": a " << test.in.a << " s " << test.in.s << " r " << test.in.r
        << " offset " << test.in.has_offset << " res " << test.in.has_res << " bias " << test.entry.bias << " n "
        << test.entry.n << " c " << test.entry.c << " rs " << test.entry.rs << " hi " << test.entry.hi << " lo "
        << test.lo << " wide " << test.wide << " pass " << test.pass;
  }
}

// Ties of the requantization, half up: x/2^n for x = k*2^(n-1), the half folded into the bias as the compiler does.
TEST_F(PpuLane, TiesRoundUp) {
  for (int n = 1; n <= 16; ++n) {
    for (int k = -100; k <= 100; ++k) {
      Case test;
      test.in.a = int64_t{k} * (1 << (n - 1));
      if (test.in.a != Low32(test.in.a) || test.in.a >= 1 << 23 || test.in.a < -(1 << 23)) continue;
      test.entry.n = n;
      test.entry.bias = 1 << (n - 1);
      test.entry.hi = 127;
      test.lo = -128;
      const int half_up = (k + 1) >> 1;  // floor(k/2 + 1/2)
      EXPECT_EQ(static_cast<int8_t>(Hardware(test)), half_up) << "k " << k << " n " << n;
    }
  }
}

// Every offset times every small S, and the ends of S.
TEST_F(PpuLane, OffsetIsAProduct) {
  for (int c = -8; c <= 7; ++c) {
    for (const int s : {-(1 << 23), -12345, -3, -2, -1, 0, 1, 2, 3, 12345, (1 << 23) - 1}) {
      for (int pass = 0; pass < 4; ++pass) {
        Case test;
        test.in.s = s;
        test.in.has_offset = true;
        test.entry.c = c;
        test.wide = true;
        test.pass = pass;
        EXPECT_EQ(Hardware(test), ((c * s) >> (8 * pass)) & 255) << c << " * " << s;
      }
    }
  }
}

}  // namespace
}  // namespace shiftsim::test
