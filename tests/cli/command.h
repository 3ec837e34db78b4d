// Runs a program as a user does, and keeps what it printed.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace shiftsim::test {

struct Outcome {
  int status = -1;  ///< exit status, or 128 + signal
  std::string out, err;
};

inline std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// In single quotes, for the shell.
inline std::string shell_quoted(const std::string& argument) {
  std::string quoted(1, '\'');
  for (const char c : argument) {
    if (c == '\'') {
      quoted.append("'\\''");
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('\'');
  return quoted;
}

/// A folder of the test's own that is removed at its end.
class CommandTest : public testing::Test {
protected:
  CommandTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("shiftsim_cli_" + std::string(info->name()) + "_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  ~CommandTest() override { std::filesystem::remove_all(folder_); }

  /// Runs PROGRAM with 'arguments' in the test's folder.
  Outcome run_program(const std::string& program, const std::vector<std::string>& arguments) const {
    const std::filesystem::path out = folder_ / ".stdout", err = folder_ / ".stderr";
    std::ostringstream command;
    command << "cd " << shell_quoted(folder_.string()) << " && " << shell_quoted(program);
    for (const std::string& argument : arguments) command << ' ' << shell_quoted(argument);
    command << " >" << shell_quoted(out.string()) << " 2>" << shell_quoted(err.string()) << " </dev/null";
    const int status = std::system(command.str().c_str());
    Outcome outcome;
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.out = read_text(out);
    outcome.err = read_text(err);
    return outcome;
  }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

}  // namespace shiftsim::test
