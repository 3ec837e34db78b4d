// The core as a SystemC module: the same ports as rtl/shiftsim_core.sv, bundled by direction and neighbour.
#pragma once

#include <systemc>

#include "sim/core/core_model.h"
#include "sim/engine/wire.h"
#include "sim/memory/dma.h"
#include "sim/memory/host.h"

namespace shiftsim::sim {

/// What stands on the core's inputs, from its two neighbours.
inline CoreInputs core_inputs(const HostOutputs& host, const DmaOutputs& dma) {
  return {host.ld,           host.ex,     host.st,          dma.rd_req_ready,
          dma.rd_data_valid, dma.rd_data, dma.wr_req_ready, dma.wr_data_ready};
}

/// One event a cycle. sc_clock's two signal changes a cycle, with an event, an update and a delta each, cost more than
/// the core itself (tests/bench/core_bench); nothing here looks at the falling edge.
class ClockModule : public sc_core::sc_module {
public:
  sc_core::sc_event posedge;

  ClockModule(const sc_core::sc_module_name& name, const sc_core::sc_time& period) : sc_module(name), period_(period) {
    SC_HAS_PROCESS(ClockModule);
    SC_METHOD(tick);
    sensitive << posedge;
  }

private:
  void tick() { posedge.notify(period_); }

  sc_core::sc_time period_;
};

class CoreModule : public sc_core::sc_module {
public:
  CoreModule(const sc_core::sc_module_name& name, const ClockModule& clock, CoreModel& model,
             const Wire<HostOutputs>& host, const Wire<DmaOutputs>& dma, Wire<CoreOutputs>& out)
      : sc_module(name), model_(model), host_(host), dma_(dma), out_(out) {
    SC_HAS_PROCESS(CoreModule);
    SC_METHOD(on_clock);
    sensitive << clock.posedge;
    dont_initialize();
  }

private:
  void on_clock() {
    model_.clock(core_inputs(host_.read(), dma_.read()));
    out_.write(model_.outputs());
  }

  CoreModel& model_;
  const Wire<HostOutputs>& host_;
  const Wire<DmaOutputs>& dma_;
  Wire<CoreOutputs>& out_;
};

}  // namespace shiftsim::sim
