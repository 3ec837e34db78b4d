// Fidelity 'transaction' equals fidelity 'cycle'. transaction_nightly_test.cpp runs ten times as many pairs.
#include "tests/qnet/named_networks.h"
#include "tests/sim/transaction_compare.h"

namespace shiftsim::sim {
namespace {

TEST(Transaction, EqualsTheCycleEngineOn500RandomPairs) {
  compare_random(1, 500, 10);
}

TEST(Transaction, EqualsTheCycleEngineWhereWeightsAreLoadedAgain) {
  const auto much_l2 = [](AcceleratorConfig& accelerator) {
    accelerator.l2 = {64, 1 + accelerator.array.cols, accelerator.array.rows};
    accelerator.scratchpad.weight_kib = 1;
  };
  compare_random(2001, 150, 60, much_l2);
}

class TransactionOnImageNet : public testing::TestWithParam<const char*> {};

TEST_P(TransactionOnImageNet, EqualsTheCycleEngine) {
  const qnet::Network network = qnet::imagenet_network(GetParam());
  const AcceleratorConfig accelerator = make_accelerator(32, 32);
  compare(network, accelerator, compile(network, accelerator), 1, 1);
}

INSTANTIATE_TEST_SUITE_P(Networks, TransactionOnImageNet, testing::Values("resnet18", "resnet50", "mobilenet_v2"),
                         [](const auto& named) { return std::string(named.param); });

}  // namespace
}  // namespace shiftsim::sim
