#include "common/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/error.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kGathered = 1 << 16;  ///< bytes that one write takes at least

/// PATH absolute, without "." and without a trailing slash, so that it has a parent and a name.
fs::path normalized(const fs::path& path) {
  if (path.empty()) fail("cannot write to an empty path");
  fs::path full = fs::absolute(path).lexically_normal();
  if (!full.has_filename()) full = full.parent_path();
  return full;
}

/// A hidden name beside PATH that no other process or thread uses.
fs::path temporary_beside(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
  return path.parent_path() / fmt::format(".{}.tmp-{}-{}", path.filename().string(), getpid(), counter++);
}

void make_folders(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) fail("{}: cannot make the folder: {}", folder.string(), code.message());
}

/// A rename survives a power cut only when its folder is synchronized as well. Some file systems cannot; harmless.
void sync_folder(const fs::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : path_(path), target_(normalized(path)) {
  if (fs::is_directory(target_)) fail("{}: cannot write the file: a folder is there", path.string());
  make_folders(target_.parent_path());
  temporary_ = temporary_beside(target_);
  descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) give_up(errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

void AtomicFile::give_up(int error) const {
  fail("{}: cannot be written: {}", path_.string(), std::strerror(error));
}

void AtomicFile::write(std::string_view part) {
  gathered_ += part;
  if (gathered_.size() >= kGathered) flush();
}

void AtomicFile::flush() {
  for (std::size_t done = 0; done < gathered_.size();) {
    const ssize_t written = ::write(descriptor_, gathered_.data() + done, gathered_.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) give_up(errno);
    done += static_cast<std::size_t>(written);
  }
  gathered_.clear();
}

void AtomicFile::commit() {
  flush();
  if (fsync(descriptor_) != 0 && errno != EINVAL) give_up(errno);  // EINVAL: a file system without fsync
  const int descriptor = std::exchange(descriptor_, -1);
  const bool whole = close(descriptor) == 0 && std::rename(temporary_.c_str(), target_.c_str()) == 0;
  if (!whole) {
    const int error = errno;
    unlink(temporary_.c_str());
    give_up(error);
  }
  sync_folder(target_.parent_path());
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

namespace {

/// Everything in a folder onto the disk, so that the rename cannot survive a power cut that its content does not.
void sync_tree(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const int descriptor = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && (fsync(descriptor) == 0 || errno == EINVAL);
    const int error = errno;
    if (descriptor >= 0) close(descriptor);
    if (!synced) fail("{}: cannot be written: {}", entry.path().string(), std::strerror(error));
  }
  sync_folder(folder);
}

}  // namespace

AtomicFolder::AtomicFolder(const fs::path& path) : path_(normalized(path)), temporary_(temporary_beside(path_)) {
  if (fs::exists(path_) && !fs::is_directory(path_)) {
    fail("{}: cannot write the folder: a file is there", path_.string());
  }
  make_folders(path_.parent_path());
  std::error_code code;
  if (!fs::create_directory(temporary_, code)) {
    fail("{}: cannot write the folder: {}", path_.string(), code ? code.message() : "its temporary name is taken");
  }
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  SHIFTSIM_CHECK(!committed_, "{} committed twice", path_.string());
  sync_tree(temporary_);
  if (fs::exists(path_)) {
    // Exchange the two in one step where the file system can; else there is an instant without PATH.
    if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0) {
      committed_ = true;
      std::error_code ignored;
      fs::remove_all(temporary_, ignored);
      sync_folder(path_.parent_path());
      return;
    }
    const fs::path old = temporary_beside(path_);
    if (std::rename(path_.c_str(), old.c_str()) != 0) {
      fail("{}: cannot replace the folder: {}", path_.string(), std::strerror(errno));
    }
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
      const int error = errno;
      std::rename(old.c_str(), path_.c_str());
      fail("{}: cannot write the folder: {}", path_.string(), std::strerror(error));
    }
    committed_ = true;
    std::error_code ignored;
    fs::remove_all(old, ignored);
  } else {
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
      fail("{}: cannot write the folder: {}", path_.string(), std::strerror(errno));
    }
    committed_ = true;
  }
  sync_folder(path_.parent_path());
}

}  // namespace shiftsim
