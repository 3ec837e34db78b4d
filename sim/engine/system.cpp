#include "sim/engine/system.h"

#include <systemc>

#include "common/error.h"
#include "common/watcher.h"
#include "sim/engine/core_module.h"
#include "sim/engine/wire.h"
#include "sim/memory/host.h"

/// libsystemc refers to it, though only SystemC's own main() would call it.
int sc_main(int, char**) {
  return 0;
}

namespace shiftsim::sim {
namespace {

/// A machine in which nothing moves for so long has deadlocked.
constexpr std::int64_t kDeadlockCycles = 200'000;

/// Cycles between two questions whether the run is stopped.
constexpr std::int64_t kStopCycles = 8192;

/// Modules can be made only before a simulation starts, so every System gets a simulation context of its own.
class SimulationContext {
public:
  SimulationContext() {
    // The release message would stand between the lines of a report.
    sc_core::sc_report_handler::set_verbosity_level(sc_core::SC_LOW);
    previous_ = sc_core::sc_curr_simcontext;
    sc_core::sc_curr_simcontext = context_.get();
    sc_core::sc_default_global_context = context_.get();
  }
  ~SimulationContext() {
    sc_core::sc_curr_simcontext = previous_;
    sc_core::sc_default_global_context = previous_;
  }
  SimulationContext(const SimulationContext&) = delete;
  SimulationContext& operator=(const SimulationContext&) = delete;

private:
  std::unique_ptr<sc_core::sc_simcontext> context_ = std::make_unique<sc_core::sc_simcontext>();
  sc_core::sc_simcontext* previous_;
};

/// Everything outside the core: the host feeds commands, the DMA moves data. Ends the run when all is quiet, or when
/// nothing moves.
class OutsideModule : public sc_core::sc_module {
public:
  bool deadlocked = false;

  OutsideModule(const sc_core::sc_module_name& name, const ClockModule& clock, Host& host, Dma& dma,
                const Wire<CoreOutputs>& core, Wire<HostOutputs>& host_out, Wire<DmaOutputs>& dma_out)
      : sc_module(name), host_(host), dma_(dma), core_(core), host_out_(host_out), dma_out_(dma_out) {
    SC_HAS_PROCESS(OutsideModule);
    SC_METHOD(on_clock);
    sensitive << clock.posedge;
    dont_initialize();
  }

private:
  void on_clock() {
    const CoreOutputs& core = core_.read();
    const DmaOutputs& dma = dma_.outputs();
    const bool moves = core.ex_state == ExState::kRun || (core.rd_data_ready && dma.rd_data_valid) ||
                       (core.wr_data_valid && dma.wr_data_ready) || (core.rd_req_valid && dma.rd_req_ready) ||
                       dma_.progressed();
    still_ = moves ? 0 : still_ + 1;
    deadlocked = still_ > kDeadlockCycles;
    if (deadlocked || (core.idle && host_.done() && dma_.idle())) {
      still_ = 0;
      sc_core::sc_pause();
    }
    if (++cycles_ % kStopCycles == 0 && is_stopped()) sc_core::sc_pause();
    // The host's offers change only when one is taken.
    if (host_.clock(core)) host_out_.write(host_.outputs());
    if (dma_.clock(core)) dma_out_.write(dma_.outputs());
  }

  Host& host_;
  Dma& dma_;
  const Wire<CoreOutputs>& core_;
  Wire<HostOutputs>& host_out_;
  Wire<DmaOutputs>& dma_out_;
  std::int64_t still_ = 0, cycles_ = 0;
};

/// The Verilated core and the scoreboard. Its outputs drive nothing: host and DMA follow the SystemC core, to which
/// the RTL must be equal in every cycle.
class RtlModule : public sc_core::sc_module {
public:
  RtlModule(const sc_core::sc_module_name& name, const ClockModule& clock, RtlCore& rtl, Scoreboard& scoreboard,
            const SystemOptions& options, const Wire<CoreOutputs>& core, const Wire<HostOutputs>& host,
            const Wire<DmaOutputs>& dma)
      : sc_module(name), rtl_(rtl), scoreboard_(scoreboard), options_(options), core_(core), host_(host), dma_(dma) {
    SC_HAS_PROCESS(RtlModule);
    SC_METHOD(on_clock);
    sensitive << clock.posedge;
    dont_initialize();
  }

