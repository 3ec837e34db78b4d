// The keys of a configuration.
#pragma once

#include <string>
#include <vector>

#include "common/setting.h"
#include "sim/config/config.h"

namespace shiftsim::sim {

inline constexpr int kMinSide = 4, kMaxSide = 64;  ///< rows and columns of the array
inline constexpr int kAuto = 0;                    ///< a size still to be chosen; never left in a loaded configuration

/// Whether a text can name a folder: letters, digits, '_', '-' and '.', which does not come first.
bool is_plain_name(const std::string& name);

/// Every key but 'include', in the order in which they are printed.
const std::vector<Setting<RunConfig>>& settings();

}  // namespace shiftsim::sim
