#include "common/locations.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <string>

#include "common/error.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;

/// A program that was replaced while it runs can still be read there.
constexpr const char* kThisProgram = "/proc/self/exe";

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

fs::path this_binary() {
  Dl_info info{};
  link_map* map = nullptr;
  const int found =
      dladdr1(reinterpret_cast<const void*>(&this_binary), &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP);
  // The program itself has no name in the list of what is loaded.
  const bool is_library = found != 0 && map != nullptr && map->l_name != nullptr && *map->l_name != '\0';
  return is_library ? fs::canonical(map->l_name) : fs::path(kThisProgram);
}

fs::path home_folder() {
  if (const auto own = environment("SHIFTSIM_HOME")) {
    if (!is_home(*own)) fail("SHIFTSIM_HOME: {} holds no configs/technologies", own->string());
    return fs::canonical(*own);
  }
  fs::path binary = this_binary();
  if (binary == kThisProgram) binary = fs::read_symlink(binary);
  // bin/simrun, lib/libshiftsim_golden.so, lib/python3/dist-packages/shiftsim/_core.so: some folders below the prefix.
  const fs::path share = fs::path("share") / "shiftsim";
  for (fs::path folder = binary.parent_path(); folder.has_relative_path(); folder = folder.parent_path())
    if (is_home(folder / share)) return fs::canonical(folder / share);
  fail("{}: there is no folder share/shiftsim with configs/technologies above it; SHIFTSIM_HOME can name another",
       binary.string());
}

std::optional<fs::path> cache_folder() {
  if (const auto own = environment("SHIFTSIM_CACHE")) return *own;
  if (const auto caches = environment("XDG_CACHE_HOME")) return *caches / "shiftsim";
  if (const auto home = environment("HOME")) return *home / ".cache" / "shiftsim";
  return std::nullopt;
}

}  // namespace shiftsim
