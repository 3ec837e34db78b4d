// Folders of the user's machine.
#pragma once

#include <filesystem>
#include <optional>

namespace shiftsim {

/// Where both programs keep what can be made again: $SHIFTSIM_CACHE, else $XDG_CACHE_HOME/shiftsim, else
/// $HOME/.cache/shiftsim. None where none of them is set. The folder need not exist.
std::optional<std::filesystem::path> cache_folder();

}  // namespace shiftsim
