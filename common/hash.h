// Content hashes: checksums of .qnet arrays and names of cached results.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace shiftsim {

/// SHA-256 in lower-case hexadecimal (OpenSSL).
std::string sha256(std::string_view data);
/// The same of a file's content. Throws UserError if it cannot be read.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace shiftsim
