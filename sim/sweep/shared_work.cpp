#include "sim/sweep/shared_work.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/watcher.h"

namespace shiftsim::sim {

namespace fs = std::filesystem;

SharedWork::SharedWork(fs::path folder, std::size_t rows, std::size_t block_size,
                       std::function<bool(const std::string&, std::size_t)> is_row)
    : folder_(std::move(folder)), rows_(rows), block_size_(block_size), is_row_(std::move(is_row)), done_(blocks()) {
  fs::create_directories(folder_);
}

fs::path SharedWork::file(std::size_t block) const {
  return folder_ / fmt::format("{:07}.jsonl", block);
}

std::size_t SharedWork::size_of(std::size_t block) const {
  return std::min(block_size_, rows_ - block * block_size_);
}

BlockFile::IsRow SharedWork::check_of(std::size_t block) const {
  return [this, first = block * block_size_](const std::string& line, std::size_t place) {
    return place < block_size_ && is_row_(line, first + place);
  };
}

bool SharedWork::work_off(const std::function<std::string(std::size_t row)>& compute) {
  bool all = true;
  for (std::size_t block = 0; block < done_.size(); ++block) {
    if (done_[block]) continue;
    std::optional<BlockFile> taken = BlockFile::take(file(block), check_of(block));
    if (!taken) {
      all = false;
      continue;
    }
    for (std::size_t place = taken->rows(); place < size_of(block); ++place) {
      check_stopped();
      taken->append(compute(block * block_size_ + place));
    }
    taken->close();
    done_[block] = true;
  }
  return all;
}

std::size_t SharedWork::rows_done() {
  std::size_t rows = 0;
  for (std::size_t block = 0; block < done_.size(); ++block) {
    const std::size_t found = done_[block] ? size_of(block) : BlockFile::read(file(block), check_of(block)).size();
    done_[block] = found == size_of(block);
    rows += found;
  }
  return rows;
}

std::size_t SharedWork::blocks_taken() const {
  std::size_t taken = 0;
  for (std::size_t block = 0; block < done_.size(); ++block) taken += BlockFile::is_taken(file(block)) ? 1 : 0;
  return taken;
}

void SharedWork::read(const std::function<void(std::size_t row, const std::string& line)>& use) const {
  for (std::size_t block = 0; block < done_.size(); ++block) {
    std::size_t row = block * block_size_;
    for (const std::string& line : BlockFile::read(file(block), check_of(block))) use(row++, line);
  }
}

}  // namespace shiftsim::sim
