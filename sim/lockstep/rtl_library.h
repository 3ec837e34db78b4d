// The Verilated core of one geometry as a shared library: built on demand by scripts/build_rtl, kept by the hash of
// what made it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "rtl/verilated/core_abi.h"
#include "sim/core/geometry.h"

namespace shiftsim::sim {

struct RtlOptions {
  bool trace = false;  ///< compiled with FST tracing (a factor 3 slower even when off)
  std::string mutant;  ///< name of a deliberate bug (tests), or empty
};

/// Functions of a loaded library.
class RtlLibrary {
public:
  /// Finds the library in the cache or builds it (half a minute at pe16x16). Throws UserError if Verilator or the
  /// compiler fails, with the log's place, or if the library was built for something else.
  static std::shared_ptr<RtlLibrary> open(const Geometry& geometry, const RtlOptions& options);
  ~RtlLibrary();
  RtlLibrary(const RtlLibrary&) = delete;
  RtlLibrary& operator=(const RtlLibrary&) = delete;

  decltype(&shiftsim_core_info) info = nullptr;
  decltype(&shiftsim_core_new) create = nullptr;
  decltype(&shiftsim_core_delete) destroy = nullptr;
  decltype(&shiftsim_core_outputs) outputs = nullptr;
  decltype(&shiftsim_core_cycle) cycle = nullptr;
  decltype(&shiftsim_core_events) events = nullptr;
  decltype(&shiftsim_core_failure) failure = nullptr;
  decltype(&shiftsim_core_trace_open) trace_open = nullptr;
  decltype(&shiftsim_core_trace_close) trace_close = nullptr;

private:
  RtlLibrary() = default;
  void* handle_ = nullptr;
};

/// Where the library of these options stands or would stand.
std::filesystem::path rtl_library_path(const Geometry& geometry, const RtlOptions& options);

/// What `verilator --version` says, or "unknown".
std::string verilator_version();

/// One core of a library.
class RtlCore {
public:
  RtlCore(std::shared_ptr<RtlLibrary> library, std::uint32_t seed);
  ~RtlCore();
  RtlCore(const RtlCore&) = delete;
  RtlCore& operator=(const RtlCore&) = delete;

  void outputs(ShiftsimCoreOutputs& out) { library_->outputs(core_, &out); }
  void cycle(const ShiftsimCoreInputs& in) { library_->cycle(core_, &in); }
  ShiftsimCoreEvents events() const {
    ShiftsimCoreEvents events;
    library_->events(core_, &events);
    return events;
  }
  /// The first assertion that failed, or "".
  const char* failure() const { return library_->failure(core_); }
  void trace_open(const std::filesystem::path& path);
  void trace_close() { library_->trace_close(core_); }

private:
  std::shared_ptr<RtlLibrary> library_;
  ShiftsimCore* core_;
};

}  // namespace shiftsim::sim
