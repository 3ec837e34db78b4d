#include "common/locations.h"

#include <cstdlib>
#include <string>

#include "common/error.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;

/// The variable's value; none where it is empty or not set.
std::optional<fs::path> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(value);
}

bool is_home(const fs::path& folder) {
  std::error_code none;
  return fs::is_directory(folder / "configs" / "technologies", none);
}

}  // namespace

fs::path home_folder() {
  if (const auto own = environment("SHIFTSIM_HOME")) {
    if (!is_home(*own)) fail("SHIFTSIM_HOME: {} holds no configs/technologies", own->string());
    return fs::canonical(*own);
  }
  const fs::path program = fs::read_symlink("/proc/self/exe");
  const fs::path beside = program.parent_path().parent_path() / "share" / "shiftsim";
  if (!is_home(beside)) {
    fail("{}: there is no such folder with configs/technologies; SHIFTSIM_HOME can name another", beside.string());
  }
  return fs::canonical(beside);
}

std::optional<fs::path> cache_folder() {
  if (const auto own = environment("SHIFTSIM_CACHE")) return *own;
  if (const auto caches = environment("XDG_CACHE_HOME")) return *caches / "shiftsim";
  if (const auto home = environment("HOME")) return *home / ".cache" / "shiftsim";
  return std::nullopt;
}

}  // namespace shiftsim
