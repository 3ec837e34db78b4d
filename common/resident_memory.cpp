#include "common/resident_memory.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

namespace shiftsim {

ResidentMemory resident_memory() {
  std::ifstream file("/proc/self/statm");
  std::size_t size = 0, resident = 0, shared = 0;  // pages
  if (!(file >> size >> resident >> shared)) return {};
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return {(resident - std::min(shared, resident)) * page, shared * page};
}

struct MemoryWatch::Impl {
  static constexpr auto kInterval = std::chrono::milliseconds(5);

  std::mutex mutex;
  std::condition_variable end;
  bool ended = false;
  Peak peak;
  std::thread thread;

  void look() {
    const ResidentMemory now = resident_memory();
    peak.anonymous = std::max(peak.anonymous, now.anonymous);
    peak.total = std::max(peak.total, now.total());
  }
};

MemoryWatch::MemoryWatch() : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([impl = impl_.get()] {
    std::unique_lock lock(impl->mutex);
    do impl->look();
    while (!impl->end.wait_for(lock, Impl::kInterval, [&] { return impl->ended; }));
  });
}

MemoryWatch::~MemoryWatch() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ended = true;
  }
  impl_->end.notify_one();
  impl_->thread.join();
}

MemoryWatch::Peak MemoryWatch::take() {
  const std::lock_guard lock(impl_->mutex);
  impl_->look();
  const Peak found = impl_->peak;
  impl_->peak = {};
  impl_->look();
  return found;
}

}  // namespace shiftsim
