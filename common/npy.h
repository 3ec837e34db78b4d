// NumPy .npy files (format 1.0, C order), the arrays of a .qnet folder and of image sets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"

namespace shiftsim {

/// Element types that the project reads and writes.
enum class DType { kInt8, kUInt8, kInt16, kInt32, kInt64, kFloat32 };

/// NumPy's name of a type, "|i1", "<i4" and so on.
const char* npy_descr(DType type);
/// Bytes of one element.
std::size_t item_size(DType type);

/// An array as it stands in a file: raw little-endian bytes in C order.
struct NpyArray {
  DType dtype{};
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> bytes;

  std::size_t size() const;  ///< number of elements
  /// The elements as T; throws InternalError if T is not of dtype's size.
  template <typename T>
  std::span<const T> as() const {
    SHIFTSIM_CHECK(sizeof(T) == item_size(dtype), "{} read as elements of {} bytes", npy_descr(dtype), sizeof(T));
    return {reinterpret_cast<const T*>(bytes.data()), size()};
  }
};

/// A shape as NumPy prints it: "(10000, 28, 28)", "(10,)".
std::string shape_string(std::span<const std::size_t> shape);

/// Reads PATH. Throws UserError (file, what was found, what was expected) if it is missing, is not a
/// .npy file, is truncated or longer than its header says, is in Fortran order or of another type.
NpyArray read_npy(const std::filesystem::path& path);

/// The same from a file's bytes; 'name' is only for messages.
NpyArray decode_npy(std::string_view content, const std::string& name);

/// The bytes of a .npy file with this header and data (used to write it atomically).
std::string encode_npy(DType dtype, std::span<const std::size_t> shape, const void* data);

}  // namespace shiftsim
