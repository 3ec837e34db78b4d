#include "common/locations.h"

#include <cstdlib>
#include <string>

namespace shiftsim {
namespace {

/// The variable's value; none where it is empty or not set.
std::optional<std::filesystem::path> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::filesystem::path(value);
}

}  // namespace

std::optional<std::filesystem::path> cache_folder() {
  if (const auto own = environment("SHIFTSIM_CACHE")) return *own;
  if (const auto caches = environment("XDG_CACHE_HOME")) return *caches / "shiftsim";
  if (const auto home = environment("HOME")) return *home / ".cache" / "shiftsim";
  return std::nullopt;
}

}  // namespace shiftsim
