// Activations of all calibration images: in memory, or past a limit in files that the system pages in and out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace shiftsim::quantizer {

/// Gives out blocks of floats. Up to 'limit' bytes at a time stand in memory; what is asked for beyond that stands in
/// a file of 'folder' that has no name any more, mapped into memory: it vanishes with the block, or with the process.
class ActivationMemory {
public:
  ActivationMemory(std::size_t limit, std::filesystem::path folder);

  /// A block of floats, 64-byte aligned, zeroed. Movable; empty when default constructed.
  class Block {
  public:
    Block() = default;
    ~Block();
    Block(Block&& other) noexcept;
    Block& operator=(Block&& other) noexcept;

    float* data() const { return data_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    bool spilled() const { return spilled_; }
    std::span<const float> values() const { return {data_, size_}; }

  private:
    friend class ActivationMemory;
    void release();

    float* data_ = nullptr;
    std::size_t size_ = 0;
    bool spilled_ = false;
    std::shared_ptr<std::size_t> in_memory_;
  };

  /// Throws UserError naming the folder where the file cannot be made or the disk is full.
  Block allocate(std::size_t count);

  std::size_t in_memory() const { return *in_memory_; }  ///< bytes

private:
  std::size_t limit_;
  std::filesystem::path folder_;
  std::shared_ptr<std::size_t> in_memory_ = std::make_shared<std::size_t>(0);
};

}  // namespace shiftsim::quantizer
