#include "sim/sweep/block_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/error.h"
#include "common/read_file.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void cannot_write(const fs::path& file, int error) {
  fail("{}: cannot be written: {}", file.string(), std::strerror(error));
}

/// The lines of a text up to the first that is no row.
std::vector<std::string> rows_of(const std::string& text, const BlockFile::IsRow& is_row) {
  std::vector<std::string> rows;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    std::string line = text.substr(begin, end - begin);
    if (!is_row(line, rows.size())) break;
    rows.push_back(std::move(line));
    begin = end + 1;
  }
  return rows;
}

}  // namespace

std::optional<BlockFile> BlockFile::take(const fs::path& file, const IsRow& is_row) {
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) cannot_write(file, errno);
  BlockFile block(file, descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    fail("{}: cannot be locked: {}; a sweep needs a file system with locks", file.string(), std::strerror(errno));
  }
  for (const std::string& row : rows_of(read_file(file), is_row)) {
    ++block.rows_;
    block.bytes_ += row.size() + 1;
  }
  if (ftruncate(descriptor, static_cast<off_t>(block.bytes_)) != 0) cannot_write(file, errno);
  return block;
}

std::vector<std::string> BlockFile::read(const fs::path& file, const IsRow& is_row) {
  std::error_code none;
  if (!fs::is_regular_file(file, none)) return {};
  return rows_of(read_file(file), is_row);
}

bool BlockFile::is_taken(const fs::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool taken = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return taken;
}

BlockFile::BlockFile(BlockFile&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(other.descriptor_), rows_(other.rows_), bytes_(other.bytes_) {
  other.descriptor_ = -1;
}

BlockFile::~BlockFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void BlockFile::append(const std::string& row) {
  const std::string line = row + "\n";
  std::size_t written = 0;
  while (written < line.size()) {
    const ssize_t count =
        pwrite(descriptor_, line.data() + written, line.size() - written, static_cast<off_t>(bytes_ + written));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) cannot_write(file_, errno);
    written += static_cast<std::size_t>(count);
  }
  bytes_ += line.size();
  ++rows_;
}

void BlockFile::close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0 && errno != EINTR) cannot_write(file_, errno);
}

}  // namespace shiftsim::sim
