// The memory that a run may take, shared out between its stages.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace shiftsim::quantizer {

/// Counts the bytes of anonymous memory that are spoken for. From one thread.
class MemoryBudget {
public:
  /// 'limit': bytes. 'taken': what of it is gone already.
  explicit MemoryBudget(std::size_t limit, std::size_t taken = 0);

  /// Bytes spoken for until it ends. Movable; empty when default constructed.
  class Share {
  public:
    Share() = default;
    ~Share();
    Share(Share&& other) noexcept;
    Share& operator=(Share&& other) noexcept;

    std::size_t bytes() const { return bytes_; }

  private:
    friend class MemoryBudget;
    Share(std::shared_ptr<std::size_t> taken, std::size_t bytes);

    std::shared_ptr<std::size_t> taken_;
    std::size_t bytes_ = 0;
  };

  /// For what has to be in memory, whether there is room for it or not: check_memory() looked at that.
  Share take(std::size_t bytes);
  /// For what may stand elsewhere: an empty share where there is no room for so much.
  Share take_if_left(std::size_t bytes);

  std::size_t limit() const { return limit_; }
  std::size_t taken() const { return *taken_; }

private:
  std::size_t limit_;
  std::shared_ptr<std::size_t> taken_;
};

/// What a stage has to have in memory at a time, in bytes.
struct StageMemory {
  std::string stage;
  std::size_t bytes = 0;
};

/// A run may exceed its limit by a gigabyte. So much of that may be taken by stages: small networks run at any limit.
/// The rest is for what no stage counts: small arrays, what the heap keeps.
inline constexpr std::size_t kBesideTheLimit = 500'000'000;

/// Throws UserError, which says how much it takes, where a stage and what is taken already exceed the limit by more
/// than kBesideTheLimit. 'threads': to be named, as memory grows with them.
void check_memory(const MemoryBudget& budget, const std::vector<StageMemory>& stages, int threads);

}  // namespace shiftsim::quantizer
