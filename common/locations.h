// Folders of the installation and of the user.
#pragma once

#include <filesystem>
#include <optional>

namespace shiftsim {

/// Where the programs' data stand: configs/, rtl/, scripts/build_rtl, tests/rtl/mutants. $SHIFTSIM_HOME, else
/// ../share/shiftsim from the folder of the running program. In a build folder that is a link to the source tree.
/// Throws UserError where there is no such folder, or no configs/technologies in it.
std::filesystem::path home_folder();

/// Where both programs keep what can be made again: $SHIFTSIM_CACHE, else $XDG_CACHE_HOME/shiftsim, else
/// $HOME/.cache/shiftsim. None where none of them is set. The folder need not exist.
std::optional<std::filesystem::path> cache_folder();

}  // namespace shiftsim
