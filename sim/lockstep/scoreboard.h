// The lockstep scoreboard: every port of the RTL against the SystemC core in every cycle, every accumulator of an
// active slot at every drain, the event counters again and again; and the RTL's own assertions.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "rtl/verilated/core_abi.h"
#include "sim/compiler/program.h"
#include "sim/core/core_model.h"

namespace shiftsim::sim {

/// The first place where RTL and SystemC core differ, or where an assertion of the RTL fails.
struct Difference {
  std::int64_t cycle = 0;
  std::string port;                       ///< as in docs/hardware.md; or 'event counter NAME', or the assertion
  std::int64_t expected = 0, actual = 0;  ///< SystemC core, RTL
  std::string where;                      ///< layer, tile, pixel, channel, as far as the port has them
  std::string assertion;                  ///< of the RTL that failed at the edge behind this cycle, or empty

  std::string text() const;
};

class Scoreboard {
public:
  /// 'lacks': what the RTL does not have (core_abi.h); it is not compared.
  Scoreboard(const qnet::Network& network, const Program& program, const CoreModel& core,
             const std::vector<std::string>& lacks = {});

  /// Compares the ports of one cycle. Returns false at the first difference, which difference() then tells.
  bool compare(const CoreOutputs& expected, const ShiftsimCoreOutputs& actual);

  /// Takes what the RTL's assertions say: the first that failed, or "". Returns false if one did.
  bool check_assertions(const char* failure);
  /// After a difference: an assertion that failed at the edge behind it explains it better.
  void note_assertion(const char* failure) { difference_->assertion = failure; }
  /// Whether the event counters are to be compared at this cycle.
  bool events_due() const { return !lacks_all_events_ && cycles_ % kEventCycles == 0; }
  /// Whether both cores have seen the same number of edges: only then can their counters be compared.
  bool level() const { return core_.cycle() == cycles_; }
  /// Compares the sums over all layers. Returns false at the first difference.
  bool compare_events(const ShiftsimCoreEvents& actual);

  const std::optional<Difference>& difference() const { return difference_; }
  std::int64_t cycles() const { return cycles_; }
  std::int64_t comparisons() const { return comparisons_; }
  std::int64_t accumulator_comparisons() const { return accumulators_; }
  /// Follows the stores, so that a difference in their data is named by pixel and channel.
  void note_store(const CoreOutputs& expected, bool request_taken, bool word_taken);

private:
  static constexpr std::int64_t kEventCycles = 1024;

  bool compare_drain(const CoreOutputs& expected, const ShiftsimCoreOutputs& actual);
  bool check(const char* port, std::int64_t expected, std::int64_t actual);
  void report(const char* port, std::int64_t expected, std::int64_t actual, std::string where);
  std::string compute_place() const;
  std::string drain_place(int p, int n) const;
  std::string store_place(int byte) const;

  const qnet::Network& network_;
  const Program& program_;
  const CoreModel& core_;
  // What the RTL lacks.
  bool lacks_idle_ = false, lacks_ex_state_ = false, lacks_ld_state_ = false, lacks_drain_ = false;
  bool lacks_rd_target_ = false, lacks_rd_count_ = false, lacks_rd_id_ = false;
  bool lacks_wr_count_ = false, lacks_wr_id_ = false, lacks_all_events_ = false;
  std::set<std::string> lacks_events_;
  std::optional<Difference> difference_;
  std::int64_t cycles_ = 0, comparisons_ = 0, accumulators_ = 0;
  const WriteProgram* store_ = nullptr;
  std::int64_t store_word_ = 0;
};

}  // namespace shiftsim::sim
