// NumPy .npy files (format 1.0, C order), the arrays of a .qnet folder and of image sets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace shiftsim {

/// Element types that the project reads and writes.
enum class DType { kInt8, kUInt8, kInt16, kInt32, kInt64, kFloat32 };

/// NumPy's name of a type, "|i1", "<i4" and so on.
const char* npy_descr(DType type);

/// An array as it stands in a file: raw little-endian bytes in C order.
struct NpyArray {
  DType dtype{};
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> bytes;

  std::size_t size() const;  ///< number of elements
  /// The elements as T; throws InternalError if T is not of dtype's size.
  template <typename T>
  std::span<const T> as() const;
};

/// Reads PATH. Throws UserError (file, what was found, what was expected) if it is missing, is not a
/// .npy file, is truncated or longer than its header says, is in Fortran order or of another type.
NpyArray read_npy(const std::filesystem::path& path);

/// The bytes of a .npy file with this header and data (used to write it atomically).
std::string encode_npy(DType dtype, std::span<const std::size_t> shape, const void* data);

}  // namespace shiftsim
