// Runs points of a sweep one after another. Networks, images and technologies are read once.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/images.h"
#include "qnet/network.h"
#include "sim/config/config.h"
#include "sim/energy/technology.h"
#include "sim/engine/network_facts.h"
#include "sim/sweep/row.h"

namespace shiftsim::sim {

class PointRunner {
public:
  /// 'waveforms': a folder for those of a lockstep that fails.
  explicit PointRunner(std::filesystem::path waveforms) : waveforms_(std::move(waveforms)) {}

  /// 'load' gives the point's configuration, or throws UserError. What does not fit and what goes wrong is a row with
  /// its reason. Its accuracy is left open.
  Row run(std::size_t point, const std::function<RunConfig()>& load);
  /// Of the configuration's network over its test images, in percent. NaN without labels. Throws UserError.
  static double accuracy(const RunConfig& config);

private:
  /// A network with the images that points run on it, and what is true of both on every accelerator.
  struct Inputs {
    std::shared_ptr<const qnet::Network> network;
    ImageSet images;
    std::unique_ptr<NetworkFacts> facts;
  };

  Row run_config(std::size_t point, const RunConfig& loaded);
  NetworkFacts& facts(const RunConfig& config);
  std::shared_ptr<const qnet::Network> network(const RunConfig& config);
  const Technology& technology(const std::string& file);

  std::filesystem::path waveforms_;
  std::map<std::string, std::shared_ptr<const qnet::Network>> networks_;
  std::map<std::string, Inputs> inputs_;  ///< by network, images and how many
  std::map<std::string, Technology> technologies_;
};

}  // namespace shiftsim::sim
