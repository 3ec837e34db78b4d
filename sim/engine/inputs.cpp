#include "sim/engine/inputs.h"

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "common/error.h"
#include "common/hash.h"
#include "common/log.h"
#include "qnet/io.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

/// What to type to make the network of a configuration with a quantize section.
std::string quantrun_command(const RunConfig& config) {
  const QuantizeConfig& q = config.quantize;
  const std::string bits = q.bits.empty() ? "" : " --bits " + q.bits;
  return fmt::format("quantrun --model {} --calibration {} --recipe {}{} --output {}", q.model, q.calibration, q.recipe,
                     bits, config.network);
}

/// scripts/run renews a network whose inputs changed; a simrun of its own tells, and runs what is there.
void warn_if_model_changed(const RunConfig& config, const qnet::Provenance& provenance) {
  const std::string& model = config.quantize.model;
  if (!fs::is_regular_file(model) || sha256_file(model) == provenance.model_hash) return;
  spdlog::warn("{} was made from another version of {}; to renew it: {}", config.network, model,
               quantrun_command(config));
}

}  // namespace

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

}  // namespace shiftsim::sim
