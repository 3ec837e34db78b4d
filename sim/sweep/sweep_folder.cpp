#include "sim/sweep/sweep_folder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <nlohmann/json.hpp>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/read_file.h"
#include "common/yaml.h"
#include "sim/sweep/sweep_inputs.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kSweepFile = "sweep.yaml";   // a copy of the user's file
constexpr const char* kOriginFile = "sweep.json";  // where it stood, and from what its results come

/// Writes a file that nobody has written yet; else leaves it. Gives what stands there then. Of many processes that do
/// this at once, one writes.
std::string write_once(const fs::path& file, const std::string& content) {
  if (!fs::exists(file)) {
    const fs::path draft = file.parent_path() / fmt::format(".{}.{}", file.filename().string(), getpid());
    write_file_atomically(draft, content);
    const bool made = link(draft.c_str(), file.c_str()) == 0;
    const int error = errno;
    fs::remove(draft);
    if (!made && error != EEXIST) fail("{}: cannot be written: {}", file.string(), std::strerror(error));
  }
  return read_file(file);
}

/// Hidden files may be drafts of a process that makes the same sweep's folder just now.
bool holds_other_files(const fs::path& folder) {
  if (fs::exists(folder / kSweepFile)) return false;
  const bool empty = std::all_of(fs::directory_iterator(folder), fs::directory_iterator(),
                                 [](const auto& entry) { return entry.path().filename().string().starts_with('.'); });
  return !empty && !fs::exists(folder / kSweepFile);
}

[[noreturn]] void belongs_to_another(const fs::path& folder, const std::string& why) {
  fail("{}: belongs to another sweep: {}. Give another --output, or remove the folder", folder.string(), why);
}

void check_inputs(const fs::path& folder, const Json& then, const Json& now) {
  for (const auto& [what, hash] : now.items())
    if (!then.contains(what) || then[what] != hash) belongs_to_another(folder, what + " is not what it was");
  for (const auto& [what, hash] : then.items())
    if (!now.contains(what)) belongs_to_another(folder, what + " is missing");
}

Json read_origin(const fs::path& folder) {
  const fs::path file = folder / kOriginFile;
  if (!fs::is_regular_file(file)) fail("{}: is no folder of a sweep: it has no {}", folder.string(), kOriginFile);
  Json origin = Json::parse(read_file(file), nullptr, false);
  const bool whole = origin.is_object() && origin.contains("file") && origin.contains("set") &&
                     origin.contains("inputs") && origin["file"].is_string() && origin["set"].is_array();
  if (!whole) fail("{}: is damaged", file.string());
  return origin;
}

/// 'content': what the folder keeps of the sweep; 'name': what messages call it; 'origin': where it stood.
std::unique_ptr<SweepPlan> start(Sweep sweep, const std::string& content, const fs::path& origin,
                                 const fs::path& output) {
  const RunConfig base = ConfigBase(sweep.base.file).read(sweep.base.overrides, fs::current_path());
  const fs::path results = base.results.empty() ? fs::current_path() / "results" : fs::path(base.results);
  const fs::path folder = (output.empty() ? results / sweep.name : fs::absolute(output)).lexically_normal();
  const std::string name = sweep.file.string();
  const Json inputs = sweep_inputs(sweep);
  const std::vector<std::string> overrides = sweep.base.set;
  // All that can be wrong with the sweep is found before a folder is made.
  auto plan = std::make_unique<SweepPlan>(std::move(sweep), folder);

  fs::create_directories(folder);
  if (holds_other_files(folder)) {
    fail("{}: holds other files than a sweep's, expected an empty folder; --output names another", folder.string());
  }
  if (write_once(folder / kSweepFile, content) != content) {
    belongs_to_another(folder, fmt::format("its {} is not {}", kSweepFile, name));
  }
  const Json mine = {{"format", 1}, {"file", origin.string()}, {"set", overrides}, {"inputs", inputs}};
  write_once(folder / kOriginFile, mine.dump(1) + "\n");
  const Json there = read_origin(folder);
  if (there["set"] != mine["set"]) belongs_to_another(folder, "its --set options are others");
  check_inputs(folder, there["inputs"], inputs);
  return plan;
}

}  // namespace

std::unique_ptr<SweepPlan> start_sweep(const fs::path& file, const std::vector<std::string>& set,
                                       const fs::path& output) {
  const fs::path absolute = fs::absolute(file).lexically_normal();
  const std::string content = read_file(absolute);
  return start(read_sweep(file, absolute, set), content, absolute, output);
}

std::unique_ptr<SweepPlan> start_sweep(const YAML::Node& keys, const std::vector<std::string>& set,
                                       const fs::path& output) {
  const fs::path origin = fs::current_path() / fmt::format("{}.yaml", kSweepName);
  YAML::Emitter content;
  content << keys;
  return start(read_sweep(keys, origin, set), std::string(content.c_str()) + "\n", origin, output);
}

std::unique_ptr<SweepPlan> join_sweep(const fs::path& folder, bool check) {
  const fs::path absolute = fs::absolute(folder).lexically_normal();
  const Json origin = read_origin(absolute);
  const auto from = origin["file"].get<std::string>();
  Sweep sweep = read_sweep(absolute / kSweepFile, from, origin["set"].get<std::vector<std::string>>());
  if (check) check_inputs(absolute, origin["inputs"], sweep_inputs(sweep));
  return std::make_unique<SweepPlan>(std::move(sweep), absolute);
}

}  // namespace shiftsim::sim
