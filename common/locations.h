// Folders of the installation and of the user.
#pragma once

#include <filesystem>
#include <optional>

namespace shiftsim {

/// A path of the running program (a link), or of the library of ours that this function is a part of (Python's module).
std::filesystem::path this_binary();

/// Where the programs' data stand: configs/, rtl/, scripts/build_rtl, tests/rtl/mutants. $SHIFTSIM_HOME, else
/// share/shiftsim in the nearest folder above the running program, or above the library of ours that this is a part of.
/// In a build folder that is a link to the source tree.
/// Throws UserError where there is no such folder, or no configs/technologies in it.
std::filesystem::path home_folder();

/// Where both programs keep what can be made again: $SHIFTSIM_CACHE, else $XDG_CACHE_HOME/shiftsim, else
/// $HOME/.cache/shiftsim. None where none of them is set. The folder need not exist.
std::optional<std::filesystem::path> cache_folder();

}  // namespace shiftsim
