// Rows that several processes write without getting in each other's way.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shiftsim::sim {

/// A file of lines, of which one process at a time appends to. Whoever has it open here holds a lock on it, which the
/// system releases when the process ends, however it ends. So what a killed process began is taken up by another, and
/// no line is computed twice.
class BlockFile {
public:
  /// Whether a line is whole and stands where it belongs.
  using IsRow = std::function<bool(const std::string& line, std::size_t place)>;

  /// Takes the file, which is made if need be; none where another process has it. What stands behind the last whole row
  /// is cut off. Throws UserError where the file system gives no locks or cannot be written.
  static std::optional<BlockFile> take(const std::filesystem::path& file, const IsRow& is_row);
  /// The whole rows of a file, whoever has it; none where there is no such file.
  static std::vector<std::string> read(const std::filesystem::path& file, const IsRow& is_row);
  /// Whether a process has the file now.
  static bool is_taken(const std::filesystem::path& file);

  ~BlockFile();
  BlockFile(BlockFile&& other) noexcept;
  BlockFile& operator=(BlockFile&&) = delete;

  std::size_t rows() const { return rows_; }
  /// Throws UserError, and leaves the rows before, where the line cannot be written (a full disk).
  void append(const std::string& row);
  /// Releases the file. Throws UserError where the system only now says that it could not be written.
  void close();

private:
  BlockFile(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}

  std::filesystem::path file_;
  int descriptor_ = -1;
  std::size_t rows_ = 0, bytes_ = 0;
};

}  // namespace shiftsim::sim
