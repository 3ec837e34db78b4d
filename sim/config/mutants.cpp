#include "sim/config/mutants.h"

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/read_file.h"

namespace shiftsim::sim {

std::vector<std::string> mutant_names(const std::filesystem::path& file) {
  std::vector<std::string> names;
  try {
    for (const nlohmann::json& mutant : nlohmann::json::parse(read_file(file)))
      names.push_back(mutant.at("name").get<std::string>());
  } catch (const nlohmann::json::exception& error) {
    fail("{}: is no list of mutants: {}", file.string(), error.what());
  }
  return names;
}

}  // namespace shiftsim::sim
