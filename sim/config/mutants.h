// The deliberate bugs that the RTL can be built with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace shiftsim::sim {

/// Names in a list of mutants (tests/rtl/mutants/mutants.json), in its order. Throws UserError where the file cannot be
/// read or is no such list.
std::vector<std::string> mutant_names(const std::filesystem::path& file);

}  // namespace shiftsim::sim
