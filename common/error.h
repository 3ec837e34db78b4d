// Errors that the user can mend, and the check used inside the programs.
#pragma once

#include <stdexcept>
#include <string>

#include <fmt/core.h>

namespace shiftsim {

/// Bad input: a file, an option or a network that cannot be used. Both programs print its message
/// and exit with status 2. The message names the file (and the line, node or layer), what was found
/// and what was expected.
class UserError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Throws UserError with a message formatted as by fmt::format.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw UserError(fmt::format(format, std::forward<Args>(args)...));
}

/// An invariant of the program itself does not hold: a bug of ours, never the user's.
class InternalError : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

[[noreturn]] void check_failed(const char* condition, const char* file, int line, const std::string& message);

}  // namespace shiftsim

/// Checks an invariant in every build type. SHIFTSIM_CHECK(a == b, "layer {}: {} != {}", name, a, b)
#define SHIFTSIM_CHECK(condition, ...)                                                                    \
  do {                                                                                                    \
    if (!(condition)) ::shiftsim::check_failed(#condition, __FILE__, __LINE__, fmt::format(__VA_ARGS__)); \
  } while (false)
