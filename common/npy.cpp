#include "common/npy.h"

#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <optional>

#include "common/read_file.h"
#include "common/text.h"

namespace shiftsim {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written as they stand in memory");

struct TypeName {
  DType type;
  const char* descr;
  std::size_t size;
};
constexpr std::array<TypeName, 6> kTypes{{{DType::kInt8, "|i1", 1},
                                          {DType::kUInt8, "|u1", 1},
                                          {DType::kInt16, "<i2", 2},
                                          {DType::kInt32, "<i4", 4},
                                          {DType::kInt64, "<i8", 8},
                                          {DType::kFloat32, "<f4", 4}}};

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kPreamble = 10;   // magic, version, length of the header
constexpr std::size_t kAlignment = 64;  // of the data, as NumPy writes it

/// Reads the header's Python dictionary: {'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }
class HeaderParser {
public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  void parse(NpyArray& array) {
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        array.dtype = dtype(quoted());
        has_descr_ = true;
      } else if (key == "fortran_order") {
        if (word() != "False") fail("{}: found an array in Fortran order, expected C order", name_);
        has_order_ = true;
      } else if (key == "shape") {
        array.shape = shape();
        has_shape_ = true;
      } else {
        malformed(fmt::format("unknown key '{}'", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) malformed("text after the dictionary");
    if (!has_descr_ || !has_order_ || !has_shape_) malformed("descr, fortran_order or shape is missing");
  }

private:
  [[noreturn]] void malformed(const std::string& what) const { fail("{}: malformed .npy header: {}", name_, what); }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) malformed(fmt::format("expected '{}' at character {}", c, at_));
  }
  std::string quoted() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) {
      malformed(fmt::format("expected a string at character {}", at_));
    }
    const char quote = text_[at_++];
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) malformed("a string does not end");
    std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }
  std::string word() {
    skip_space();
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= 'A' && text_[at_] <= 'z') ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  std::vector<std::size_t> shape() {
    std::vector<std::size_t> result;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::size_t value = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (error != std::errc()) malformed(fmt::format("expected a dimension at character {}", at_));
      at_ = static_cast<std::size_t>(end - text_.data());
      result.push_back(value);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return result;
  }
  DType dtype(const std::string& descr) const {
    for (const TypeName& known : kTypes) {
      if (descr == known.descr) return known.type;
    }
    fail("{}: found element type '{}', expected one of |i1 |u1 <i2 <i4 <i8 <f4", name_, descr);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  bool has_descr_ = false, has_order_ = false, has_shape_ = false;
};

/// Bytes of an array, or nothing where that is more than 64 bits can count.
std::optional<std::size_t> byte_count(DType type, std::span<const std::size_t> shape) {
  std::size_t count = item_size(type);
  for (const std::size_t extent : shape) {
    if (extent != 0 && count > std::numeric_limits<std::size_t>::max() / extent) return std::nullopt;
    count *= extent;
  }
  return count;
}

const TypeName& find_type(DType type) {
  for (const TypeName& known : kTypes) {
    if (known.type == type) return known;
  }
  throw InternalError("unknown DType");
}

}  // namespace

const char* npy_descr(DType type) {
  return find_type(type).descr;
}

std::size_t item_size(DType type) {
  return find_type(type).size;
}

std::size_t NpyArray::size() const {
  return bytes.size() / item_size(dtype);
}

std::string shape_string(std::span<const std::size_t> shape) {
  if (shape.size() == 1) return fmt::format("({},)", shape[0]);
  return fmt::format("({})", join(shape));
}

NpyArray decode_npy(std::string_view content, const std::string& name) {
  if (content.size() < kPreamble || content.substr(0, kMagic.size()) != kMagic) fail("{}: not a .npy file", name);
  const int major = static_cast<unsigned char>(content[6]), minor = static_cast<unsigned char>(content[7]);
  if (major != 1 || minor != 0) fail("{}: found .npy format {}.{}, expected 1.0", name, major, minor);
  const std::size_t header =
      static_cast<unsigned char>(content[8]) + 256U * static_cast<std::size_t>(static_cast<unsigned char>(content[9]));
  if (content.size() < kPreamble + header) fail("{}: truncated within its header", name);

  NpyArray array;
  HeaderParser(content.substr(kPreamble, header), name).parse(array);
  const std::string_view data = content.substr(kPreamble + header);
  const auto expected = byte_count(array.dtype, array.shape);
  if (!expected || data.size() != *expected) {
    fail("{}: found {} bytes of data, expected {} for shape {} of {}", name, data.size(),
         expected ? std::to_string(*expected) : "far more", shape_string(array.shape), npy_descr(array.dtype));
  }
  array.bytes.assign(data.begin(), data.end());
  return array;
}

NpyArray read_npy(const std::filesystem::path& path) {
  return decode_npy(read_file(path), path.string());
}

std::string encode_npy(DType dtype, std::span<const std::size_t> shape, const void* data) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", npy_descr(dtype), shape_string(shape));
  const std::size_t used = kPreamble + header.size() + 1;
  header.append((kAlignment - used % kAlignment) % kAlignment, ' ');
  header += '\n';
  SHIFTSIM_CHECK(header.size() <= 0xffff, ".npy header of {} bytes", header.size());
  const auto bytes = byte_count(dtype, shape);
  SHIFTSIM_CHECK(bytes.has_value(), "array too large");

  std::string content(kMagic);
  content += '\x01';
  content += '\x00';
  content += static_cast<char>(header.size() & 0xff);
  content += static_cast<char>(header.size() >> 8);
  content += header;
  if (*bytes > 0) content.append(static_cast<const char*>(data), *bytes);
  return content;
}

}  // namespace shiftsim
