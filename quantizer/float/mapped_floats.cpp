#include "quantizer/float/mapped_floats.h"

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

namespace shiftsim::quantizer {

namespace {

float* map_memory(std::size_t bytes, int flags, int file) {
  void* place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  if (place == MAP_FAILED) throw std::bad_alloc();
  return static_cast<float*>(place);
}

}  // namespace

MappedFloats MappedFloats::anonymous(std::size_t count) {
  if (count == 0) return {};
  const std::size_t bytes = count * sizeof(float);
  float* place = map_memory(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  // Large pages where the system has them: with small ones, first touching the gigabytes of a large network's
  // activations takes a third of the time that calibration does. No more than advice: what it returns does not matter.
  madvise(place, bytes, MADV_HUGEPAGE);
  return {place, count};
}

MappedFloats MappedFloats::in_file(const std::filesystem::path& folder, std::size_t count) {
  if (count == 0) return {};
  const std::size_t bytes = count * sizeof(float);
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
  float* place = map_memory(bytes, MAP_SHARED, file);
  close(file);
  return {place, count};
}

void MappedFloats::release() {
  if (data_ != nullptr) munmap(data_, size_ * sizeof(float));
  data_ = nullptr;
  size_ = 0;
}

MappedFloats::~MappedFloats() {
  release();
}

MappedFloats::MappedFloats(MappedFloats&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFloats& MappedFloats::operator=(MappedFloats&& other) noexcept {
  if (this == &other) return *this;
  release();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

}  // namespace shiftsim::quantizer
