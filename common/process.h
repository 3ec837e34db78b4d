// Other programs, started with an argument list: no shell reads what a user wrote.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace shiftsim {

/// Runs a program and waits for it. 'arguments': the program (looked up in PATH where it has no '/'), then its
/// arguments as they are. Standard output and error go to 'log', which is written anew; standard input is empty.
/// Returns the exit status: 127 where there is no such program, 128 + signal where a signal ended it. Throws UserError
/// where 'log' cannot be written. Where this thread's watcher (watcher.h) stops the work, the program is ended with all
/// that it started, and Stopped is thrown.
int run_process(const std::vector<std::string>& arguments, const std::filesystem::path& log);

/// Runs a program and gives what it printed on standard output; empty where it could not be run.
std::string process_output(const std::vector<std::string>& arguments);

/// A program started to run beside this one. When the object goes, so does what still runs.
class ChildProcess {
public:
  /// Its standard input is empty; what it prints goes where this program's does. Throws UserError where there is no
  /// such program.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;

  /// The exit status as run_process gives it, once it has ended.
  std::optional<int> ended();

private:
  pid_t child_ = 0;  ///< 0: nothing to wait for
  std::optional<int> status_;
};

/// The arguments as a line that a shell reads back to them, for people to copy.
std::string shell_line(const std::vector<std::string>& arguments);

}  // namespace shiftsim
