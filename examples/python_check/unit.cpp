// A Verilated layer_unit for Python's ctypes: its ports by name, and half a clock cycle.
#include <verilated.h>

#include <cstdint>
#include <cstring>

#include "Vlayer_unit.h"

namespace {

struct Unit {
  VerilatedContext context;
  Vlayer_unit top{&context};
};

struct Port {
  const char* name;
  void (*set)(Vlayer_unit& top, std::int64_t value);  // null: an output
  std::int64_t (*get)(const Vlayer_unit& top);
};

// Verilator's ports are unsigned: a negative value goes in without the bits that the port lacks.
#define INPUT(name, bits)                                                                            \
  {                                                                                                  \
#name, [](Vlayer_unit& top, std::int64_t v) { top.name = v & ((std::int64_t{1} << (bits)) - 1); }, \
   [](const Vlayer_unit& top) { return static_cast<std::int64_t>(top.name); } \
  }
#define OUTPUT(name, type)                                                                                        \
  {                                                                                                               \
#name, nullptr, [](const Vlayer_unit& top) { return static_cast<std::int64_t>(static_cast<type>(top.name)); } \
  }
constexpr Port kPorts[] = {
    INPUT(clk_i, 1),
    INPUT(rst_ni, 1),
    INPUT(start_i, 1),
    INPUT(valid_i, 1),
    INPUT(finish_i, 1),
    INPUT(act_i, 9),
    INPUT(weight_i, 8),
    INPUT(max_i, 1),
    INPUT(has_offset_i, 1),
    INPUT(offset_i, 8),
    INPUT(bias_i, 32),
    INPUT(shift_i, 8),
    INPUT(has_residual_i, 1),
    INPUT(residual_i, 9),
    INPUT(residual_shift_i, 8),
    INPUT(wide_i, 1),
    INPUT(lo_i, 10),
    INPUT(hi_i, 10),
    OUTPUT(ready_o, std::uint8_t),
    OUTPUT(valid_o, std::uint8_t),
    OUTPUT(value_o, std::int32_t),
};

}  // namespace

extern "C" {

void* unit_new() {
  return new Unit;
}

/* The number of a port, or -1. */
int unit_port(const char* name) {
  for (std::size_t i = 0; i < sizeof kPorts / sizeof *kPorts; ++i)
    if (std::strcmp(kPorts[i].name, name) == 0) return static_cast<int>(i);
  return -1;
}

void unit_set(void* unit, int port, std::int64_t value) {
  kPorts[port].set(static_cast<Unit*>(unit)->top, value);
}

std::int64_t unit_get(void* unit, int port) {
  return kPorts[port].get(static_cast<Unit*>(unit)->top);
}

void unit_eval(void* unit) {
  static_cast<Unit*>(unit)->top.eval();
}
}
