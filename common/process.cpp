#include "common/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "common/error.h"
#include "common/watcher.h"

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

/// Starts the program; false where there is none. 'own_group': it can be ended with all that it starts.
bool spawn(const std::vector<std::string>& arguments, const FileActions& actions, bool own_group, pid_t& child) {
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  if (own_group) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int error = posix_spawnp(&child, words.front(), actions.get(), &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  return error == 0;
}

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return kNotFound;
  }
  return exit_status(status);
}

/// The same of a child with a group of its own, which is ended where this thread's watcher stops the work.
int wait_watched(pid_t child) {
  constexpr auto kLook = std::chrono::milliseconds(50);
  for (;;) {
    int status = 0;
    const pid_t found = waitpid(child, &status, WNOHANG);
    if (found > 0) return exit_status(status);
    if (found < 0 && errno != EINTR) return kNotFound;
    if (is_stopped()) {
      kill(-child, SIGTERM);
      wait_for(child);
      throw Stopped();
    }
    std::this_thread::sleep_for(kLook);
  }
}

/// Whether a shell takes the word as it is.
bool is_plain_word(const std::string& word) {
  const std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./%@";
  return !word.empty() && word.find_first_not_of(plain) == std::string::npos;
}

}  // namespace

int run_process(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail("{}: cannot be written: {}", log.string(), std::strerror(errno));
  FileActions actions;
  actions.duplicate(file, STDOUT_FILENO);
  actions.duplicate(file, STDERR_FILENO);
  pid_t child = 0;
  // The terminal's Ctrl-C reaches a child of this group by itself; one that is watched is ended here.
  const bool watched = current_watcher() != nullptr;
  const bool started = spawn(arguments, actions, watched, child);
  close(file);
  if (!started) return kNotFound;
  return watched ? wait_watched(child) : wait_for(child);
}

std::string process_output(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  FileActions actions;
  actions.duplicate(ends[1], STDOUT_FILENO);
  actions.discard(STDERR_FILENO);
  pid_t child = 0;
  const bool started = spawn(arguments, actions, false, child);
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

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) {
  const FileActions actions;
  if (!spawn(arguments, actions, false, child_)) fail("{}: there is no such program", arguments.front());
}

ChildProcess::~ChildProcess() {
  if (child_ == 0) return;
  kill(child_, SIGTERM);
  wait_for(child_);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept : child_(other.child_), status_(other.status_) {
  other.child_ = 0;
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(child_, other.child_);
  std::swap(status_, other.status_);
  return *this;
}

std::optional<int> ChildProcess::ended() {
  if (child_ == 0) return status_;
  int status = 0;
  const pid_t found = waitpid(child_, &status, WNOHANG);
  if (found == 0 || (found < 0 && errno == EINTR)) return std::nullopt;
  status_ = found < 0 ? kNotFound : exit_status(status);
  child_ = 0;
  return status_;
}

std::string shell_line(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& word : arguments) {
    if (!line.empty()) line += ' ';
    if (is_plain_word(word)) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace shiftsim
