// Work split over threads so that the result does not depend on how many there are.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace shiftsim {

/// Threads that stay between calls, for loops too short to start threads for. oneDNN runs single-threaded inside.
class ThreadPool {
public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;
  /// Calls work(i, worker) for every i in [0, count), each exactly once (worker: which thread, from 0). Which thread
  /// takes an item is left to chance, so an item must write only what is its own: then the same inputs give the same
  /// bits at any number of threads. The first exception thrown by an item is rethrown here, after all have stopped.
  /// The watcher of the calling thread (watcher.h) watches all items; where it stops the work, Stopped is thrown.
  /// Not to be called from two threads at a time, nor from inside 'work'.
  void run(std::size_t count, const std::function<void(std::size_t, std::size_t)>& work);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// As many threads as are asked for; 0: one per processor.
int thread_count(int asked);

/// ThreadPool::run on threads made for this one call.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t, std::size_t)>& work);

}  // namespace shiftsim
