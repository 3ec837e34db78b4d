// The whole machine in time, without values: the cycles and events that System counts, in a thousandth of the time. It
// runs the same clock edges as the units of sim/core and sim/memory where a token, a command or a pipeline flag
// changes, and passes over the cycles between them in one step. docs/architecture.md, "Fidelity transaction".
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"
#include "sim/core/core_counters.h"
#include "sim/core/tokens.h"
#include "sim/transaction/array_side.h"
#include "sim/transaction/memory_side.h"

namespace shiftsim::sim {

class TransactionMachine {
public:
  /// All references must outlive this object.
  TransactionMachine(const qnet::Network& network, const Program& program, const DramConfig& dram);
  TransactionMachine(const TransactionMachine&) = delete;
  TransactionMachine& operator=(const TransactionMachine&) = delete;

  /// Tells 'observer' what is run from now on; it must outlive the machine. Batches that are counted without being run
  /// are not told.
  void observe(TransactionObserver* observer) {
    array_.observe(observer);
    memory_.observe(observer);
  }
  /// Runs the program on 'batches' batches of images, one after the other. Throws InternalError where nothing can move
  /// any more.
  void run(std::int64_t batches);
  std::int64_t cycles() const;
  const std::vector<CauseCycles>& causes() const { return counters_.causes; }
  /// Events of each layer, those left out that depend on values (value_counts.h).
  std::vector<Events> events() const;

private:
  void run_batch();
  std::int64_t advance();
  void clock();
  bool can_feed() const;
  bool all_idle() const;

  const Program& program_;
  std::vector<Events> command_events_;  ///< of one batch
  CoreCounters counters_;
  Tokens tokens_;
  ArraySide array_;
  MemorySide memory_;
  std::size_t next_load_ = 0, next_compute_ = 0, next_store_ = 0;
  std::int64_t batches_ = 0;
};

}  // namespace shiftsim::sim
