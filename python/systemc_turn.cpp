#include "python/systemc_turn.h"

#include <chrono>

#include "common/watcher.h"

namespace shiftsim::python {

std::unique_lock<std::timed_mutex> systemc_turn() {
  constexpr auto kLook = std::chrono::milliseconds(100);
  static std::timed_mutex machine;
  std::unique_lock turn(machine, std::defer_lock);
  while (!turn.try_lock_for(kLook)) check_stopped();
  return turn;
}

}  // namespace shiftsim::python
