#include "tests/sim/transaction_compare.h"

namespace shiftsim::sim {
namespace {

TEST(TransactionNightly, EqualsTheCycleEngineOn5000RandomPairs) {
  compare_random(100'000, 5000, 100);
}

}  // namespace
}  // namespace shiftsim::sim
