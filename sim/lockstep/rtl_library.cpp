#include "sim/lockstep/rtl_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "common/content_key.h"
#include "common/error.h"
#include "common/locations.h"
#include "common/log.h"
#include "common/process.h"
#include "common/suggestion.h"
#include "common/text.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> arguments(const Geometry& g, const RtlOptions& options) {
  std::vector<std::string> args;
  const auto add = [&](const char* name, int value) {
    args.emplace_back(name);
    args.push_back(std::to_string(value));
  };
  add("--p", g.pixels);
  add("--n", g.channels);
  add("--l", g.lanes);
  add("--q", g.ppu_lanes);
  add("--acc-w", g.acc_bits);
  add("--act-depth", g.act_depth);
  add("--wgt-depth", g.wgt_depth);
  add("--tab-depth", g.tab_depth);
  add("--res-depth", g.res_depth);
  add("--out-depth", g.out_depth);
  add("--cmd-depth", g.cmd_depth);
  add("--activation-tables", g.activation_tables ? 1 : 0);
  if (options.trace) args.emplace_back("--trace");
  if (!options.mutant.empty()) args.insert(args.end(), {"--mutant", options.mutant});
  if (!options.own.empty()) args.insert(args.end(), {"--own", options.own.string()});
  return args;
}

fs::path build_script() {
  return home_folder() / "scripts" / "build_rtl";
}

/// Everything that decides what the library is. The cache outlives a change of the tools.
std::string fingerprint(const Geometry& g, const RtlOptions& options) {
  const fs::path home = home_folder();
  std::vector<fs::path> files{build_script()};
  const auto add_folder = [&](const fs::path& folder) {
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file()) files.push_back(entry.path());
  };
  add_folder(home / "rtl");
  if (!options.own.empty()) add_folder(options.own);
  std::sort(files.begin(), files.end());
  ContentKey key;
  key.add(verilator_version());
  if (!options.mutant.empty()) files.push_back(home / "tests" / "rtl" / "mutants" / "mutants.json");
  for (const fs::path& file : files) key.add_file(file);
  for (const std::string& argument : arguments(g, options)) key.add(argument);
  return key.text().substr(0, 16);
}

void build(const Geometry& g, const RtlOptions& options, const fs::path& output) {
  fs::create_directories(output.parent_path());
  const fs::path log = fs::path(output).replace_extension(".log");
  std::vector<std::string> command = arguments(g, options);
  command.insert(command.begin(), build_script().string());
  command.insert(command.end(), {"--output", output.string()});
  spdlog::info("building the RTL for P={} N={} L={} Q={}{} (kept in {})", g.pixels, g.channels, g.lanes, g.ppu_lanes,
               options.trace ? ", with tracing" : "", output.parent_path().string());
  spdlog::debug("{}", join(command, " "));
  if (run_process(command, log) != 0 || !fs::exists(output))
    fail(
        "{}: the RTL could not be built; scripts/build_rtl needs Verilator and a C++ compiler, its output is in this "
        "file",
        log.string());
}

/// The first size that is not the configuration's; empty where all are.
std::string wrong_size(const ShiftsimCoreInfo& info, const Geometry& g) {
  const struct {
    const char* name;
    std::uint32_t found;
    int expected;
  } sizes[] = {{"P", info.p, g.pixels},
               {"N", info.n, g.channels},
               {"L", info.l, g.lanes},
               {"Q", info.q, g.ppu_lanes},
               {"ACC_W", info.acc_w, g.acc_bits},
               {"ACT_DEPTH", info.act_depth, g.act_depth},
               {"WGT_DEPTH", info.wgt_depth, g.wgt_depth},
               {"TAB_DEPTH", info.tab_depth, g.tab_depth},
               {"RES_DEPTH", info.res_depth, g.res_depth},
               {"OUT_DEPTH", info.out_depth, g.out_depth},
               {"CMD_DEPTH", info.cmd_depth, g.cmd_depth},
               {"ACTIVATION_TABLES", info.activation_tables, g.activation_tables ? 1 : 0}};
  for (const auto& size : sizes)
    if (size.found != static_cast<std::uint32_t>(size.expected))
      return fmt::format("found {} {}, expected {}", size.name, size.found, size.expected);
  return "";
}

}  // namespace

