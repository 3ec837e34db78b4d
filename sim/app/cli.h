// simrun's command line.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace shiftsim::sim {

/// What the command line says; empty where an option was not given.
struct CommandLine {
  std::filesystem::path config;
  std::vector<std::string> overrides;  ///< of --set, then those that stand for other options
  std::filesystem::path output;        ///< --output; empty: results/<name> of the configuration
  std::filesystem::path dump_golden;
  std::string dump_layer;
  int dump_image = 0;
  int verbosity = 1;
  std::filesystem::path trace;  ///< empty: none
  bool compare = false;         ///< with other simulators
  bool print_config = false, print_quantize = false, print_area = false, print_inventory = false;
};

/// Parses the arguments. Prints help, version or a message itself and then gives the exit status instead.
struct ParsedCommandLine {
  CommandLine command;
  std::optional<int> exit_status;
};
ParsedCommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace shiftsim::sim
