#include "sim/app/cli.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "common/guarded_main.h"
#include "common/text.h"
#include "common/version.h"
#include "sim/config/choices.h"
#include "sim/config/config.h"

namespace shiftsim::sim {
namespace {

std::string version_text() {
  const std::string git = git_describe();
  return fmt::format("simrun {}{}", version(), git.empty() ? "" : fmt::format(" ({})", git));
}

}  // namespace

ParsedCommandLine parse_command_line(int argc, const char* const* argv) {
  ParsedCommandLine parsed;
  CommandLine& command = parsed.command;
  Choices choices;
  bool verbose = false, quiet = false;

  CLI::App app{
      "Runs a quantized network (.qnet) on a shift-only MAC array: accuracy, cycles, energy, and whether the RTL "
      "agrees.",
      "simrun"};
  app.footer(
      "Exit status: 0 done; 1 internal error; 2 bad input; 3 the engines disagree (a wrong value or a lockstep\n"
      "difference).\n"
      "Example: simrun --config configs/pe16x16.yaml --fidelity lockstep --set array.lanes=8\n"
      "Many configurations: simrun sweep --help");
  app.set_version_flag("--version", version_text());
  app.option_defaults()->group("What runs");
  app.add_option("--config,-c", command.config, "Configuration of accelerator and run (YAML)");
  app.add_option("--network", choices.network, "Network to run, a .qnet folder");
  app.add_option("--images", choices.images,
                 "Images: IDX (.gz too), .npy, a folder of PNG and JPEG files, or a folder with a sub-folder a class");
  app.add_option("--labels", choices.labels,
                 "Labels: IDX, .npy or, for a folder, a text file of 'file class' lines; sub-folders need none");
  app.add_option("--fidelity", choices.fidelity, "What runs, one of " + join(fidelity_names()));
  app.add_option("--threads", choices.threads,
                 "Threads of the golden reference, and machines that run images at a time; 0: all processors")
      ->check(CLI::Range(0, 1024));
  app.add_option("--set", command.overrides, "KEY=VALUE: overrides a key of the configuration, e.g. array.rows=32")
      ->take_all()
      ->allow_extra_args(false);
  app.option_defaults()->group("Results");
  app.add_option("--output,-o", command.output,
                 "Folder for report.json, layers.csv and index.html (default: <results>/<name>)");
  app.add_flag("--compare", command.compare,
               "Print each layer's cycles beside those of SCALE-Sim and STONNE, with the difference in parts; also "
               "into comparison.json");
  app.add_option("--trace", command.trace,
                 "Write what the machine does with the first batch to this file, for Perfetto or chrome://tracing");
  app.option_defaults()->group("Vectors for another RTL (docs/golden-library.md)");
  CLI::Option* dump = app.add_option("--dump-golden", command.dump_golden,
                                     "Write $readmemh vectors of the golden reference to this folder, and end");
  app.add_option("--layer", command.dump_layer, "With --dump-golden: this layer only")->needs(dump);
  app.add_option("--image", command.dump_image, "With --dump-golden: number of the image, from 0")
      ->needs(dump)
      ->check(CLI::Range(0, 1 << 30));
  app.option_defaults()->group("Print, and end");
  app.add_flag("--print-config", command.print_config, "Print the whole configuration, explained, and end");
  app.add_flag("--print-area", command.print_area, "Print area and highest clock of the accelerator as JSON, and end");
  app.add_flag("--print-inventory", command.print_inventory, "Print the accelerator's parts as JSON, and end");
  app.add_flag("--print-quantize", command.print_quantize,
               "Print network and quantize section as tab-separated lines, for scripts, and end");
  app.option_defaults()->group("Messages");
  CLI::Option* quiet_option = app.add_flag("--quiet,-q", quiet, "No progress on stderr");
  app.add_flag("--verbose,-v", verbose, "More on stderr")->excludes(quiet_option);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    parsed.exit_status = status == 0 ? kDone : kBadInput;
    return parsed;
  }

  command.verbosity = quiet ? 0 : verbose ? 2 : 1;
  for (std::string& assignment : overrides_of(choices)) command.overrides.push_back(std::move(assignment));
  return parsed;
}

}  // namespace shiftsim::sim
