// Work split over threads: every item once, errors passed on, the pool used again. The thread sanitizer runs it, too.
#include "common/thread_pool.h"

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace shiftsim {
namespace {

TEST(ThreadPool, DoesEachItemOnceInEveryCall) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    std::vector<int> done(300);
    for (int call = 0; call < 20; ++call) {
      pool.run(done.size(), [&](std::size_t i, std::size_t worker) {
        EXPECT_LT(worker, static_cast<std::size_t>(threads));
        ++done[i];
      });
      // What the workers wrote is read here, and by other workers in the next call.
      EXPECT_EQ(std::accumulate(done.begin(), done.end(), 0), 300 * (call + 1)) << threads << " threads";
    }
    pool.run(0, [](std::size_t, std::size_t) { FAIL() << "there is no item"; });
  }
}

TEST(ThreadPool, AnErrorEndsTheLoopAndNotThePool) {
  ThreadPool pool(4);
  for (int call = 0; call < 10; ++call) {
    EXPECT_THROW(pool.run(100,
                          [](std::size_t i, std::size_t) {
                            if (i % 7 == 3) throw std::runtime_error("item");
                          }),
                 std::runtime_error);
    std::atomic<int> done{0};
    pool.run(50, [&](std::size_t, std::size_t) { ++done; });
    EXPECT_EQ(done, 50);
  }
}

TEST(ThreadPool, ParallelForIsOneCall) {
  std::vector<std::size_t> squares(64);
  parallel_for(squares.size(), 3, [&](std::size_t i, std::size_t) { squares[i] = i * i; });
  for (std::size_t i = 0; i < squares.size(); ++i) EXPECT_EQ(squares[i], i * i);
}

}  // namespace
}  // namespace shiftsim
