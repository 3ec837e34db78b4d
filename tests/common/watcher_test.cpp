// Work that is watched: it tells where it stands, and ends where it is stopped.
#include "common/watcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "common/forked.h"
#include "common/log.h"
#include "common/process.h"
#include "common/thread_pool.h"
#include "tests/common/temporary_folder.h"

namespace shiftsim {
namespace {

class Kept : public Watcher {
public:
  void progress(const WorkState& state) override { last = std::string(state.what) + " " + std::to_string(state.done); }
  bool stops() const override { return stopped; }

  std::string last;
  std::atomic<bool> stopped = false;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Watched : public TemporaryFolder {
protected:
  /// Stops the work a moment later.
  void stop_soon() {
    timer_ = std::jthread([this] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      watcher_.stopped = true;
    });
  }

  Kept watcher_;
  std::jthread timer_;
};

TEST_F(Watched, ScopesNest) {
  EXPECT_EQ(current_watcher(), nullptr);
  EXPECT_NO_THROW(check_stopped());
  {
    const WatchScope outer(&watcher_);
    EXPECT_EQ(current_watcher(), &watcher_);
    {
      const WatchScope inner(nullptr);
      EXPECT_EQ(current_watcher(), nullptr);
    }
    EXPECT_EQ(current_watcher(), &watcher_);
    watcher_.stopped = true;
    EXPECT_TRUE(is_stopped());
    EXPECT_THROW(check_stopped(), Stopped);
  }
  EXPECT_FALSE(is_stopped());
}

TEST_F(Watched, ProgressTellsAndStops) {
  const WatchScope watched(&watcher_);
  Progress progress("golden", 10, "images");
  progress.update(3);
  EXPECT_EQ(watcher_.last, "golden 3");
  watcher_.stopped = true;
  EXPECT_THROW(progress.update(4), Stopped);
}

TEST_F(Watched, ALoopOnThreadsStops) {
  const WatchScope watched(&watcher_);
  std::atomic<int> items = 0;
  const auto work = [&](std::size_t, std::size_t) {
    if (++items == 5) watcher_.stopped = true;
  };
  EXPECT_THROW(parallel_for(1'000'000, 3, work), Stopped);
  EXPECT_LT(items, 1000);
}

TEST_F(Watched, AProgramIsEndedWithWhatItStarted) {
  const WatchScope watched(&watcher_);
  EXPECT_EQ(run_process({"sh", "-c", "exit 3"}, folder_ / "log"), 3);
  stop_soon();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(run_process({"sh", "-c", "sleep 60 & wait"}, folder_ / "log"), Stopped);
  EXPECT_LT(seconds_since(start), 20);
}

TEST_F(Watched, ChildrenAreEnded) {
  const WatchScope watched(&watcher_);
  stop_soon();
  const auto start = std::chrono::steady_clock::now();
  const auto sleep = [](std::size_t) {
    std::this_thread::sleep_for(std::chrono::seconds(60));
    return std::string();
  };
  EXPECT_THROW(run_forked(2, sleep), Stopped);
  EXPECT_LT(seconds_since(start), 20);
}

}  // namespace
}  // namespace shiftsim
