#include "common/watcher.h"

namespace shiftsim {
namespace {

thread_local Watcher* watcher_of_thread = nullptr;

}  // namespace

Watcher* current_watcher() {
  return watcher_of_thread;
}

WatchScope::WatchScope(Watcher* watcher) : before_(watcher_of_thread) {
  watcher_of_thread = watcher;
}

WatchScope::~WatchScope() {
  watcher_of_thread = before_;
}

bool is_stopped() {
  return watcher_of_thread != nullptr && watcher_of_thread->stops();
}

void check_stopped() {
  if (is_stopped()) throw Stopped();
}

}  // namespace shiftsim