  /// After a batch: what the edges since the last comparison did.
  void finish() {
    if (scoreboard_.difference()) return;
    const bool same = scoreboard_.check_assertions(rtl_.failure()) && (!scoreboard_.level() || compare_events());
    if (!same) close_trace();
  }

private:
  void on_clock() {
    if (scoreboard_.difference() || !events_agree() || limit_reached()) return;
    if (!options_.trace.empty() && scoreboard_.cycles() == options_.trace_from) rtl_.trace_open(options_.trace);
    const CoreOutputs& expected = core_.read();
    rtl_.outputs(actual_);
    const bool same = scoreboard_.check_assertions(rtl_.failure()) && scoreboard_.compare(expected, actual_);
    const CoreInputs in = core_inputs(host_.read(), dma_.read());
    scoreboard_.note_store(expected, expected.wr_req_valid && in.wr_req_ready,
                           expected.wr_data_valid && in.wr_data_ready);
    inputs_.ld_cmd_valid = in.ld.valid;
    inputs_.ex_cmd_valid = in.ex.valid;
    inputs_.st_cmd_valid = in.st.valid;
    inputs_.rd_req_ready = in.rd_req_ready;
    inputs_.rd_data_valid = in.rd_data_valid;
    inputs_.wr_req_ready = in.wr_req_ready;
    inputs_.wr_data_ready = in.wr_data_ready;
    inputs_.ld_cmd = in.ld.valid ? in.ld.word->data() : nullptr;
    inputs_.ex_cmd = in.ex.valid ? in.ex.word->data() : nullptr;
    inputs_.st_cmd = in.st.valid ? in.st.word->data() : nullptr;
    inputs_.rd_data = reinterpret_cast<const std::uint32_t*>(in.rd_data);
    rtl_.cycle(inputs_);
    if (!same) {
      scoreboard_.note_assertion(rtl_.failure());
      stop();
    } else {
      events_agree();
    }
  }

  bool limit_reached() const { return options_.compare_cycles > 0 && scoreboard_.cycles() >= options_.compare_cycles; }
  /// Where a comparison of the event counters is due. Asked before and after the edge, as the SystemC core may be
  /// clocked before or after this module: only one of the two finds both cores after the same edge.
  bool events_agree() {
    if (!scoreboard_.level() || !(scoreboard_.events_due() || limit_reached())) return true;
    if (compare_events()) return true;
    stop();
    return false;
  }
  bool compare_events() { return !rtl_.library().has(kLacksEvents) || scoreboard_.compare_events(rtl_.events()); }
  void close_trace() {
    if (!options_.trace.empty()) rtl_.trace_close();
  }
  void stop() {
    close_trace();
    sc_core::sc_pause();
  }

  RtlCore& rtl_;
  Scoreboard& scoreboard_;
  const SystemOptions& options_;
  const Wire<CoreOutputs>& core_;
  const Wire<HostOutputs>& host_;
  const Wire<DmaOutputs>& dma_;
  ShiftsimCoreOutputs actual_{};
  ShiftsimCoreInputs inputs_{};
};

}  // namespace

struct System::Impl {
  Impl(const qnet::Network& net, const Program& prog, const DramConfig& dram_config, const SystemOptions& opts)
      : options(opts),
        memory(net, prog.dram.batch()),
        host(prog),
        dram(make_dram_model(dram_config)),
        dma(net, prog, dram_config, *dram, memory),
        core(prog.geometry, static_cast<int>(net.layers.size())) {
    if (options.rtl) {
      rtl.emplace(options.rtl, options.seed);
      scoreboard.emplace(net, prog, core, options.rtl->lacks());
      rtl_module =
          std::make_unique<RtlModule>("rtl", clock, *rtl, *scoreboard, options, core_wire, host_wire, dma_wire);
    }
  }

  SimulationContext context;
  SystemOptions options;
  TensorMemory memory;
  Host host;
  std::unique_ptr<DramModel> dram;
  Dma dma;
  CoreModel core;
  std::optional<RtlCore> rtl;
  std::optional<Scoreboard> scoreboard;
  ClockModule clock{"clock", sc_core::sc_time(2, sc_core::SC_NS)};
  Wire<CoreOutputs> core_wire{"core_out"};
  Wire<HostOutputs> host_wire{"host_out"};
  Wire<DmaOutputs> dma_wire{"dma_out"};
  OutsideModule outside{"outside", clock, host, dma, core_wire, host_wire, dma_wire};
  CoreModule core_module{"core", clock, core, host_wire, dma_wire, core_wire};
  std::unique_ptr<RtlModule> rtl_module;
};

System::System(const qnet::Network& network, const Program& program, const DramConfig& dram,
               const SystemOptions& options)
    : impl_(std::make_unique<Impl>(network, program, dram, options)) {}

System::~System() = default;

bool System::run(const std::uint8_t* images) {
  impl_->memory.poison();
  impl_->memory.set_input(images);
  impl_->core.begin_batch();
  impl_->host.restart();
  impl_->host_wire.write(impl_->host.outputs());
  impl_->core_wire.write(impl_->core.outputs());
  impl_->dma_wire.write(impl_->dma.outputs());
  sc_core::sc_start();
  check_stopped();
  if (impl_->rtl_module) impl_->rtl_module->finish();
  if (impl_->scoreboard && impl_->scoreboard->difference()) return false;
  SHIFTSIM_CHECK(!impl_->outside.deadlocked, "the core has not moved for {} cycles (at cycle {})", kDeadlockCycles,
                 impl_->core.cycle());
  return true;
}

const TensorMemory& System::memory() const {
  return impl_->memory;
}
const CoreModel& System::core() const {
  return impl_->core;
}
const Dma& System::dma() const {
  return impl_->dma;
}
std::string systemc_version() {
  return sc_core::sc_release();
}

const Scoreboard* System::scoreboard() const {
  return impl_->scoreboard ? &*impl_->scoreboard : nullptr;
}

}  // namespace shiftsim::sim
