#include "quantizer/float/activation_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "common/error.h"
#include "common/log.h"

namespace shiftsim::quantizer {

namespace {

void* map_memory(std::size_t bytes, int flags, int file) {
  void* place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  if (place == MAP_FAILED) throw std::bad_alloc();
  return place;
}

/// Memory in large pages where the system has them: with small ones, first touching the gigabytes of a large network's
/// activations takes a third of the time that calibration does.
void* map_anonymous(std::size_t bytes) {
  void* place = map_memory(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  madvise(place, bytes, MADV_HUGEPAGE);  // no more than advice: what it returns does not matter
  return place;
}

void* map_file(const std::filesystem::path& folder, std::size_t bytes) {
  std::string name = (folder / "shiftsim-activations-XXXXXX").string();
  const int file = mkstemp(name.data());
  if (file < 0) fail("{}: cannot make a file for calibration activations: {}", folder.string(), std::strerror(errno));
  unlink(name.c_str());
  // Reserved now, so that a full disk is an error here and not a signal later.
  const int status = posix_fallocate(file, 0, static_cast<off_t>(bytes));
  if (status != 0) {
    close(file);
    fail("{}: no room for {:.1f} GB of calibration activations: {}", folder.string(), static_cast<double>(bytes) / 1e9,
         std::strerror(status));
  }
  void* place = map_memory(bytes, MAP_SHARED, file);
  close(file);
  return place;
}

}  // namespace

ActivationMemory::ActivationMemory(std::size_t limit, std::filesystem::path folder)
    : limit_(limit), folder_(std::move(folder)) {}

ActivationMemory::Block ActivationMemory::allocate(std::size_t count) {
  Block block;
  if (count == 0) return block;
  const std::size_t bytes = count * sizeof(float);
  block.spilled_ = *in_memory_ + bytes > limit_;
  void* place = block.spilled_ ? map_file(folder_, bytes) : map_anonymous(bytes);
  block.data_ = static_cast<float*>(place);
  block.size_ = count;
  if (block.spilled_)
    spdlog::debug("{:.2f} GB of activations in {}", static_cast<double>(bytes) / 1e9, folder_.string());
  else
    *in_memory_ += bytes;
  block.in_memory_ = in_memory_;
  return block;
}

void ActivationMemory::Block::release() {
  if (data_ == nullptr) return;
  munmap(data_, size_ * sizeof(float));
  if (!spilled_) *in_memory_ -= size_ * sizeof(float);
  data_ = nullptr;
  size_ = 0;
}

ActivationMemory::Block::~Block() {
  release();
}

ActivationMemory::Block::Block(Block&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      spilled_(other.spilled_),
      in_memory_(std::move(other.in_memory_)) {}

ActivationMemory::Block& ActivationMemory::Block::operator=(Block&& other) noexcept {
  if (this == &other) return *this;
  release();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  spilled_ = other.spilled_;
  in_memory_ = std::move(other.in_memory_);
  return *this;
}

}  // namespace shiftsim::quantizer
