#include "common/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/error.h"

namespace shiftsim {
namespace {

constexpr int kNotFound = 127;

/// What the child does with its files before it becomes the program.
class FileActions {
public:
  FileActions() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void duplicate(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void discard(int to) { posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_WRONLY, 0); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
  posix_spawn_file_actions_t actions_{};
};

/// Starts the program; false where there is none.
bool spawn(const std::vector<std::string>& arguments, const FileActions& actions, pid_t& child) {
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  return posix_spawnp(&child, words.front(), actions.get(), nullptr, words.data(), environ) == 0;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return kNotFound;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_process(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail("{}: cannot be written: {}", log.string(), std::strerror(errno));
  FileActions actions;
  actions.duplicate(file, STDOUT_FILENO);
  actions.duplicate(file, STDERR_FILENO);
  pid_t child = 0;
  const bool started = spawn(arguments, actions, child);
  close(file);
  return started ? wait_for(child) : kNotFound;
}

std::string process_output(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  FileActions actions;
  actions.duplicate(ends[1], STDOUT_FILENO);
  actions.discard(STDERR_FILENO);
  pid_t child = 0;
  const bool started = spawn(arguments, actions, child);
  close(ends[1]);
  std::string text;
  std::array<char, 4096> part{};
  for (ssize_t count = 0; started && (count = read(ends[0], part.data(), part.size())) != 0;) {
    if (count < 0 && errno != EINTR) break;
    if (count > 0) text.append(part.data(), static_cast<std::size_t>(count));
  }
  close(ends[0]);
  if (started) wait_for(child);
  return text;
}

}  // namespace shiftsim
