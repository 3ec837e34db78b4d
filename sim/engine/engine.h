// What runs a network: one class a fidelity. A new engine is a class of its own and a line in engine.cpp.
#pragma once

#include <filesystem>
#include <memory>

#include "common/images.h"
#include "qnet/network.h"
#include "sim/config/config.h"
#include "sim/engine/network_facts.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// What an engine is made for. The network must outlive it.
struct EngineSetup {
  const RunConfig& config;
  const qnet::Network& network;
  std::filesystem::path output;   ///< folder for a waveform, should lockstep fail; made if needed. Empty: none
  NetworkFacts* facts = nullptr;  ///< of the network and the images; null: engines that need them find them out
};

/// config.image_count, of the images that there are; whole batches.
std::size_t images_to_run(const EngineSetup& setup, const ImageSet& images);

class Engine {
public:
  virtual ~Engine() = default;
  /// Runs the first config.image_count images and fills all of the result but 'accuracy'. Progress goes to stderr
  /// (common/log.h). A lockstep difference or a wrong value is no exception but part of the result.
  virtual RunResult run(const ImageSet& images) = 0;

protected:
  Engine() = default;
  Engine(const Engine&) = default;
  Engine& operator=(const Engine&) = default;
};

/// The engine of config.fidelity. Throws UserError where the network does not fit the accelerator.
std::unique_ptr<Engine> make_engine(const EngineSetup& setup);

}  // namespace shiftsim::sim
