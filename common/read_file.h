// A whole file in memory.
#pragma once

#include <filesystem>
#include <string>

namespace shiftsim {

/// The content of a file. Throws UserError, with the system's reason, if it cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace shiftsim
