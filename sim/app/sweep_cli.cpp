#include "sim/app/sweep_cli.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "common/guarded_main.h"
#include "common/text.h"
#include "sim/config/config.h"
#include "sim/sweep/metrics.h"
#include "sim/sweep/sweep.h"

namespace shiftsim::sim {
namespace {

constexpr std::string_view kSlurm = "--slurm";

std::string footer() {
  return fmt::format(
      "A sweep file (docs/sweeps.md):\n"
      "  name           of the results' folder (default: the file's name)\n"
      "  base           a configuration file, or keys of one, with 'include: FILE' or without\n"
      "  axes           any key of a configuration: a list, {{from, to, times}} or {{from, to, step}}; also network:,\n"
      "                 quantize.recipe and quantize.bits, whose networks quantrun makes\n"
      "  zip            list of groups of keys that move together: [{{array.rows: [8, 16], array.cols: [8, 16]}}]\n"
      "  where          conditions that points meet: array.rows % array.lanes == 0\n"
      "  random         {{points, seed}}: so many of the points, drawn\n"
      "  pareto         metrics of the front, better way known: [cycles, energy]; or max:gops, or {{gops: max}}\n"
      "  engine         {} (default: {})\n"
      "  verify         front: runs the front's points again with verify_engine (cycle, lockstep), and compares\n"
      "Metrics: {}.\n"
      "Exit status: 0 done; 1 internal error; 2 bad input; 3 the engines disagree.\n"
      "Example: simrun sweep configs/sweeps/scratchpads.yaml",
      join(fidelity_names()), to_string(kSweepEngine), join(metric_names()));
}

}  // namespace

bool is_sweep(int argc, const char* const* argv) {
  return argc > 1 && std::string_view(argv[1]) == "sweep";
}

ParsedSweepCommandLine parse_sweep_command_line(int argc, const char* const* argv) {
  ParsedSweepCommandLine parsed;
  SweepCommandLine& command = parsed.command;
  bool verbose = false, quiet = false, slurm = false;

  CLI::App app{"Runs a network on many accelerators, on all processors, and shows the best ones.", "simrun sweep"};
  app.footer(footer());
  app.option_defaults()->group("What runs");
  CLI::Option* file = app.add_option("FILE", command.file, "The sweep (YAML)");
  app.add_option("--output,-o", command.output, "Folder of the results (default: <run.results>/<name>)");
  app.add_option("--set", command.overrides, "KEY=VALUE: overrides a key of the base, of all points")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--workers", command.workers, "Processes; 0: one a processor. The results are the same at any number")
      ->check(CLI::Range(0, 1024));
  app.option_defaults()->group("Many processes and machines");
  CLI::Option* on_cluster =
      app.add_flag(std::string(kSlurm), slurm,
                   "Submit a Slurm job array that works in the folder, and end. What follows goes "
                   "to sbatch, such as --array=1-20 --time=60");
  CLI::Option* join_option =
      app.add_option("--join", command.join, "Work with others on the sweep of this folder, as Slurm's tasks do");
  CLI::Option* status =
      app.add_option("--status", command.status, "Print how far the sweep of this folder is, and end");
  CLI::Option* collect =
      app.add_option("--collect", command.collect, "Write and print the results that this folder has, and end");
  CLI::Option* worker = app.add_option("--worker", command.worker)->group("");  // for simrun itself
  for (CLI::Option* option : {join_option, status, collect, worker}) {
    option->excludes(file)->excludes(on_cluster);
    for (CLI::Option* other : {join_option, status, collect, worker})
      if (other != option) option->excludes(other);
  }
  app.option_defaults()->group("Messages");
  CLI::Option* quiet_option = app.add_flag("--quiet,-q", quiet, "No progress on stderr");
  app.add_flag("--verbose,-v", verbose, "More on stderr")->excludes(quiet_option);

  // Everything behind --slurm is sbatch's, whatever it looks like.
  const char* const* first = argv + 1;
  const char* const* last = argv + argc;
  const char* const* split = std::find_if(first, last, [](const char* word) { return word == kSlurm; });
  if (split != last) {
    command.sbatch.emplace(split + 1, last);
    ++split;
  }
  try {
    app.parse(static_cast<int>(split - first), first);
    const bool in_folder = !command.join.empty() || !command.status.empty() || !command.collect.empty();
    if (command.file.empty() && !in_folder && command.worker.empty()) throw CLI::RequiredError("FILE");
  } catch (const CLI::ParseError& error) {
    parsed.exit_status = app.exit(error) == 0 ? kDone : kBadInput;
    return parsed;
  }
  command.verbosity = quiet ? 0 : verbose ? 2 : 1;
  return parsed;
}

}  // namespace shiftsim::sim
