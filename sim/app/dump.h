// Test vectors for somebody else's RTL: layers of the golden reference as $readmemh files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "qnet/network.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

/// Writes FOLDER/NN_layer/*.hex, the self-checking bench and FOLDER/README.md for one image (uint8 NHWC): of the layer
/// called 'layer', or of all layers if it is empty. With it the commands of each layer for the accelerator of 'config',
/// with their cycles; a network that does not fit it has none, with a warning. FOLDER appears whole or not at all; if
/// it exists already, UserError. UserError too if no layer has that name.
void dump_golden(const qnet::Network& network, const RunConfig& config, const std::uint8_t* image,
                 const std::string& layer, const std::filesystem::path& folder);

}  // namespace shiftsim::sim
