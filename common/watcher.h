// Long work that its caller watches and may stop, without a word about it in between.
#pragma once

#include <cstddef>
#include <string_view>

namespace shiftsim {

/// Thrown out of work that its watcher stopped. No std::exception: what turns errors into results must not catch it.
class Stopped {};

/// Where long work stands: 'done' of 'total' images, layers ... ('unit').
struct WorkState {
  std::string_view what, unit;
  std::size_t done = 0, total = 0;
};

/// Watches the work that a thread begins. The functions are called from any thread that does a part of it.
class Watcher {
public:
  virtual ~Watcher() = default;
  virtual void progress(const WorkState& state) = 0;
  /// Whether the work is to end as soon as it can.
  virtual bool stops() const = 0;

protected:
  Watcher() = default;
  Watcher(const Watcher&) = default;
  Watcher& operator=(const Watcher&) = default;
};

/// The watcher of what this thread does, or null.
Watcher* current_watcher();

/// While it lives, 'watcher' (null: nobody) watches this thread.
class WatchScope {
public:
  explicit WatchScope(Watcher* watcher);
  ~WatchScope();
  WatchScope(const WatchScope&) = delete;
  WatchScope& operator=(const WatchScope&) = delete;

private:
  Watcher* before_;
};

/// Whether this thread's watcher stops the work.
bool is_stopped();
/// Throws Stopped if so.
void check_stopped();

}  // namespace shiftsim
