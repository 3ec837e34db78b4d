// Reading and writing .qnet folders.
#pragma once

#include <filesystem>

#include "qnet/network.h"

namespace shiftsim::qnet {

/// Reads and validates a folder. Throws UserError: missing file, unknown key, wrong format version, an array whose checksum,
/// type or shape is not what network.yaml says, or anything qnet::validate rejects.
Network read(const std::filesystem::path& folder);

/// Validates and writes a folder, under a temporary name and renamed when complete; an older one is replaced.
void write(const Network& network, const std::filesystem::path& folder);

}  // namespace shiftsim::qnet
