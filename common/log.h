// The project's one logger (spdlog, to stderr), and progress lines for long work.
#pragma once

#include <chrono>
#include <string>

#include <spdlog/spdlog.h>

#include "common/watcher.h"

namespace shiftsim {

/// Sets up the logger: 0 warnings and errors only, 1 information, 2 debugging. Lines read "[time] level: text".
void setup_logging(int verbosity);

/// Progress of long work on stderr: "golden: 4,200/10,000 images, 9 s, 12 s left". Rewrites one line on a terminal,
/// else prints a line at most every 10 s. Silent below verbosity 1. What was there 'already' when it began is done, but
/// took none of the time. The watcher (watcher.h) of the thread that made it is told as well.
class Progress {
public:
  Progress(std::string what, std::size_t total, std::string unit, std::size_t already = 0);
  ~Progress();
  /// Throws Stopped where the watcher stops the work.
  void update(std::size_t done);
  /// The same where steps take different times: 'part' of the time, in [0, 1], is gone with those that are done.
  void update(std::size_t done, double part);
  /// So much of the work, as in update(), was done before, and took none of the time.
  void skip(double part) { skipped_ += part; }

private:
  std::string what_, unit_;
  std::size_t total_;
  double skipped_;  ///< part of the work
  std::chrono::steady_clock::time_point start_, last_;
  bool terminal_, shown_ = false;
  Watcher* watcher_ = current_watcher();
};

}  // namespace shiftsim
