// The versions that reports name.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace shiftsim {

/// ShiftSim's version, "0.1.0".
const char* version();
/// `git describe` of the sources at build time, or "" where git is not there.
const char* git_describe();
/// Name and version of the compiler and the libraries built against.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace shiftsim
