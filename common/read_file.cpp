#include "common/read_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "common/error.h"

namespace shiftsim {

std::string read_file(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) fail("{}: found a folder, expected a file", path.string());
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail("{}: cannot be read: {}", path.string(), std::strerror(errno));
  std::string content((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (stream.bad()) fail("{}: cannot be read: {}", path.string(), std::strerror(errno));
  return content;
}

}  // namespace shiftsim
