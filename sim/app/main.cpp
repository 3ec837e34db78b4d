// simrun: runs a .qnet network and reports accuracy, cycles, energy and the lockstep verdict.
#include <filesystem>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/guarded_main.h"
#include "common/images.h"
#include "common/log.h"
#include "common/titled_line.h"
#include "sim/app/cli.h"
#include "sim/app/dump.h"
#include "sim/app/exit_status.h"
#include "sim/app/sweep_command.h"
#include "sim/config/config.h"
#include "sim/energy/area.h"
#include "sim/engine/inputs.h"
#include "sim/engine/mapped_program.h"
#include "sim/engine/simulate.h"
#include "sim/report/area_json.h"
#include "sim/report/comparison.h"
#include "sim/report/layer_table.h"
#include "sim/report/report_files.h"
#include "sim/report/summary.h"
#include "sim/trace/trace.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

/// For scripts: what quantrun needs, "key<TAB>value" a line.
std::string quantize_lines(const RunConfig& config) {
  const QuantizeConfig& q = config.quantize;
  return fmt::format(
      "network\t{}\nmodel\t{}\nrecipe\t{}\nbits\t{}\ncalibration\t{}\ncalibration_labels\t{}\nimages\t{}\n"
      "labels\t{}\n",
      config.network, q.model, q.recipe, q.bits, q.calibration, q.calibration_labels, config.images, config.labels);
}

void print_comparison(const RunResult& result, const ArrayConfig& array, const fs::path& output) {
  const std::vector<ComparedLayer> layers = compare(result, array);
  write_file_atomically(output / "comparison.json", comparison_json(layers).dump(2) + "\n");
  fmt::print("\n{}", comparison_table(layers));
}

/// simulate() asks the same; here the place of the key is known, and no network has been read for nothing.
void check_clock(const CommandLine& command, const RunConfig& config) {
  if (config.clock_check != ClockCheck::kRefuse) return;
  const auto problem = clock_problem(config.accelerator, load_technology(config.technology));
  if (problem) fail_at_key(command.config, command.overrides, "clock_mhz", *problem);
}

int run_command(const CommandLine& command) {
  const RunConfig config = load_config(command.config, command.overrides);
  if (command.print_config) {
    fmt::print("{}", print_config(config));
    return kDone;
  }
  if (command.print_quantize) {
    fmt::print("{}", quantize_lines(config));
    return kDone;
  }
  if (command.print_area || command.print_inventory) {
    const Technology technology = load_technology(config.technology);
    const auto json =
        command.print_area ? area_json(config.accelerator, technology) : inventory_json(config.accelerator, technology);
    fmt::print("{}\n", json.dump(2));
    return kDone;
  }

  if (config.fidelity == Fidelity::kGolden && (command.compare || !command.trace.empty()))
    fail("{}: fidelity golden has no cycles; take transaction, cycle or lockstep",
         command.compare ? "--compare" : "--trace");
  check_clock(command, config);
  const qnet::Network network = read_network(config);
  const std::size_t dump_image = static_cast<std::size_t>(command.dump_image);
  if (!command.dump_golden.empty()) {
    if (config.batch > 1) fail("--dump-golden writes one image: run.batch is {}, expected 1", config.batch);
    const ImageSet images = read_test_images(config, network, dump_image + 1);
    if (dump_image >= images.count) fail("--image {}: {} holds {} images", dump_image, config.images, images.count);
    dump_golden(network, config, images.image(dump_image), command.dump_layer, command.dump_golden);
    spdlog::info("wrote {}", command.dump_golden.string());
    return kDone;
  }

  const ImageSet images = read_test_images(config, network, static_cast<std::size_t>(config.test_images));
  const fs::path output =
      command.output.empty() ? fs::path(config.results) / config.accelerator.name : fs::absolute(command.output);
  const Report report = simulate(config, network, images, output);
  write_report(report, output);
  const std::string table = layer_table(report);
  fmt::print("{}{}{}", table, table.empty() ? "" : "\n", summary_text(report));
  fmt::print("{}", titled_line("report", (output / kReportFile).string()));
  if (!command.trace.empty()) {
    write_trace(command.trace,
                trace_batch(network, mapped_program(network, config, Contents::kTimingOnly), config.accelerator.dram),
                network, config.accelerator);
    fmt::print("{}", titled_line("trace", command.trace.string()));
  }
  if (command.compare) print_comparison(report.result(), config.accelerator.array, output);
  const RunResult& result = report.result();
  return result.lockstep.verdict == "fail" || result.values.mismatches > 0 ? kDisagreement : kDone;
}

}  // namespace
}  // namespace shiftsim::sim

int main(int argc, char** argv) {
  using namespace shiftsim;
  return guarded_main("simrun", [&]() -> int {
    if (sim::is_sweep(argc, argv)) {
      const sim::ParsedSweepCommandLine sweep = sim::parse_sweep_command_line(argc, argv);
      if (sweep.exit_status) return *sweep.exit_status;
      setup_logging(sweep.command.verbosity);
      return sim::run_sweep_command(sweep.command);
    }
    const sim::ParsedCommandLine parsed = sim::parse_command_line(argc, argv);
    if (parsed.exit_status) return *parsed.exit_status;
    setup_logging(parsed.command.verbosity);
    return sim::run_command(parsed.command);
  });
}
