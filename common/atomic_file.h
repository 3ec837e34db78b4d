// Outputs appear whole or not at all: written under a temporary name, then renamed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace shiftsim {

/// Writes 'content' to PATH (temporary name, fsync, rename). Makes the parent folders. Throws UserError.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// A file that is written in parts under a temporary name and takes PATH's place on commit(). Without it the destructor
/// removes it and PATH is as it was. All throw UserError.
class AtomicFile {
public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view part);
  void commit();

private:
  /// Writes what is gathered.
  void flush();
  [[noreturn]] void give_up(int error) const;

  std::filesystem::path path_, target_, temporary_;
  int descriptor_ = -1;
  std::string gathered_;
};

/// A folder that is filled under a temporary name beside PATH and takes PATH's place on commit().
/// Without commit() the destructor removes it and PATH is as it was.
class AtomicFolder {
public:
  explicit AtomicFolder(const std::filesystem::path& path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }
  /// Replaces PATH (an older folder there is removed) by what was written. Syncs the files, so they need no
  /// write_file_atomically of their own.
  void commit();

private:
  std::filesystem::path path_, temporary_;
  bool committed_ = false;
};

}  // namespace shiftsim
