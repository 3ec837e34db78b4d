// Names for what is kept until something that it was made from changes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace shiftsim {

/// A hash of everything that decides what is kept, in the order in which it was added. Where one part ends and the
/// next begins counts, too.
class ContentKey {
public:
  ContentKey& add(std::string_view text);
  /// The file's content, not its name. Throws UserError if it cannot be read.
  ContentKey& add_file(const std::filesystem::path& file);
  template <typename T>
  ContentKey& add_values(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    return add({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  }

  /// 64 hexadecimal digits.
  std::string text() const;

private:
  std::string hashes_;  ///< of the parts
};

}  // namespace shiftsim
