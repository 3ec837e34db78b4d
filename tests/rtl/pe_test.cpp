// Recoders and PEs against multiplications: every pair of operands' interesting bytes with every pair of digits, every
// operand with every digit, then random histories of all modes.
#include <Vpe_bench.h>
#include <gtest/gtest.h>
#include <verilated.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

double sc_time_stamp() {
  return 0;
}

namespace shiftsim::test {
namespace {

constexpr int kAccW = 18;

int32_t Wrap(int64_t value) {
  return static_cast<int32_t>(static_cast<uint32_t>(value) << (32 - kAccW)) >> (32 - kAccW);
}

struct Step {
  bool en = true, active = true, clear = true, shift = false, depthwise = false, max = false, s_en = false,
       is_signed = false;
  int byte0 = 0, byte1 = 0, pair0 = 0, pair1 = 0, carry0 = 0, carry1 = 0;
};

class Pe : public testing::Test {
protected:
  Pe() : bench_(std::make_unique<Vpe_bench>(&context_)) {
    bench_->clk_i = 0;
    bench_->eval();
  }
  ~Pe() override { bench_->final(); }

  // The specification's step, E of docs/hardware.md, with products.
  void Expect(const Step& step) {
    if (!step.en || !step.active) return;
    const auto digit = [](int pair, int carry) { return -2 * (pair >> 1) + (pair & 1) + carry; };
    const int a0 = step.is_signed ? static_cast<int8_t>(step.byte0) : step.byte0;
    const int a1 = step.is_signed ? static_cast<int8_t>(step.byte1) : step.byte1;
    const int lane0 = step.depthwise ? a1 : a0;  // channel 1
    // In depthwise the digits of the other lanes are those of some step before: they do not count.
    const int t = digit(step.pair0, step.carry0) * lane0 + (step.depthwise ? 0 : digit(step.pair1, step.carry1) * a1);
    if (step.max) {
      acc_ = step.clear ? a1 : std::max(acc_, a1);
    } else {
      acc_ = Wrap((step.clear ? 0 : step.shift ? 4 * int64_t{acc_} : acc_) + t);
    }
    // The clearing of S belongs to the first step that adds to it.
    if (step.s_en) s_ = Wrap((step.clear ? 0 : s_) + a0 + a1);
  }

  bool Matches(const Step& step) {
    Expect(step);
    bench_->en_i = step.en;
    bench_->active_i = step.active;
    bench_->clear_i = step.clear;
    bench_->shift_i = step.shift;
    bench_->depthwise_i = step.depthwise;
    bench_->max_i = step.max;
    bench_->s_en_i = step.s_en;
    bench_->signed_i = step.is_signed;
    bench_->byte0_i = static_cast<uint8_t>(step.byte0);
    bench_->byte1_i = static_cast<uint8_t>(step.byte1);
    bench_->pair_i = static_cast<uint8_t>(step.pair1 << 2 | step.pair0);
    bench_->carry_i = static_cast<uint8_t>(step.carry1 << 1 | step.carry0);
    bench_->clk_i = 1;
    bench_->eval();
    bench_->clk_i = 0;
    bench_->eval();
    // What an inactive slot captures means nothing.
    if (step.en) acc_shown_ = step.active;
    if (step.en && step.s_en) s_shown_ = step.active;
    return (!acc_shown_ || Wrap(bench_->acc_o) == acc_) && (!s_shown_ || Wrap(bench_->s_o) == s_);
  }

  VerilatedContext context_;
  std::unique_ptr<Vpe_bench> bench_;
  int32_t acc_ = 0, s_ = 0;
  bool acc_shown_ = false, s_shown_ = false;  // the drain registers hold them
};

TEST_F(Pe, EveryOperandTimesEveryDigit) {
  std::vector<int> corners = {0, 1, 2, 3, 0x55, 0x7e, 0x7f, 0x80, 0x81, 0xaa, 0xfe, 0xff};
  for (int mode = 0; mode < 4; ++mode) {
    for (int byte = 0; byte < 256; ++byte) {
      for (const int corner : corners) {
        for (int digits = 0; digits < 64; ++digits) {
          Step step;
          step.is_signed = mode & 1;
          step.depthwise = mode >> 1;
          step.s_en = true;
          step.byte0 = corner;
          step.byte1 = byte;
          step.pair0 = digits & 3;
          step.carry0 = digits >> 2 & 1;
          step.pair1 = digits >> 3 & 3;
          step.carry1 = digits >> 5;
          ASSERT_TRUE(Matches(step)) << "mode " << mode << " bytes " << corner << ' ' << byte << " digits " << digits;
          std::swap(step.byte0, step.byte1);
          ASSERT_TRUE(Matches(step)) << "mode " << mode << " bytes " << byte << ' ' << corner << " digits " << digits;
        }
      }
    }
  }
}

TEST_F(Pe, RandomHistories) {
  constexpr uint32_t kSeed = 7;
  std::mt19937 random(kSeed);
  const auto bits = [&](int count) { return static_cast<int>(random() & ((1U << count) - 1)); };
  Step first;
  ASSERT_TRUE(Matches(first));
  for (int i = 0; i < 2'000'000; ++i) {
    Step step;
    step.en = bits(3) != 0;
    step.active = bits(3) != 0;
    step.clear = bits(5) == 0;
    step.shift = bits(3) == 0;
    step.max = bits(2) == 0;
    step.depthwise = !step.max && bits(1);
    step.s_en = bits(1);
    step.is_signed = bits(1);
    step.byte0 = bits(8);
    step.byte1 = bits(8);
    step.pair0 = bits(2);
    step.pair1 = bits(2);
    step.carry0 = bits(1);
    step.carry1 = bits(1);
    ASSERT_TRUE(Matches(step)) << "seed " << kSeed << " step " << i;
  }
}

}  // namespace
}  // namespace shiftsim::test
