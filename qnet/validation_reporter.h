// Messages of the network's checks.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"

namespace shiftsim::qnet {

/// "FOLDER: layer 'conv1': " in front of every message.
class ValidationReporter {
public:
  ValidationReporter(std::string where, const char* kind, const std::string& name)
      : prefix_(fmt::format("{}: {} '{}'", where, kind, name)) {}

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw UserError(prefix_ + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
  void range(const char* what, std::int64_t found, std::int64_t low, std::int64_t high) const {
    if (found < low || found > high) fail("{}: found {}, expected {} to {}", what, found, low, high);
  }
  /// Every element of an array in [low, high].
  template <typename T>
  void ranges(const char* what, const std::vector<T>& values, int low, int high) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < low || values[i] > high) {
        fail("{}[{}]: found {}, expected {} to {}", what, i, static_cast<int>(values[i]), low, high);
      }
    }
  }
  void size(const char* what, std::size_t found, std::size_t expected) const {
    if (found != expected) fail("{}: found {} elements, expected {}", what, found, expected);
  }

private:
  std::string prefix_;
};

}  // namespace shiftsim::qnet
