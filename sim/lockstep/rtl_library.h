// The Verilated core of one geometry as a shared library: built on demand by scripts/build_rtl, kept by the hash of
// what made it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "rtl/verilated/core_abi.h"
#include "sim/core/geometry.h"

namespace shiftsim::sim {

struct RtlOptions {
  bool trace = false;                  ///< compiled with FST tracing (a factor 3 slower even when off)
  std::string mutant;                  ///< name of a deliberate bug (tests), or empty
  std::filesystem::path own = {};      ///< folder with files in place of ours, or empty
  std::filesystem::path library = {};  ///< a library that is there, in place of one that is built; or empty
};

/// What a core of another origin may lack beside outputs and single events.
inline constexpr const char *kLacksEvents = "events", *kLacksAssertions = "assertions", *kLacksWaveforms = "waveforms";
/// The outputs and events that core_abi.h allows a core to lack.
std::vector<std::string> names_that_may_lack();

/// Functions of a loaded library.
class RtlLibrary {
public:
  /// Finds the library in the cache or builds it (half a minute at pe16x16). Throws UserError if Verilator or the
  /// compiler fails, with the log's place, or if the library was built for something else, or lacks what every core
  /// has.
  static std::shared_ptr<RtlLibrary> open(const Geometry& geometry, const RtlOptions& options);
  ~RtlLibrary();
  RtlLibrary(const RtlLibrary&) = delete;
  RtlLibrary& operator=(const RtlLibrary&) = delete;

  decltype(&shiftsim_core_info) info = nullptr;
  decltype(&shiftsim_core_new) create = nullptr;
  decltype(&shiftsim_core_delete) destroy = nullptr;
  decltype(&shiftsim_core_outputs) outputs = nullptr;
  decltype(&shiftsim_core_cycle) cycle = nullptr;
  // Null where a core of another origin lacks it.
  decltype(&shiftsim_core_events) events = nullptr;
  decltype(&shiftsim_core_failure) failure = nullptr;
  decltype(&shiftsim_core_trace_open) trace_open = nullptr;
  decltype(&shiftsim_core_trace_close) trace_close = nullptr;

  /// What the core lacks, as core_abi.h names it; "assertions" and "waveforms" too.
  const std::vector<std::string>& lacks() const { return lacks_; }
  bool has(const std::string& what) const { return std::find(lacks_.begin(), lacks_.end(), what) == lacks_.end(); }

  /// Whether it was built with waveforms.
  bool traces() const { return traces_; }

private:
  void load_functions(const std::string& file);
  void find_lacks(const ShiftsimCoreInfo& about, const std::string& file);

  bool traces_ = false;
  std::vector<std::string> lacks_;
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
  const RtlLibrary& library() const { return *library_; }
  /// Only of a library that has events.
  ShiftsimCoreEvents events() const {
    ShiftsimCoreEvents events;
    library_->events(core_, &events);
    return events;
  }
  /// The first assertion that failed, or "".
  const char* failure() const { return library_->failure == nullptr ? "" : library_->failure(core_); }
  void trace_open(const std::filesystem::path& path);
  void trace_close() { library_->trace_close(core_); }

private:
  std::shared_ptr<RtlLibrary> library_;
  ShiftsimCore* core_;
};

}  // namespace shiftsim::sim
