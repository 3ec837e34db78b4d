#include "sim/core/core_model.h"

#include "common/error.h"
#include "sim/core/cause_of.h"

namespace shiftsim::sim {
namespace {

const Geometry& checked(const Geometry& g) {
  SHIFTSIM_CHECK(g.channels >= 1 && g.channels <= 64 && g.pixels >= 1 && g.pixels <= 64 && g.lanes >= 1 &&
                     g.lanes <= g.channels && g.ppu_lanes >= 1 && g.ppu_lanes <= g.channels,
                 "geometry {}x{}x{} with {} PPU lanes is outside the limits of docs/hardware.md", g.pixels, g.channels,
                 g.lanes, g.ppu_lanes);
  return g;
}

}  // namespace

CoreModel::CoreModel(const Geometry& geometry, int layers)
    : g_(checked(geometry)),
      counters_(layers),
      scratchpads_(g_),
      load_(g_, tokens_, scratchpads_, counters_),
      operands_(g_),
      sequencer_(g_, tokens_, scratchpads_, load_.slots(), operands_, counters_),
      array_(g_, scratchpads_.wgt, operands_, counters_),
      ppu_(g_, tokens_, scratchpads_, array_, counters_),
      store_(g_, tokens_, scratchpads_, counters_) {
  reset();
}

void CoreModel::reset() {
  tokens_.reset();
  load_.reset();
  sequencer_.reset();
  ppu_.reset();
  store_.reset();
  drained_ = false;
  drive();
}

void CoreModel::drive() {
  stall_ = stalled();
  load_.drive(out_);
  sequencer_.drive(stall_, out_);
  store_.drive(out_);
  out_.drain_valid = drained_;
  out_.drain_acc = array_.drain_acc();
  out_.drain_s = array_.drain_s();
  out_.drain_slots = array_.drain_slots();
  out_.drain_has_s = array_.drain_has_s();
  out_.idle = load_.idle() && sequencer_.idle() && ppu_.idle() && store_.idle();
}

Cause CoreModel::cause() const {
  return cause_of(out_.ex_state, out_.ld_state == LdState::kWaitBarrier,
                  sequencer_.in_flight() || !ppu_.idle() || !store_.idle());
}

void CoreModel::count_cycle() {
  const int layer = sequencer_.layer();
  ++counters_.causes[static_cast<std::size_t>(layer)][static_cast<std::size_t>(cause())];
  Events& events = counters_.of(layer);
  ++events.cycles;
  if (!sequencer_.e().valid || stall_) ++events.array_idle_cycles;
}

void CoreModel::clock(const CoreInputs& in) {
  // Downstream first, so that each unit still sees the registers of the one before it as they stood in this cycle.
  count_cycle();
  const int layer = sequencer_.layer();
  store_.clock(in, out_);
  ppu_.clock();
  drained_ = false;
  if (const Step& step = sequencer_.e(); step.valid && !stall_) {
    array_.clock(step);
    ++counters_.of(step.context->layer).array_steps;
    if (step.capture) {
      ppu_.start(step);
      drained_ = true;
      drain_origin_ = {step.context->layer, step.context->number, step.j, step.context->command->seg};
    }
  }
  sequencer_.clock(in, out_, stall_);
  load_.clock(in, out_);
  counters_.of(layer).token_moves += tokens_.clock();
  ++cycle_;
  drive();
}

}  // namespace shiftsim::sim
