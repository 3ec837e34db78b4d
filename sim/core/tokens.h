// The counters that order LOAD, COMPUTE and STORE (rtl/shiftsim_tokens.sv, rtl/shiftsim_token_counter.sv).
// docs/hardware.md, "Tokens".
#pragma once

#include <array>
#include <cstddef>

#include "common/error.h"
#include "sim/core/commands.h"

namespace shiftsim::sim {

/// One counter. What is taken and given in a cycle changes it at the clock edge.
class TokenCounter {
public:
  void reset(int value) {
    value_ = value;
    delta_ = 0;
  }
  bool available() const { return value_ > 0; }
  void take() {
    SHIFTSIM_CHECK(available(), "a token is taken where there is none");
    --delta_;
  }
  void give() { ++delta_; }
  /// Returns whether the counter changes.
  bool clock() {
    const bool moved = delta_ != 0;
    value_ += delta_;
    delta_ = 0;
    return moved;
  }

private:
  int value_ = 0, delta_ = 0;
};

struct Tokens {
  std::array<TokenCounter, kTargets> credit;  ///< halves free to fill
  std::array<TokenCounter, kTargets> ready;   ///< halves filled
  TokenCounter barrier;                       ///< layers whose outputs are all stored

  TokenCounter& credit_of(Target target) { return credit[static_cast<std::size_t>(target)]; }
  TokenCounter& ready_of(Target target) { return ready[static_cast<std::size_t>(target)]; }
  const TokenCounter& credit_of(Target target) const { return credit[static_cast<std::size_t>(target)]; }
  const TokenCounter& ready_of(Target target) const { return ready[static_cast<std::size_t>(target)]; }

  void reset() {
    for (TokenCounter& counter : credit) counter.reset(kHalves);
    for (TokenCounter& counter : ready) counter.reset(0);
    barrier.reset(0);
  }
  /// Returns how many counters change.
  int clock() {
    int moved = barrier.clock();
    for (TokenCounter& counter : credit) moved += counter.clock();
    for (TokenCounter& counter : ready) moved += counter.clock();
    return moved;
  }

private:
  static constexpr int kHalves = 2;
};

}  // namespace shiftsim::sim
