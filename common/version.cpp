#include "common/version.h"

#include <fmt/format.h>
#include <spdlog/version.h>
#include <CLI/Version.hpp>
#include <nlohmann/json.hpp>

#include "common/git_describe.h"

namespace shiftsim {

const char* version() {
  return SHIFTSIM_VERSION;
}

const char* git_describe() {
  return SHIFTSIM_GIT_DESCRIBE;
}

std::vector<std::pair<std::string, std::string>> library_versions() {
  return {{"compiler", __VERSION__},
          {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
          {"spdlog", fmt::format("{}.{}.{}", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH)},
          {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                        NLOHMANN_JSON_VERSION_PATCH)},
          {"CLI11", CLI11_VERSION},
          {"yaml-cpp", SHIFTSIM_YAML_CPP_VERSION}};
}

}  // namespace shiftsim
