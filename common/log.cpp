#include "common/log.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>

#include <spdlog/sinks/stdout_color_sinks.h>

namespace shiftsim {
namespace {

constexpr double kTerminalInterval = 0.1, kLogInterval = 10.0;  // seconds between two lines

/// 1234567 as "1,234,567".
std::string grouped(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void setup_logging(int verbosity) {
  const char* name = "shiftsim";
  auto logger = spdlog::get(name);
  if (!logger) logger = spdlog::stderr_color_mt(name);
  logger->set_pattern("[%H:%M:%S] %^%l%$: %v");
  logger->set_level(verbosity <= 0 ? spdlog::level::warn : verbosity == 1 ? spdlog::level::info : spdlog::level::debug);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(logger);
}

Progress::Progress(std::string what, std::size_t total, std::string unit, std::size_t already)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      skipped_(total > 0 ? static_cast<double>(already) / static_cast<double>(total) : 0),
      start_(std::chrono::steady_clock::now()),
      last_(start_),
      terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (terminal_ && shown_) std::fputs("\r\x1b[K", stderr);  // the line served its purpose
}

void Progress::update(std::size_t done) {
  update(done, total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1);
}

void Progress::update(std::size_t done, double part) {
  if (watcher_ != nullptr) {
    watcher_->progress({what_, unit_, done, total_});
    if (watcher_->stops()) throw Stopped();
  }
  if (!spdlog::default_logger_raw()->should_log(spdlog::level::info)) return;
  if (seconds_since(last_) < (terminal_ ? kTerminalInterval : kLogInterval)) return;
  last_ = std::chrono::steady_clock::now();
  const double elapsed = seconds_since(start_);
  std::string text =
      fmt::format("{}: {}/{} {}, {:.0f} s", what_, grouped(done), grouped(total_), unit_, std::floor(elapsed));
  if (part > skipped_ && part <= 1) {
    const double left = elapsed * (1 - part) / (part - skipped_);
    text += fmt::format(", {:.0f} s left", std::ceil(left));
  }
  if (terminal_) {
    std::fputs(fmt::format("\r\x1b[K{}", text).c_str(), stderr);
    std::fflush(stderr);
    shown_ = true;
  } else {
    spdlog::info("{}", text);
  }
}

}  // namespace shiftsim
