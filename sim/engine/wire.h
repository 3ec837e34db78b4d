// A signal for whole structs: sc_signal's evaluate-update semantics without its comparison and events, which cost more
// than the models at one write a cycle.
#pragma once

#include <systemc>

namespace shiftsim::sim {

/// Readers see a written value from the next delta cycle on, whatever the order in which processes run.
template <typename T>
class Wire : public sc_core::sc_prim_channel {
public:
  explicit Wire(const char* name) : sc_prim_channel(name) {}
  const T& read() const { return current_; }
  void write(const T& value) {
    next_ = value;
    request_update();
  }

private:
  void update() override { current_ = next_; }
  T current_{}, next_{};
};

}  // namespace shiftsim::sim
