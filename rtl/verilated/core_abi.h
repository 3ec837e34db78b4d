/* The C interface of one Verilated core, built by scripts/build_rtl into a shared library for one
 * configuration. The lockstep harness loads it with dlopen (RTLD_LOCAL: several may be loaded together).
 * A core of another origin has the same interface (docs/own-rtl.md); it says what it lacks.
 *
 * A cycle of the harness:
 *   1. shiftsim_core_outputs(): the outputs of this cycle (they depend on registers only),
 *   2. shiftsim_core_cycle(): sets the inputs of this cycle and clocks the edge that ends it.
 * Bits are packed little-endian into 32-bit words, bit 0 of the port in bit 0 of word 0. */
#ifndef SHIFTSIM_RTL_VERILATED_CORE_ABI_H_
#define SHIFTSIM_RTL_VERILATED_CORE_ABI_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHIFTSIM_CORE_ABI_VERSION 4
#define SHIFTSIM_CORE_CMD_WORDS 10

/* Everything else in the library is hidden. */
#define SHIFTSIM_CORE_API __attribute__((visibility("default")))

typedef struct ShiftsimCore ShiftsimCore;

/* What the library was built for. The harness refuses one that does not match its configuration. */
typedef struct ShiftsimCoreInfo {
  uint32_t abi_version;
  uint32_t p, n, l, q, acc_w;
  uint32_t act_depth, wgt_depth, tab_depth, res_depth, out_depth, cmd_depth;
  uint32_t activation_tables; /* 0 or 1 */
  uint32_t rd_data_words;     /* words of a port, the last one padded with zeros */
  uint32_t wr_data_words;
  uint32_t has_trace;
  const char* mutant; /* "" or the name of the deliberate bug it was built with */
  /* "" or what the core does not have, names separated by spaces: idle, ex_state, ld_state, rd_req_target,
   * rd_req_count, rd_req_id, wr_req_count, wr_req_id, drain (all drain_ outputs), an event, or events for all of them.
   * It is not compared, and the report says so. */
  const char* lacks;
} ShiftsimCoreInfo;

typedef struct ShiftsimCoreInputs {
  uint8_t ld_cmd_valid, ex_cmd_valid, st_cmd_valid;
  uint8_t rd_req_ready, rd_data_valid, wr_req_ready, wr_data_ready;
  const uint32_t* ld_cmd; /* SHIFTSIM_CORE_CMD_WORDS words; read only while valid, like the next three */
  const uint32_t* ex_cmd;
  const uint32_t* st_cmd;
  const uint32_t* rd_data; /* rd_data_words words */
} ShiftsimCoreInputs;

/* The ports, and what rtl/verif/shiftsim_monitor.sv sees inside: the states and the drain registers. */
typedef struct ShiftsimCoreOutputs {
  uint8_t ld_cmd_ready, ex_cmd_ready, st_cmd_ready;
  uint8_t rd_req_valid, rd_req_target, rd_data_ready;
  uint8_t wr_req_valid, wr_data_valid;
  uint8_t idle;
  uint8_t ex_state, ld_state;
  uint8_t drain_valid, drain_has_s;
  uint64_t drain_active; /* bit p: the sums of slot p mean something */
  uint32_t rd_req_count, rd_req_id;
  uint32_t wr_req_count, wr_req_id;
  /* Owned by the core, valid until its next cycle. Contents only while the port's valid is 1. */
  const uint32_t* wr_data;  /* wr_data_words words */
  const int32_t* drain_acc; /* p*n values, sign-extended, pixel by pixel */
  const int32_t* drain_s;   /* p values, sign-extended; only with drain_has_s */
} ShiftsimCoreOutputs;

/* Events since the core was made or reset, by the enables of its registers and memories. Names as in
 * sim/counters/events.h, which says what each is. */
#define SHIFTSIM_CORE_EVENTS(X) \
  X(mac_digit_adds_active)      \
  X(mac_digit_adds_gated)       \
  X(accumulator_updates)        \
  X(max_compares)               \
  X(offset_column_adds)         \
  X(offset_column_updates)      \
  X(operand_register_bits)      \
  X(digit_register_bits)        \
  X(drain_captures)             \
  X(ppu_ops)                    \
  X(ppu_offset_ops)             \
  X(ppu_residual_ops)           \
  X(act_read_words)             \
  X(act_write_words)            \
  X(weight_pair_read_words)     \
  X(weight_carry_read_words)    \
  X(weight_write_words)         \
  X(table_read_words)           \
  X(table_write_words)          \
  X(lut_read_words)             \
  X(lut_write_words)            \
  X(res_read_words)             \
  X(res_write_words)            \
  X(out_read_words)             \
  X(out_write_bytes)            \
  X(array_idle_cycles)          \
  X(array_steps)                \
  X(load_commands)              \
  X(compute_commands)           \
  X(store_commands)             \
  X(load_words)                 \
  X(slot_table_writes)          \
  X(slot_place_updates)         \
  X(token_moves)                \
  X(drains)

#define SHIFTSIM_CORE_EVENT_MEMBER(name) uint64_t name;
typedef struct ShiftsimCoreEvents {
  SHIFTSIM_CORE_EVENTS(SHIFTSIM_CORE_EVENT_MEMBER)
} ShiftsimCoreEvents;
#undef SHIFTSIM_CORE_EVENT_MEMBER

SHIFTSIM_CORE_API void shiftsim_core_info(ShiftsimCoreInfo* info);

/* A core under reset has taken its first edges already: it is ready for cycle 0. `seed` fills the registers
 * and memories that have no reset with noise; 0 fills them with zeros. */
SHIFTSIM_CORE_API ShiftsimCore* shiftsim_core_new(uint32_t seed);
SHIFTSIM_CORE_API void shiftsim_core_delete(ShiftsimCore* core);
SHIFTSIM_CORE_API void shiftsim_core_reset(ShiftsimCore* core);

SHIFTSIM_CORE_API void shiftsim_core_outputs(ShiftsimCore* core, ShiftsimCoreOutputs* outputs);
SHIFTSIM_CORE_API void shiftsim_core_cycle(ShiftsimCore* core, const ShiftsimCoreInputs* inputs);
/* The rest may be missing in a core of another origin; then events, assertions and waveforms are not there. */
SHIFTSIM_CORE_API void shiftsim_core_events(const ShiftsimCore* core, ShiftsimCoreEvents* events);

/* The first assertion of rtl/verif that failed since the core was made or reset: its place and what it asks for; ""
 * while there is none. Owned by the core. */
SHIFTSIM_CORE_API const char* shiftsim_core_failure(const ShiftsimCore* core);

/* Waveform (FST) of all cycles from now on. 0 on success, -1 where the library was built without --trace,
 * -2 where the file cannot be written or a trace is open already. */
SHIFTSIM_CORE_API int shiftsim_core_trace_open(ShiftsimCore* core, const char* path);
SHIFTSIM_CORE_API void shiftsim_core_trace_close(ShiftsimCore* core);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* SHIFTSIM_RTL_VERILATED_CORE_ABI_H_ */
