// Floats in pages of their own, which go back to the system whole when they are done with.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace shiftsim::quantizer {

/// An array of floats, 64-byte aligned, zeroed. Movable; empty when default constructed. Not on the heap: what is freed
/// there may stay with the process.
class MappedFloats {
public:
  MappedFloats() = default;
  ~MappedFloats();
  MappedFloats(MappedFloats&& other) noexcept;
  MappedFloats& operator=(MappedFloats&& other) noexcept;

  /// In memory. Throws std::bad_alloc.
  static MappedFloats anonymous(std::size_t count);
  /// In a file of 'folder' that has no name any more: it vanishes with the array, or with the process. The system may
  /// drop its pages from memory at any time, and reads them again when they are touched. Throws UserError naming the
  /// folder where the file cannot be made or the disk is full.
  static MappedFloats in_file(const std::filesystem::path& folder, std::size_t count);

  float* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<const float> values() const { return {data_, size_}; }

private:
  MappedFloats(float* data, std::size_t size) : data_(data), size_(size) {}
  void release();

  float* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace shiftsim::quantizer
