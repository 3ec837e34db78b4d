#include "common/thread_pool.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "common/watcher.h"

namespace shiftsim {

struct ThreadPool::Impl {
  /// Turns of looking for work before a thread sleeps: the pause between two steps of an iteration is shorter.
  static constexpr int kSpins = 2000;

  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable wake, finished;
  std::atomic<std::size_t> generation{0};
  std::size_t busy = 0;
  bool stop = false;

  // The loop at hand.
  const std::function<void(std::size_t, std::size_t)>* work = nullptr;
  std::size_t count = 0;
  Watcher* watcher = nullptr;  ///< of the thread that asked for it
  std::atomic<std::size_t> next{0};
  std::exception_ptr first_error;

  void take_items(std::size_t worker) {
    try {
      const WatchScope watched(watcher);
      for (std::size_t i = next++; i < count; i = next++) {
        check_stopped();
        (*work)(i, worker);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first_error) first_error = std::current_exception();
      next = count;
    }
  }

  void thread_main(std::size_t worker) {
    // oneDNN asks OpenMP how many threads it may use; the setting belongs to the calling thread.
    omp_set_num_threads(1);
    for (std::size_t seen = 0;;) {
      for (int spin = 0; spin < kSpins && generation.load() == seen; ++spin) std::this_thread::yield();
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return stop || generation.load() != seen; });
        if (stop) return;
        seen = generation.load();
      }
      take_items(worker);
      const std::lock_guard lock(mutex);
      if (--busy == 0) finished.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>()) {
  for (int worker = 1; worker < threads; ++worker)
    impl_->threads.emplace_back([this, worker] { impl_->thread_main(static_cast<std::size_t>(worker)); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
    ++impl_->generation;
  }
  impl_->wake.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

int ThreadPool::threads() const {
  return static_cast<int>(impl_->threads.size()) + 1;
}

void ThreadPool::run(std::size_t count, const std::function<void(std::size_t, std::size_t)>& work) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->work = &work;
    impl_->count = count;
    impl_->watcher = current_watcher();
    impl_->next = 0;
    impl_->first_error = nullptr;
    impl_->busy = impl_->threads.size();
    ++impl_->generation;
  }
  impl_->wake.notify_all();
  impl_->take_items(0);
  std::unique_lock lock(impl_->mutex);
  impl_->finished.wait(lock, [&] { return impl_->busy == 0; });
  omp_set_num_threads(before);
  if (impl_->first_error) std::rethrow_exception(impl_->first_error);
}

int thread_count(int asked) {
  return asked > 0 ? asked : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t, std::size_t)>& work) {
  const std::size_t workers = std::min(count, static_cast<std::size_t>(std::max(threads, 1)));
  ThreadPool(static_cast<int>(workers)).run(count, work);
}

}  // namespace shiftsim
