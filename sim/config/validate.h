// Limits of an accelerator and of a lockstep run that depend on more than one key.
#pragma once

#include <functional>
#include <string>

#include "sim/config/config.h"

namespace shiftsim::sim {

/// Reports a problem with a key; the keys' places are only known while a file is loaded.
using Complain = std::function<void(const std::string& key, const std::string& message)>;

/// Geometry, queues and scratchpads against the limits of docs/hardware.md.
void validate(const AcceleratorConfig& config, const Complain& complain);
/// A mutant's name becomes part of a file name and of a command: it must be one of the list.
void validate(const LockstepConfig& config, const Complain& complain);

}  // namespace shiftsim::sim
