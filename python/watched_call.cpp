#include "python/watched_call.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "common/watcher.h"

namespace shiftsim::python {
namespace {

namespace py = pybind11;

constexpr auto kLook = std::chrono::milliseconds(100);

/// Keeps the last state for the thread that has Python's lock.
class KeptState : public Watcher {
public:
  void progress(const WorkState& state) override {
    const std::lock_guard lock(mutex_);
    what_ = state.what;
    unit_ = state.unit;
    done_ = state.done;
    total_ = state.total;
    is_new_ = true;
  }
  bool stops() const override { return stopped_; }

  void stop() { stopped_ = true; }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_one();
  }
  /// Whether the work ends within a while.
  bool ends_soon() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLook, [&] { return ended_; });
  }
  /// Tells Python's callable what is new. Needs Python's lock.
  void tell(const py::object& callable) {
    if (callable.is_none()) return;
    py::tuple state;
    {
      const std::lock_guard lock(mutex_);
      if (!is_new_) return;
      is_new_ = false;
      state = py::make_tuple(what_, done_, total_, unit_);
    }
    callable(*state);
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string what_, unit_;
  std::size_t done_ = 0, total_ = 0;
  bool is_new_ = false, ended_ = false;
  std::atomic<bool> stopped_ = false;
};

}  // namespace

void run_watched(const py::object& progress, const std::function<void()>& work) {
  KeptState state;
  std::exception_ptr error, interrupt;
  {
    const py::gil_scoped_release released;
    std::thread thread([&] {
      const WatchScope watched(&state);
      try {
        work();
      } catch (...) {
        error = std::current_exception();
      }
      state.end();
    });
    while (!state.ends_soon()) {
      if (interrupt) continue;  // until it stops
      const py::gil_scoped_acquire locked;
      try {
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        state.tell(progress);
      } catch (const py::error_already_set&) {
        interrupt = std::current_exception();
        state.stop();
      }
    }
    thread.join();
  }
  if (interrupt) std::rethrow_exception(interrupt);
  if (error) std::rethrow_exception(error);
  state.tell(progress);
}

}  // namespace shiftsim::python
