#include "quantizer/import/onnx_file.h"

#include <onnx/onnx_pb.h>

#include <bit>
#include <cstring>
#include <fstream>

#include "common/error.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

namespace {

// Element types of ONNX 1.16, which is newer than the header that is used here: two codes in a byte.
constexpr int kUint4 = 21, kInt4 = 22;

constexpr std::int64_t kOldestOpset = 7, kNewestOpset = 25;

std::ifstream open_binary(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) fail("{}: no such file", file.string());
  if (fs::is_directory(file, error)) fail("{}: is a folder, expected a file", file.string());
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) fail("{}: cannot be read", file.string());
  return stream;
}

std::string read_bytes(const fs::path& file) {
  std::ifstream stream = open_binary(file);
  std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (stream.bad()) fail("{}: cannot be read", file.string());
  return bytes;
}

/// The bytes of a tensor kept outside the model file.
std::string external_bytes(const onnx::TensorProto& tensor, const fs::path& model_file) {
  fs::path location;
  std::uint64_t offset = 0, length = 0;
  bool has_length = false;
  for (const auto& entry : tensor.external_data()) {
    try {
      if (entry.key() == "location") location = entry.value();
      if (entry.key() == "offset") offset = std::stoull(entry.value());
      if (entry.key() == "length") {
        length = std::stoull(entry.value());
        has_length = true;
      }
    } catch (const std::exception&) {
      fail("{}: tensor '{}': external data with {} '{}', expected a number", model_file.string(), tensor.name(),
           entry.key(), entry.value());
    }
  }
  // A model must not read files elsewhere on the user's machine.
  const bool inside = !location.empty() && location.is_relative() && *location.lexically_normal().begin() != "..";
  if (!inside)
    fail("{}: tensor '{}': external data in '{}', expected a file beside the model", model_file.string(), tensor.name(),
         location.string());
  const fs::path file = model_file.parent_path() / location;
  std::ifstream stream = open_binary(file);
  const std::uint64_t size = fs::file_size(file);
  if (offset > size || (has_length && length > size - offset))
    fail("{}: has {} bytes, tensor '{}' of {} needs {} at {}", file.string(), size, tensor.name(), model_file.string(),
         length, offset);
  // Only the tensor's own part: one file holds all of a model's tensors.
  std::string bytes(has_length ? length : size - offset, '\0');
  stream.seekg(static_cast<std::streamoff>(offset));
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!stream) fail("{}: cannot be read", file.string());
  return bytes;
}

/// The bytes that hold two codes of 4 bits each, from the raw data or (null) the typed field.
std::vector<int> four_bit_pairs(const onnx::TensorProto& tensor, const std::string* raw) {
  if (raw == nullptr) return {tensor.int32_data().begin(), tensor.int32_data().end()};
  std::vector<int> bytes;
  for (const char byte : *raw) bytes.push_back(static_cast<unsigned char>(byte));
  return bytes;
}

int four_bits(int pair, bool upper, bool is_signed) {
  const int code = (pair >> (upper ? 4 : 0)) & 15;
  return is_signed && code >= 8 ? code - 16 : code;
}

/// The raw little-endian elements, each handed to 'use' as a Stored.
template <typename Stored, typename Use>
void each_raw(const std::string& raw, std::size_t count, Use use) {
  for (std::size_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, raw.data() + i * sizeof(Stored), sizeof(Stored));
    use(value);
  }
}

}  // namespace

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16, exponent = (bits >> 10) & 31u, mantissa = bits & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

