#include "common/hash.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include <openssl/evp.h>

#include "common/error.h"

namespace shiftsim {
namespace {

class Sha256 {
public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    SHIFTSIM_CHECK(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
                   "OpenSSL without SHA-256");
  }
  void add(const void* data, std::size_t size) {
    SHIFTSIM_CHECK(EVP_DigestUpdate(context_.get(), data, size) == 1, "EVP_DigestUpdate");
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    SHIFTSIM_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1, "EVP_DigestFinal");
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::string_view data) {
  Sha256 hash;
  hash.add(data.data(), data.size());
  return hash.hex();
}

std::string sha256_file(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream || std::filesystem::is_directory(path)) {
    fail("{}: cannot be read: {}", path.string(), errno != 0 ? std::strerror(errno) : "not a file");
  }
  Sha256 hash;
  std::vector<char> buffer(1 << 16);
  while (stream) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hash.add(buffer.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (stream.bad()) fail("{}: cannot be read: {}", path.string(), std::strerror(errno));
  return hash.hex();
}

}  // namespace shiftsim
