// How much memory this process takes, now and at its peak.
#pragma once

#include <cstddef>
#include <memory>

namespace shiftsim {

/// Bytes in memory. Pages of mapped files count as 'mapped': the system can drop them.
struct ResidentMemory {
  std::size_t anonymous = 0, mapped = 0;

  std::size_t total() const { return anonymous + mapped; }
};

/// Of this process, as the system counts it (/proc/self/statm). 0 where there is no such count.
ResidentMemory resident_memory();

/// Watches this process from a thread of its own, every few milliseconds. A peak between two looks is missed.
class MemoryWatch {
public:
  MemoryWatch();
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  /// The peaks of anonymous and of all memory, in bytes.
  struct Peak {
    std::size_t anonymous = 0, total = 0;
  };
  /// Since the watch was made or since the last call of take().
  Peak take();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shiftsim
