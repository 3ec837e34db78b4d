#include "sim/sweep/run_sweep.h"

#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "common/error.h"
#include "common/guarded_main.h"
#include "common/log.h"
#include "common/process.h"
#include "common/watcher.h"
#include "sim/engine/inputs.h"
#include "sim/sweep/sweep_folder.h"

namespace shiftsim::sim {
namespace {

using namespace std::chrono_literals;

constexpr auto kPoll = 100ms;       // between two looks at the workers
constexpr auto kLookRows = 1s;      // between two looks at the rows, which others may write as well
constexpr int kSignalStatus = 128;  // and more: a signal ended a process

/// A mistake in a network or in the images is told once, before a thousand points repeat it.
void read_inputs(const SweepPlan& plan) {
  for (const RunConfig& config : plan.accuracies()) {
    RunConfig unlabelled = config;
    unlabelled.labels.clear();
    read_test_images(unlabelled, read_network(config), 1);
  }
}

/// Whether a worker's status is bad news. One that a signal ended leaves its rows to the others.
void check_status(int status) {
  if (status == kBadInput) fail("a worker ended with status {}: its message stands above", status);
  if (status >= kSignalStatus) {
    spdlog::warn("signal {} ended a worker; its points are taken up again", status - kSignalStatus);
  } else {
    SHIFTSIM_CHECK(status == 0, "a worker ended with status {}", status);
  }
}

/// Watches a worker thread: it stops with the whole, but what it does by itself is not told.
class ForwardStop : public Watcher {
public:
  explicit ForwardStop(const Watcher* whole) : whole_(whole) {}
  void progress(const WorkState&) override {}
  bool stops() const override { return failed_ || (whole_ != nullptr && whole_->stops()); }
  void fail() { failed_ = true; }

private:
  const Watcher* whole_;
  std::atomic<bool> failed_ = false;
};

/// SystemC has one machine a process.
bool needs_systemc(const SweepPlan& plan) {
  const std::vector<std::string> keys = plan.sweep().keys();
  if (std::find(keys.begin(), keys.end(), "run.fidelity") != keys.end()) return true;
  const Fidelity fidelity = plan.base().fidelity;
  return fidelity == Fidelity::kCycle || fidelity == Fidelity::kLockstep;
}

/// Worker threads for so many rows. The first error ends all and is thrown here.
void run_threads(const SweepPlan& plan, std::size_t count, const std::function<void()>& look) {
  ForwardStop watcher(current_watcher());
  std::mutex mutex;
  std::exception_ptr error;
  std::atomic<std::size_t> running = count;
  const auto work = [&] {
    const WatchScope watched(&watcher);
    try {
      SweepWork(plan).points();
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      watcher.fail();
    }
    --running;
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work);
    try {
      while (running > 0) {
        std::this_thread::sleep_for(kPoll);
        look();
      }
    } catch (...) {
      watcher.fail();
      throw;
    }
  }
  if (error) std::rethrow_exception(error);
}

/// Worker processes for so many rows, until each has found nothing more to do.
void run_processes(const SweepPlan& plan, const Workers& workers, std::size_t rows, const std::function<void()>& look) {
  std::vector<ChildProcess> children;
  for (std::size_t i = 0; i < std::min(rows, static_cast<std::size_t>(workers.count)); ++i) {
    children.emplace_back(
        std::vector<std::string>{workers.simrun.string(), "sweep", "--quiet", "--worker", plan.folder().string()});
  }
  while (!children.empty()) {
    std::this_thread::sleep_for(kPoll);
    check_stopped();
    look();
    for (auto child = children.begin(); child != children.end();) {
      const std::optional<int> status = child->ended();
      if (!status) {
        ++child;
        continue;
      }
      child = children.erase(child);
      check_status(*status);
    }
  }
}

void run_workers(const SweepPlan& plan, const Workers& workers, std::size_t rows, const std::function<void()>& look) {
  if (!workers.simrun.empty()) {
    run_processes(plan, workers, rows, look);
  } else if (!needs_systemc(plan)) {
    run_threads(plan, std::min(rows, static_cast<std::size_t>(workers.count)), look);
  }
}

/// Until all rows of a stage are there: those that other processes had when the workers ended may be left by them.
void finish(const std::function<bool()>& stage, const std::function<void()>& look) {
  while (!stage()) {
    std::this_thread::sleep_for(kPoll);
    look();
  }
}

}  // namespace

int all_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  // Slurm need not bind a task to the processors that it gives it.
  if (const char* given = std::getenv("SLURM_CPUS_ON_NODE")) processors = std::min(processors, std::atoi(given));
  return std::max(1, processors);
}

void run_sweep(const SweepPlan& plan, SweepWork& work, const Workers& workers) {
  make_networks(plan.networks(), workers.make_network);
  read_inputs(plan);
  work.accuracies();
  const std::size_t already = work.points_done(), all = plan.points().size();
  if (already > 0) spdlog::info("{} of {} points are there already", already, all);
  {
    Progress progress(plan.sweep().name, all, "points", already);
    auto looked = std::chrono::steady_clock::now();
    const auto look = [&] {
      if (std::chrono::steady_clock::now() - looked < kLookRows) return;
      progress.update(work.points_done());
      looked = std::chrono::steady_clock::now();
    };
    run_workers(plan, workers, all - already, look);
    finish([&] { return work.points(); }, look);
    finish([&] { return work.accuracies(); }, look);
    progress.update(work.points_done());
  }
  if (!plan.sweep().verify) return;
  spdlog::info("the front runs again: {}", to_string(*plan.sweep().verify));
  const auto look = [] {};
  if (!workers.simrun.empty()) run_processes(plan, workers, work.front(work.rows()).size(), look);
  finish([&] { return work.verification(); }, look);
}

void run_worker(const std::filesystem::path& folder) {
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return;
  const std::unique_ptr<SweepPlan> plan = join_sweep(folder, false);
  SweepWork work(*plan);
  if (work.points()) work.verification();
}

}  // namespace shiftsim::sim
