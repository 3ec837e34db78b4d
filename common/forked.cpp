#include "common/forked.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "common/error.h"
#include "common/watcher.h"

namespace shiftsim {
namespace {

// What a child's first byte says of the rest.
constexpr char kDoneMark = 'd', kUserErrorMark = 'u', kInternalErrorMark = 'i';

void write_all(int file, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = write(file, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // the parent is gone
    written += static_cast<std::size_t>(n);
  }
}

/// Until there is something to read, or the work is stopped.
void wait_for_data(int file) {
  constexpr int kLookMs = 100;
  pollfd waiting{file, POLLIN, 0};
  while (!is_stopped() && poll(&waiting, 1, kLookMs) <= 0) {
  }
}

/// What the child writes; less where the work is stopped.
std::string read_all(int file) {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    wait_for_data(file);
    if (is_stopped()) return text;
    const ssize_t n = read(file, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

[[noreturn]] void be_child(int to_parent, std::size_t i, const std::function<std::string(std::size_t)>& work) {
  std::string answer;
  try {
    answer = kDoneMark + work(i);
  } catch (const UserError& error) {
    answer = std::string(1, kUserErrorMark) + error.what();
  } catch (const std::exception& error) {
    answer = std::string(1, kInternalErrorMark) + error.what();
  } catch (const Stopped&) {
    answer = std::string(1, kInternalErrorMark) + "stopped";
  }
  write_all(to_parent, answer);
  // The parent's buffers and handlers are not this process's to flush and run.
  _exit(0);
}

struct Child {
  pid_t id = -1;
  int from = -1;
};

Child start(std::size_t i, const std::function<std::string(std::size_t)>& work) {
  int ends[2];
  if (pipe(ends) != 0) throw InternalError(fmt::format("no pipe to a child process: {}", std::strerror(errno)));
  std::fflush(nullptr);
  const pid_t id = fork();
  if (id < 0) {
    close(ends[0]);
    close(ends[1]);
    throw InternalError(fmt::format("no child process: {}", std::strerror(errno)));
  }
  if (id == 0) {
    close(ends[0]);
    be_child(ends[1], i, work);
  }
  close(ends[1]);
  return {id, ends[0]};
}

/// The child's answer; empty where it died.
std::string finish(const Child& child) {
  std::string answer = read_all(child.from);
  close(child.from);
  if (is_stopped()) kill(child.id, SIGKILL);
  int status = 0;
  while (waitpid(child.id, &status, 0) < 0 && errno == EINTR) {
  }
  const bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return ended ? answer : std::string();
}

}  // namespace

std::vector<std::string> run_forked(std::size_t count, const std::function<std::string(std::size_t)>& work) {
  std::vector<Child> children;
  children.reserve(count);
  for (std::size_t i = 0; i < count; ++i) children.push_back(start(i, work));
  std::vector<std::string> answers;
  answers.reserve(count);
  for (const Child& child : children) answers.push_back(finish(child));
  check_stopped();
  for (std::string& answer : answers) {
    if (answer.empty()) throw InternalError("a child process died");
    const char kind = answer.front();
    answer.erase(0, 1);
    if (kind == kUserErrorMark) throw UserError(answer);
    if (kind == kInternalErrorMark) throw InternalError(answer);
  }
  return answers;
}

}  // namespace shiftsim
