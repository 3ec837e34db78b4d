// Rows to compute, in blocks, shared by any number of processes and machines that see one folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sim/sweep/block_file.h"

namespace shiftsim::sim {

/// Which process computes a block is left to chance; what stands in it is not.
class SharedWork {
public:
  /// Blocks of 'block_size' rows (the last one of what is left), files of 'folder', which is made if need be. 'is_row':
  /// whether a line is that row, whole.
  SharedWork(std::filesystem::path folder, std::size_t rows, std::size_t block_size,
             std::function<bool(const std::string& line, std::size_t row)> is_row);

  /// Computes what nobody has computed or is computing. Whether all rows are there then; else other processes have the
  /// rest.
  bool work_off(const std::function<std::string(std::size_t row)>& compute);
  /// Rows that are there, whoever computed them.
  std::size_t rows_done();
  /// Blocks that processes work on now.
  std::size_t blocks_taken() const;
  std::size_t size() const { return rows_; }

  /// Calls 'use' for every row that is there, in order.
  void read(const std::function<void(std::size_t row, const std::string& line)>& use) const;

private:
  std::filesystem::path file(std::size_t block) const;
  std::size_t blocks() const { return (rows_ + block_size_ - 1) / block_size_; }
  std::size_t size_of(std::size_t block) const;
  BlockFile::IsRow check_of(std::size_t block) const;

  std::filesystem::path folder_;
  std::size_t rows_, block_size_;
  std::function<bool(const std::string&, std::size_t)> is_row_;
  std::vector<bool> done_;  ///< by block, as far as is known
};

}  // namespace shiftsim::sim
