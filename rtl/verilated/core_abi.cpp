#include "core_abi.h"

#include <verilated.h>
#ifdef SHIFTSIM_TRACE
#include <verilated_fst_c.h>
#endif

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include "Vshiftsim_core.h"
#include "Vshiftsim_core___024root.h"

/// A variable of shiftsim_monitor, which is bound to the core.
#define MONITOR(root, name) ((root).shiftsim_core__DOT__u_monitor__DOT__##name)

namespace {

constexpr int kP = SHIFTSIM_P;
constexpr int kN = SHIFTSIM_N;
constexpr int kL = SHIFTSIM_L;
constexpr int kQ = SHIFTSIM_Q;
constexpr int kAccW = SHIFTSIM_ACC_W;

constexpr int Max(int a, int b) {
  return a > b ? a : b;
}
constexpr int Words(int bits) {
  return (bits + 31) / 32;
}
constexpr int kRdDataBits = Max(Max(8 * kN, 2 * kN * kL), 56 * kQ);
constexpr int kRdDataWords = Words(kRdDataBits);
constexpr int kWrDataWords = Words(8 * kN);

// A port is an integer of 8 to 64 bits or, beyond, an array of words; these hide which.
template <typename T>
inline void SetPort(T& port, const uint32_t* words, int bits) {
  uint64_t value = words[0];
  if (bits > 32) value |= uint64_t{words[1]} << 32;
  port = static_cast<T>(value);
}
template <std::size_t kWords>
inline void SetPort(VlWide<kWords>& port, const uint32_t* words, int /*bits*/) {
  std::memcpy(port.data(), words, kWords * sizeof(uint32_t));
}
template <typename T>
inline uint32_t PortWord(const T& port, int i) {
  return static_cast<uint32_t>(uint64_t{port} >> (32 * i));
}
template <std::size_t kWords>
inline uint32_t PortWord(const VlWide<kWords>& port, int i) {
  return port.data()[i];
}

// Field i of kAccW bits, sign-extended.
template <typename T>
inline int32_t AccField(const T& port, int i, int fields) {
  const int bit = i * kAccW;
  const int word = bit / 32;
  uint64_t window = PortWord(port, word);
  if (word + 1 < Words(fields * kAccW)) window |= uint64_t{PortWord(port, word + 1)} << 32;
  const auto raw = static_cast<uint32_t>(window >> (bit % 32));
  return static_cast<int32_t>(raw << (32 - kAccW)) >> (32 - kAccW);
}

/// The core that is being evaluated, for the assertions, which do not know it.
thread_local ShiftsimCore* current = nullptr;

}  // namespace

struct ShiftsimCore {
  explicit ShiftsimCore(uint32_t seed) {
    context.randReset(seed == 0 ? 0 : 2);
    context.randSeed(static_cast<int>(seed));
#ifdef SHIFTSIM_TRACE
    context.traceEverOn(true);
#endif
    top = std::make_unique<Vshiftsim_core>(&context);
  }
  ~ShiftsimCore() {
    CloseTrace();
    // The model takes itself out of the thread's context, which may be another core's, already gone.
    Verilated::threadContextp(&context);
    top->final();
    top.reset();
  }

  void Edge() {
    current = this;
    top->clk_i = 1;
    top->eval();
    Dump();
    top->clk_i = 0;
    top->eval();
    Dump();
  }

  void Dump() {
#ifdef SHIFTSIM_TRACE
    if (trace) trace->dump(time);
    ++time;
#endif
  }
  void CloseTrace() {
#ifdef SHIFTSIM_TRACE
    if (trace) trace->close();
    trace.reset();
#endif
  }

  VerilatedContext context;  // before `top`, which refers to it
  std::unique_ptr<Vshiftsim_core> top;
#ifdef SHIFTSIM_TRACE
  std::unique_ptr<VerilatedFstC> trace;
  uint64_t time = 0;
#endif
  uint32_t wr_data[kWrDataWords];
  int32_t drain_acc[kP * kN];
  int32_t drain_s[kP];
  std::string failure;  ///< of the first assertion that failed
};

/// Called by a failing assertion of rtl/verif (DPI).
extern "C" void shiftsim_assertion_failed(const char* message) {
  if (current != nullptr && current->failure.empty()) current->failure = message;
}

/// Verilator calls it where one of its own checks fails, such as `unique case`; by default it would abort the process.
void vl_stop(const char* file, int line, const char* /*hierarchy*/) {
  shiftsim_assertion_failed((std::string(file) + ":" + std::to_string(line)).c_str());
}

