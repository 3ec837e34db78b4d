#include "sim/lockstep/rtl_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <vector>

#include "common/content_key.h"
#include "common/error.h"
#include "common/locations.h"
#include "common/log.h"
#include "common/process.h"
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
  return args;
}

fs::path build_script() {
  return home_folder() / "scripts" / "build_rtl";
}

/// Everything that decides what the library is. The cache outlives a change of the tools.
std::string fingerprint(const Geometry& g, const RtlOptions& options) {
  const fs::path home = home_folder();
  std::vector<fs::path> files{build_script()};
  for (const auto& entry : fs::recursive_directory_iterator(home / "rtl"))
    if (entry.is_regular_file()) files.push_back(entry.path());
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

}  // namespace

fs::path rtl_library_path(const Geometry& geometry, const RtlOptions& options) {
  const auto cache = cache_folder();
  if (!cache) fail("no folder to keep the built RTL in: set SHIFTSIM_CACHE");
  return *cache / "rtl" /
         fmt::format("core_p{}n{}l{}q{}{}{}_{}.so", geometry.pixels, geometry.channels, geometry.lanes,
                     geometry.ppu_lanes, options.trace ? "_trace" : "",
                     options.mutant.empty() ? "" : "_" + options.mutant, fingerprint(geometry, options));
}

std::string verilator_version() {
  std::string text = process_output({"verilator", "--version"});
  text.erase(text.find_last_not_of("\n ") + 1);
  return text.empty() ? "unknown" : text;
}

std::shared_ptr<RtlLibrary> RtlLibrary::open(const Geometry& geometry, const RtlOptions& options) {
  const fs::path path = rtl_library_path(geometry, options);
  if (!fs::exists(path)) build(geometry, options, path);
  std::shared_ptr<RtlLibrary> library(new RtlLibrary);
  library->handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library->handle_ == nullptr) fail("{}: cannot be loaded: {}", path.string(), dlerror());
  const auto load = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library->handle_, name));
    if (function == nullptr) fail("{}: has no function {}", path.string(), name);
  };
  load(library->info, "shiftsim_core_info");
  load(library->create, "shiftsim_core_new");
  load(library->destroy, "shiftsim_core_delete");
  load(library->outputs, "shiftsim_core_outputs");
  load(library->cycle, "shiftsim_core_cycle");
  load(library->events, "shiftsim_core_events");
  load(library->failure, "shiftsim_core_failure");
  load(library->trace_open, "shiftsim_core_trace_open");
  load(library->trace_close, "shiftsim_core_trace_close");
  ShiftsimCoreInfo info{};
  library->info(&info);
  const auto is = [](std::uint32_t have, int want) { return have == static_cast<std::uint32_t>(want); };
  const Geometry& g = geometry;
  if (info.abi_version != SHIFTSIM_CORE_ABI_VERSION || !is(info.p, g.pixels) || !is(info.n, g.channels) ||
      !is(info.l, g.lanes) || !is(info.q, g.ppu_lanes) || !is(info.acc_w, g.acc_bits) ||
      !is(info.act_depth, g.act_depth) || !is(info.wgt_depth, g.wgt_depth) || !is(info.tab_depth, g.tab_depth) ||
      !is(info.res_depth, g.res_depth) || !is(info.out_depth, g.out_depth) || !is(info.cmd_depth, g.cmd_depth) ||
      !is(info.activation_tables, g.activation_tables ? 1 : 0) || info.mutant != options.mutant)
    fail("{}: was built for another configuration; delete it", path.string());
  return library;
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
