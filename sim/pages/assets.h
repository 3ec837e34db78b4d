// The files of this folder, and the charting library, as they stand in the program.
#pragma once

#include <string_view>

namespace shiftsim::sim {

/// The content of a file by its name. Throws an internal error where there is none.
std::string_view asset(std::string_view name);

}  // namespace shiftsim::sim