extern "C" {

void shiftsim_core_info(ShiftsimCoreInfo* info) {
  *info = ShiftsimCoreInfo{};
  info->abi_version = SHIFTSIM_CORE_ABI_VERSION;
  info->p = kP;
  info->n = kN;
  info->l = kL;
  info->q = kQ;
  info->acc_w = kAccW;
  info->act_depth = SHIFTSIM_ACT_DEPTH;
  info->wgt_depth = SHIFTSIM_WGT_DEPTH;
  info->tab_depth = SHIFTSIM_TAB_DEPTH;
  info->res_depth = SHIFTSIM_RES_DEPTH;
  info->out_depth = SHIFTSIM_OUT_DEPTH;
  info->cmd_depth = SHIFTSIM_CMD_DEPTH;
  info->activation_tables = SHIFTSIM_ACTIVATION_TABLES;
  info->rd_data_words = kRdDataWords;
  info->wr_data_words = kWrDataWords;
#ifdef SHIFTSIM_TRACE
  info->has_trace = 1;
#endif
  info->mutant = SHIFTSIM_MUTANT;
  info->lacks = SHIFTSIM_LACKS;
}

ShiftsimCore* shiftsim_core_new(uint32_t seed) {
  auto core = std::make_unique<ShiftsimCore>(seed);
  shiftsim_core_reset(core.get());
  return core.release();
}

void shiftsim_core_delete(ShiftsimCore* core) {
  delete core;
}

void shiftsim_core_reset(ShiftsimCore* core) {
  Vshiftsim_core& top = *core->top;
  top.clk_i = 0;
  top.rst_ni = 0;
  top.ld_cmd_valid_i = 0;
  top.ex_cmd_valid_i = 0;
  top.st_cmd_valid_i = 0;
  top.rd_req_ready_i = 0;
  top.rd_data_valid_i = 0;
  top.wr_req_ready_i = 0;
  top.wr_data_ready_i = 0;
  top.eval();
  core->Edge();
  core->Edge();
  top.rst_ni = 1;
  top.eval();
  core->failure.clear();
}

void shiftsim_core_outputs(ShiftsimCore* core, ShiftsimCoreOutputs* outputs) {
  const Vshiftsim_core& top = *core->top;
  const Vshiftsim_core___024root& root = *top.rootp;
  outputs->ld_cmd_ready = top.ld_cmd_ready_o;
  outputs->ex_cmd_ready = top.ex_cmd_ready_o;
  outputs->st_cmd_ready = top.st_cmd_ready_o;
  outputs->rd_req_valid = top.rd_req_valid_o;
  outputs->rd_req_target = top.rd_req_target_o;
  outputs->rd_data_ready = top.rd_data_ready_o;
  outputs->wr_req_valid = top.wr_req_valid_o;
  outputs->wr_data_valid = top.wr_data_valid_o;
  outputs->drain_valid = MONITOR(root, drain_valid);
  outputs->drain_has_s = MONITOR(root, drain_has_s);
  outputs->drain_active = MONITOR(root, drain_active);
  outputs->ex_state = MONITOR(root, ex_state_i);
  outputs->ld_state = MONITOR(root, ld_state_i);
  outputs->idle = top.idle_o;
  outputs->rd_req_count = top.rd_req_count_o;
  outputs->rd_req_id = top.rd_req_id_o;
  outputs->wr_req_count = top.wr_req_count_o;
  outputs->wr_req_id = top.wr_req_id_o;
  outputs->wr_data = core->wr_data;
  outputs->drain_acc = core->drain_acc;
  outputs->drain_s = core->drain_s;
  if (top.wr_data_valid_o) {
    for (int i = 0; i < kWrDataWords; ++i) core->wr_data[i] = PortWord(top.wr_data_o, i);
  }
  if (outputs->drain_valid) {
    for (int i = 0; i < kP * kN; ++i) core->drain_acc[i] = AccField(MONITOR(root, drain_acc_i), i, kP * kN);
    for (int p = 0; p < kP; ++p) core->drain_s[p] = AccField(MONITOR(root, drain_s_i), p, kP);
  }
}

void shiftsim_core_cycle(ShiftsimCore* core, const ShiftsimCoreInputs* inputs) {
  Vshiftsim_core& top = *core->top;
  top.ld_cmd_valid_i = inputs->ld_cmd_valid;
  top.ex_cmd_valid_i = inputs->ex_cmd_valid;
  top.st_cmd_valid_i = inputs->st_cmd_valid;
  top.rd_req_ready_i = inputs->rd_req_ready;
  top.rd_data_valid_i = inputs->rd_data_valid;
  top.wr_req_ready_i = inputs->wr_req_ready;
  top.wr_data_ready_i = inputs->wr_data_ready;
  if (inputs->ld_cmd_valid) SetPort(top.ld_cmd_i, inputs->ld_cmd, 320);
  if (inputs->ex_cmd_valid) SetPort(top.ex_cmd_i, inputs->ex_cmd, 320);
  if (inputs->st_cmd_valid) SetPort(top.st_cmd_i, inputs->st_cmd, 320);
  if (inputs->rd_data_valid) SetPort(top.rd_data_i, inputs->rd_data, kRdDataBits);
  core->Edge();
}

void shiftsim_core_events(const ShiftsimCore* core, ShiftsimCoreEvents* events) {
  const Vshiftsim_core___024root& root = *core->top->rootp;
#define COPY_EVENT(name) events->name = MONITOR(root, name);
  SHIFTSIM_CORE_EVENTS(COPY_EVENT)
#undef COPY_EVENT
}

const char* shiftsim_core_failure(const ShiftsimCore* core) {
  return core->failure.c_str();
}

int shiftsim_core_trace_open(ShiftsimCore* core, const char* path) {
#ifdef SHIFTSIM_TRACE
  if (core->trace) return -2;
  auto trace = std::make_unique<VerilatedFstC>();
  core->top->trace(trace.get(), 99);
  trace->open(path);
  if (!trace->isOpen()) return -2;
  core->trace = std::move(trace);
  return 0;
#else
  static_cast<void>(core);
  static_cast<void>(path);
  return -1;
#endif
}

void shiftsim_core_trace_close(ShiftsimCore* core) {
  core->CloseTrace();
}

}  // extern "C"
