// Runs a program as a user does, and keeps what it printed.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

  /// Starts PROGRAM with 'arguments' in the test's folder. What it prints goes to the files OUTPUT.stdout and
  /// OUTPUT.stderr there.
  pid_t start_program(const std::string& program, const std::vector<std::string>& arguments,
                      const std::string& output = "") const {
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = fork();
    if (child != 0) return child;
    const bool ready = chdir(folder_.c_str()) == 0 && redirect("/dev/null", O_RDONLY, STDIN_FILENO) &&
                       redirect((output + ".stdout").c_str(), O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO) &&
                       redirect((output + ".stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    if (ready) execvp(argv.front(), argv.data());
    _exit(127);
  }

  Outcome run_program(const std::string& program, const std::vector<std::string>& arguments) const {
    const pid_t child = start_program(program, arguments);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    Outcome outcome;
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.out = read_text(folder_ / ".stdout");
    outcome.err = read_text(folder_ / ".stderr");
    return outcome;
  }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }

  std::filesystem::path folder_;

private:
  static bool redirect(const char* file, int flags, int descriptor) {
    return dup2(open(file, flags, 0644), descriptor) == descriptor;
  }
};

}  // namespace shiftsim::test
