// simrun: runs a .qnet network and reports accuracy, cycles, energy and the lockstep verdict.
#include <filesystem>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/guarded_main.h"
#include "common/hash.h"
#include "common/images.h"
#include "common/log.h"
#include "qnet/io.h"
#include "sim/app/cli.h"
#include "sim/app/dump.h"
#include "sim/config/config.h"
#include "sim/engine/mapped_program.h"
#include "sim/engine/simulate.h"
#include "sim/report/comparison.h"
#include "sim/trace/trace.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

/// Exit status beside those of common/guarded_main.h.
constexpr int kDisagreement = 3;

/// What to type to make the network of a configuration with a quantize section.
std::string quantrun_command(const RunConfig& config) {
  const QuantizeConfig& q = config.quantize;
  const std::string bits = q.bits.empty() ? "" : " --bits " + q.bits;
  return fmt::format("quantrun --model {} --calibration {} --recipe {}{} --output {}", q.model, q.calibration, q.recipe,
                     bits, config.network);
}

/// For scripts: what quantrun needs, "key<TAB>value" a line.
std::string quantize_lines(const RunConfig& config) {
  const QuantizeConfig& q = config.quantize;
  return fmt::format(
      "network\t{}\nmodel\t{}\nrecipe\t{}\nbits\t{}\ncalibration\t{}\ncalibration_labels\t{}\nimages\t{}\n"
      "labels\t{}\n",
      config.network, q.model, q.recipe, q.bits, q.calibration, q.calibration_labels, config.images, config.labels);
}

/// scripts/run renews a network whose inputs changed; a simrun of its own tells, and runs what is there.
void warn_if_model_changed(const RunConfig& config, const qnet::Provenance& provenance) {
  const std::string& model = config.quantize.model;
  if (!fs::is_regular_file(model) || sha256_file(model) == provenance.model_hash) return;
  spdlog::warn("{} was made from another version of {}; to renew it: {}", config.network, model,
               quantrun_command(config));
}

qnet::Network read_network(const RunConfig& config) {
  if (config.network.empty()) {
    fail("no network to run: give --network, or a configuration with a 'network:' key (--config)");
  }
  const bool made_here = !config.quantize.model.empty();
  if (made_here && !fs::exists(config.network)) {
    fail("{}: there is no such network. scripts/run makes it, or type: {}", config.network, quantrun_command(config));
  }
  qnet::Network network = qnet::read(config.network);
  if (made_here) warn_if_model_changed(config, network.provenance);
  return network;
}

ImageSet read_test_images(const RunConfig& config, const qnet::Network& network, std::size_t limit) {
  if (config.images.empty()) fail("no images to run: give --images, or a configuration with 'dataset.images'");
  const qnet::Tensor& input = network.input();
  std::optional<fs::path> labels;
  if (!config.labels.empty()) labels = config.labels;
  return read_images_of_shape(config.images, labels, static_cast<std::size_t>(input.height),
                              static_cast<std::size_t>(input.width), static_cast<std::size_t>(input.channels), limit);
}

void print_comparison(const RunResult& result, const ArrayConfig& array, const fs::path& output) {
  const std::vector<ComparedLayer> layers = compare(result, array);
  write_file_atomically(output / "comparison.json", comparison_json(layers).dump(2) + "\n");
  fmt::print("\n{}", comparison_table(layers));
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

  if (config.fidelity == Fidelity::kGolden && (command.compare || !command.trace.empty()))
    fail("{}: fidelity golden has no cycles; take transaction, cycle or lockstep",
         command.compare ? "--compare" : "--trace");
  const qnet::Network network = read_network(config);
  const std::size_t dump_image = static_cast<std::size_t>(command.dump_image);
  if (!command.dump_golden.empty()) {
    const ImageSet images = read_test_images(config, network, dump_image + 1);
    if (dump_image >= images.count) fail("--image {}: {} holds {} images", dump_image, config.images, images.count);
    dump_golden(network, images.image(dump_image), command.dump_layer, command.dump_golden);
    spdlog::info("wrote {}", command.dump_golden.string());
    return kDone;
  }

  const ImageSet images = read_test_images(config, network, static_cast<std::size_t>(config.test_images));
  const fs::path output =
      command.output.empty() ? fs::path(config.results) / config.accelerator.name : fs::absolute(command.output);
  const Report report = simulate(config, network, images, output);
  report.write(output);
  const std::string table = report.table();
  fmt::print("{}{}{}", table, table.empty() ? "" : "\n", report.summary());
  fmt::print("{:<12} {}\n", "report", (output / "report.json").string());
  if (!command.trace.empty()) {
    write_trace(command.trace,
                trace_image(network, mapped_program(network, config, Contents::kTimingOnly), config.accelerator.dram),
                network, config.accelerator);
    fmt::print("{:<12} {}\n", "trace", command.trace.string());
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
    const sim::ParsedCommandLine parsed = sim::parse_command_line(argc, argv);
    if (parsed.exit_status) return *parsed.exit_status;
    setup_logging(parsed.command.verbosity);
    return sim::run_command(parsed.command);
  });
}