std::unique_ptr<onnx::ModelProto> load_onnx(const fs::path& file) {
  const std::string bytes = read_bytes(file);
  auto model = std::make_unique<onnx::ModelProto>();
  google::protobuf::LogSilencer silence;  // the parser's complaint goes into our message
  if (bytes.empty() || !model->ParseFromString(bytes))
    fail("{}: not an ONNX model, or truncated ({} bytes do not parse)", file.string(), bytes.size());
  if (!model->has_graph() || model->graph().node_size() == 0)
    fail("{}: not an ONNX model (no graph in it)", file.string());
  std::int64_t opset = -1;
  for (const auto& set : model->opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") opset = set.version();
  if (opset < kOldestOpset || opset > kNewestOpset)
    fail("{}: opset {}, expected {} to {}: export the model with one of these", file.string(), opset, kOldestOpset,
         kNewestOpset);
  return model;
}

Constant read_tensor(const onnx::TensorProto& tensor, const fs::path& model_file) {
  using Proto = onnx::TensorProto;
  Constant result;
  std::size_t count = 1;
  for (const std::int64_t dim : tensor.dims()) {
    if (dim < 0 || (dim > 0 && count > (std::size_t{1} << 40) / static_cast<std::size_t>(dim)))
      fail("{}: tensor '{}' has a dimension of {}", model_file.string(), tensor.name(), dim);
    count *= static_cast<std::size_t>(dim);
    result.dims.push_back(dim);
  }

  std::string external;
  const bool is_external = tensor.data_location() == Proto::EXTERNAL;
  if (is_external) external = external_bytes(tensor, model_file);
  const std::string& raw = is_external ? external : tensor.raw_data();
  const bool use_raw = is_external || tensor.has_raw_data();
  const auto check_size = [&](std::size_t found, std::size_t expected, const char* unit) {
    if (found != expected)
      fail("{}: tensor '{}' holds {} {}, its dimensions say {}", model_file.string(), tensor.name(), found, unit,
           expected);
  };
  const auto as_float = [&](auto value) { result.floats.push_back(static_cast<float>(value)); };
  const auto as_int = [&](auto value) { result.ints.push_back(static_cast<std::int64_t>(value)); };
  const auto as_half = [&](auto value) { result.floats.push_back(half_to_float(static_cast<std::uint16_t>(value))); };
  const auto as_bfloat = [&](auto value) {
    result.floats.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16));
  };
  // From the raw bytes as 'Stored', or from the typed field, which protobuf widens.
  const auto read = [&]<typename Stored>(Stored, const auto& field, const auto& use) {
    if (use_raw) {
      check_size(raw.size(), count * sizeof(Stored), "bytes");
      each_raw<Stored>(raw, count, use);
    } else {
      check_size(static_cast<std::size_t>(field.size()), count, "elements");
      for (const auto value : field) use(value);
    }
  };

  switch (tensor.data_type()) {
    case kUint4:
    case kInt4: {
      const auto bytes = four_bit_pairs(tensor, use_raw ? &raw : nullptr);
      check_size(bytes.size(), (count + 1) / 2, "bytes");
      for (std::size_t i = 0; i < count; ++i) as_int(four_bits(bytes[i / 2], i % 2 == 1, tensor.data_type() == kInt4));
      break;
    }
    case Proto::FLOAT:
      read(float{}, tensor.float_data(), as_float);
      break;
    case Proto::DOUBLE:
      read(double{}, tensor.double_data(), as_float);
      break;
    case Proto::FLOAT16:
      read(std::uint16_t{}, tensor.int32_data(), as_half);
      break;
    case Proto::BFLOAT16:
      read(std::uint16_t{}, tensor.int32_data(), as_bfloat);
      break;
    case Proto::INT64:
      read(std::int64_t{}, tensor.int64_data(), as_int);
      break;
    case Proto::INT32:
      read(std::int32_t{}, tensor.int32_data(), as_int);
      break;
    case Proto::INT16:
      read(std::int16_t{}, tensor.int32_data(), as_int);
      break;
    case Proto::INT8:
      read(std::int8_t{}, tensor.int32_data(), as_int);
      break;
    case Proto::UINT8:
    case Proto::BOOL:
      read(std::uint8_t{}, tensor.int32_data(), as_int);
      break;
    default:
      fail("{}: tensor '{}' has the element type {}, expected a float or integer type", model_file.string(),
           tensor.name(), Proto::DataType_Name(static_cast<Proto::DataType>(tensor.data_type())));
  }
  const int type = tensor.data_type();
  result.is_float = type == Proto::FLOAT || type == Proto::DOUBLE || type == Proto::FLOAT16 || type == Proto::BFLOAT16;
  return result;
}

}  // namespace shiftsim::quantizer