std::vector<std::string> names_that_may_lack() {
  std::vector<std::string> names = {"idle",      "ex_state",     "ld_state",  "rd_req_target", "rd_req_count",
                                    "rd_req_id", "wr_req_count", "wr_req_id", "drain",         kLacksEvents};
#define EVENT_NAME(name) names.emplace_back(#name);
  SHIFTSIM_CORE_EVENTS(EVENT_NAME)
#undef EVENT_NAME
  return names;
}

fs::path rtl_library_path(const Geometry& geometry, const RtlOptions& options) {
  const auto cache = cache_folder();
  if (!cache) fail("no folder to keep the built RTL in: set SHIFTSIM_CACHE");
  return *cache / "rtl" /
         fmt::format("core_p{}n{}l{}q{}{}{}_{}.so", geometry.pixels, geometry.channels, geometry.lanes,
                     geometry.ppu_lanes, options.trace ? "_trace" : "",
                     !options.own.empty()     ? "_own"
                     : options.mutant.empty() ? ""
                                              : "_" + options.mutant,
                     fingerprint(geometry, options));
}

std::string verilator_version() {
  std::string text = process_output({"verilator", "--version"});
  text.erase(text.find_last_not_of("\n ") + 1);
  return text.empty() ? "unknown" : text;
}

std::shared_ptr<RtlLibrary> RtlLibrary::open(const Geometry& geometry, const RtlOptions& options) {
  const bool given = !options.library.empty();
  const fs::path path = given ? options.library : rtl_library_path(geometry, options);
  if (!given && !fs::exists(path)) build(geometry, options, path);
  std::shared_ptr<RtlLibrary> library(new RtlLibrary);
  library->handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library->handle_ == nullptr) fail("{}: cannot be loaded: {}", path.string(), dlerror());
  library->load_functions(path.string());
  ShiftsimCoreInfo info{};
  library->info(&info);
  if (info.abi_version != SHIFTSIM_CORE_ABI_VERSION)
    fail("{}: has version {} of rtl/verilated/core_abi.h, expected {}{}", path.string(), info.abi_version,
         SHIFTSIM_CORE_ABI_VERSION, given ? "" : "; delete it");
  if (const std::string wrong = wrong_size(info, geometry); !wrong.empty())
    fail("{}: was built for another configuration: {}{}", path.string(), wrong, given ? "" : "; delete it");
  if (!given && info.mutant != options.mutant) fail("{}: was built with another bug; delete it", path.string());
  library->find_lacks(info, path.string());
  library->traces_ = info.has_trace != 0 && library->has(kLacksWaveforms);
  return library;
}

void RtlLibrary::load_functions(const std::string& file) {
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(handle_, name));
    return function != nullptr;
  };
  const auto load = [&](auto& function, const char* name) {
    if (!find(function, name)) fail("{}: has no function {}", file, name);
  };
  load(info, "shiftsim_core_info");
  load(create, "shiftsim_core_new");
  load(destroy, "shiftsim_core_delete");
  load(outputs, "shiftsim_core_outputs");
  load(cycle, "shiftsim_core_cycle");
  if (!find(events, "shiftsim_core_events")) lacks_.emplace_back(kLacksEvents);
  if (!find(failure, "shiftsim_core_failure")) lacks_.emplace_back(kLacksAssertions);
  const bool traces = find(trace_open, "shiftsim_core_trace_open") && find(trace_close, "shiftsim_core_trace_close");
  if (!traces) lacks_.emplace_back(kLacksWaveforms);
}

/// What the core says of itself.
void RtlLibrary::find_lacks(const ShiftsimCoreInfo& about, const std::string& file) {
  const std::vector<std::string> known = names_that_may_lack();
  std::istringstream words(about.lacks == nullptr ? "" : about.lacks);
  for (std::string word; words >> word;) {
    if (std::find(known.begin(), known.end(), word) == known.end())
      fail("{}: lacks {}: found no such output or event that a core may lack{}", file, word, suggestion(word, known));
    if (has(word)) lacks_.push_back(word);
  }
}

RtlLibrary::~RtlLibrary() {
  if (handle_ != nullptr) dlclose(handle_);
}

RtlCore::RtlCore(std::shared_ptr<RtlLibrary> library, std::uint32_t seed)
    : library_(std::move(library)), core_(library_->create(seed)) {}

RtlCore::~RtlCore() {
  library_->destroy(core_);
}

void RtlCore::trace_open(const fs::path& path) {
  const int status = library_->trace_open(core_, path.c_str());
  if (status != 0) fail("{}: the waveform cannot be written (status {})", path.string(), status);
}

}  // namespace shiftsim::sim
