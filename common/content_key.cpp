#include "common/content_key.h"

#include "common/hash.h"

namespace shiftsim {

ContentKey& ContentKey::add(std::string_view text) {
  hashes_ += sha256(text);
  return *this;
}

ContentKey& ContentKey::add_file(const std::filesystem::path& file) {
  hashes_ += sha256_file(file);
  return *this;
}

std::string ContentKey::text() const {
  return sha256(hashes_);
}

}  // namespace shiftsim
