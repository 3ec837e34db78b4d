#include "sim/transaction/transaction_machine.h"

#include "common/error.h"
#include "sim/compiler/command_events.h"

namespace shiftsim::sim {

TransactionMachine::TransactionMachine(const qnet::Network& network, const Program& program, const DramConfig& dram)
    : program_(program),
      command_events_(command_events(program, network.layers.size())),
      counters_(static_cast<int>(network.layers.size())),
      array_(program.geometry, tokens_, counters_),
      memory_(network, program, dram, tokens_, counters_) {
  tokens_.reset();
}

bool TransactionMachine::can_feed() const {
  return (next_load_ < program_.loads.commands.size() && memory_.can_take_load()) ||
         (next_compute_ < program_.computes.commands.size() && array_.can_take()) ||
         (next_store_ < program_.stores.commands.size() && memory_.can_take_store());
}

/// Where a queue had room in the cycle that ends, it takes a command.
void TransactionMachine::clock() {
  const bool load = next_load_ < program_.loads.commands.size() && memory_.can_take_load();
  const bool compute = next_compute_ < program_.computes.commands.size() && array_.can_take();
  const bool store = next_store_ < program_.stores.commands.size() && memory_.can_take_store();
  const int layer = array_.layer();
  array_.clock(memory_.waits_for_barrier(), memory_.store_idle());
  memory_.clock();
  counters_.of(layer).token_moves += tokens_.clock();
  if (load) {
    memory_.push(Queued<LoadCommand>{&program_.loads.commands[next_load_], program_.loads.layers[next_load_]});
    ++next_load_;
  }
  if (compute) {
    array_.push({&program_.computes.commands[next_compute_], program_.computes.layers[next_compute_]});
    ++next_compute_;
  }
  if (store) {
    memory_.push(Queued<StoreCommand>{&program_.stores.commands[next_store_], program_.stores.layers[next_store_]});
    ++next_store_;
  }
}

bool TransactionMachine::all_idle() const {
  return next_load_ == program_.loads.commands.size() && next_compute_ == program_.computes.commands.size() &&
         next_store_ == program_.stores.commands.size() && array_.idle() && memory_.load_idle() &&
         memory_.store_idle() && memory_.dma_idle();
}

/// Passes over the cycles before the next clock edge that takes or gives a token or a command. Returns how many.
std::int64_t TransactionMachine::advance() {
  const bool barrier = memory_.waits_for_barrier(), store_idle = memory_.store_idle();
  const std::int64_t cycles = memory_.advance(array_.quiet());
  if (cycles < ArraySide::kForever) array_.advance(cycles, barrier, store_idle);
  return cycles;
}

void TransactionMachine::run_batch() {
  next_load_ = 0;
  next_compute_ = 0;
  next_store_ = 0;
  array_.begin_batch();
  while (!all_idle()) {
    const std::int64_t cycles = can_feed() ? 0 : advance();
    SHIFTSIM_CHECK(cycles < ArraySide::kForever, "nothing can move any more (after {} cycles)", this->cycles());
    if (cycles == 0) clock();
  }
  // The cycle in which all is seen to be idle is the last.
  clock();
}

void TransactionMachine::run(std::int64_t batches) {
  batches_ += batches;
  // Only whose turn it is in memory is left over from one batch to the next: the same at the start, the same counts.
  while (batches > 0) {
    const auto start = memory_.last_grant_write();
    const CoreCounters before = counters_;
    run_batch();
    --batches;
    if (memory_.last_grant_write() != start) continue;
    // The rest of the batches are counted without being run.
    for (std::size_t layer = 0; layer < before.events.size(); ++layer) {
      Events& events = counters_.events[layer];
      const Events after = events;
      events.add(after, batches).add(before.events[layer], -batches);
      for (std::size_t cause = 0; cause < kCauses; ++cause)
        counters_.causes[layer][cause] += batches * (counters_.causes[layer][cause] - before.causes[layer][cause]);
    }
    return;
  }
}

std::int64_t TransactionMachine::cycles() const {
  std::int64_t sum = 0;
  for (const Events& events : counters_.events) sum += events.cycles;
  return sum;
}

std::vector<Events> TransactionMachine::events() const {
  std::vector<Events> result = counters_.events;
  for (std::size_t layer = 0; layer < result.size(); ++layer) result[layer].add(command_events_[layer], batches_);
  return result;
}

}  // namespace shiftsim::sim
