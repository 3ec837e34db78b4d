#include "sim/app/sweep_command.h"

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "common/guarded_main.h"
#include "common/log.h"
#include "common/process.h"
#include "common/titled_line.h"
#include "sim/app/exit_status.h"
#include "sim/report/units.h"
#include "sim/sweep/run_sweep.h"
#include "sim/sweep/slurm.h"
#include "sim/sweep/sweep_folder.h"
#include "sim/sweep/sweep_results.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

fs::path this_program() {
  return fs::read_symlink("/proc/self/exe");
}

/// quantrun stands beside simrun, or in the PATH.
fs::path quantrun() {
  const fs::path beside = this_program().parent_path() / "quantrun";
  return fs::exists(beside) ? beside : fs::path("quantrun");
}

void print(const char* title, const std::string& content) {
  fmt::print("{}", titled_line(title, content));
}

int collect(const SweepPlan& plan, const SweepWork& work) {
  const SweepResults results = results_of(plan, work);
  results.write();
  fmt::print("{}", results.text());
  print("results", (plan.folder() / "points.csv").string());
  return results.wrong() > 0 || !results.disagreements().empty() ? kDisagreement : kDone;
}

int show_status(const SweepPlan& plan, SweepWork& work) {
  const std::size_t done = work.points_done(), all = plan.points().size();
  const auto number = [](std::size_t count) { return with_commas(static_cast<std::int64_t>(count)); };
  print("sweep", fmt::format("{}: {} points", plan.sweep().name, number(all)));
  print("done",
        fmt::format("{} ({:.1f} %)", number(done), 100.0 * static_cast<double>(done) / static_cast<double>(all)));
  print("at work", fmt::format("{} processes", number(work.blocks_taken())));
  const bool complete = work.is_complete();
  const bool collected = fs::exists(plan.folder() / "points.csv");
  const std::string command =
      shell_line({"simrun", "sweep", complete ? "--collect" : "--join", plan.folder().string()});
  print("results", collected ? (plan.folder() / "points.csv").string() : "not yet: " + command);
  return kDone;
}

int run(const SweepPlan& plan, int workers) {
  SweepWork work(plan);
  run_sweep(plan, work, {workers == 0 ? all_processors() : workers, this_program(), made_by_program(quantrun())});
  return collect(plan, work);
}

}  // namespace

int run_sweep_command(const SweepCommandLine& command) {
  if (!command.worker.empty()) {
    run_worker(command.worker);
    return kDone;
  }
  if (!command.join.empty()) return run(*join_sweep(command.join, true), command.workers);
  if (!command.status.empty() || !command.collect.empty()) {
    const bool collects = !command.collect.empty();
    const std::unique_ptr<SweepPlan> plan = join_sweep(collects ? command.collect : command.status, false);
    SweepWork work(*plan);
    return collects ? collect(*plan, work) : show_status(*plan, work);
  }
  const std::unique_ptr<SweepPlan> plan = start_sweep(command.file, command.overrides, command.output);
  if (!command.sbatch) return run(*plan, command.workers);
  const std::string job = submit_to_slurm(plan->folder(), this_program(), *command.sbatch);
  print("submitted", fmt::format("job {}", job));
  print("progress", shell_line({"simrun", "sweep", "--status", plan->folder().string()}));
  print("results", shell_line({"simrun", "sweep", "--collect", plan->folder().string()}));
  return kDone;
}

}  // namespace shiftsim::sim
