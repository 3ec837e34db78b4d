// Loads a Verilated core built by scripts/build_rtl.
#ifndef SHIFTSIM_TESTS_RTL_CORE_LIBRARY_H_
#define SHIFTSIM_TESTS_RTL_CORE_LIBRARY_H_

#include <dlfcn.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "rtl/verilated/core_abi.h"

namespace shiftsim::test {

class CoreLibrary {
public:
  explicit CoreLibrary(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
    Bind("shiftsim_core_info", info);
    Bind("shiftsim_core_new", create);
    Bind("shiftsim_core_delete", destroy);
    Bind("shiftsim_core_reset", reset);
    Bind("shiftsim_core_outputs", outputs);
    Bind("shiftsim_core_cycle", cycle);
    Bind("shiftsim_core_events", events);
    Bind("shiftsim_core_failure", failure);
    Bind("shiftsim_core_trace_open", trace_open);
    Bind("shiftsim_core_trace_close", trace_close);
  }
  ~CoreLibrary() { dlclose(handle_); }
  CoreLibrary(const CoreLibrary&) = delete;
  CoreLibrary& operator=(const CoreLibrary&) = delete;

  ShiftsimCoreInfo Info() const {
    ShiftsimCoreInfo result;
    info(&result);
    return result;
  }

  decltype(&shiftsim_core_info) info;
  decltype(&shiftsim_core_new) create;
  decltype(&shiftsim_core_delete) destroy;
  decltype(&shiftsim_core_reset) reset;
  decltype(&shiftsim_core_outputs) outputs;
  decltype(&shiftsim_core_cycle) cycle;
  decltype(&shiftsim_core_events) events;
  decltype(&shiftsim_core_failure) failure;
  decltype(&shiftsim_core_trace_open) trace_open;
  decltype(&shiftsim_core_trace_close) trace_close;

private:
  template <typename Function>
  void Bind(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    if (function == nullptr) throw std::runtime_error(std::string("no symbol ") + name);
  }

  void* handle_;
};

}  // namespace shiftsim::test

#endif  // SHIFTSIM_TESTS_RTL_CORE_LIBRARY_H_
