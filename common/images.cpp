#include "common/images.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include <zlib.h>

#include "common/error.h"
#include "common/image_file.h"
#include "common/npy.h"
#include "common/read_file.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;

/// An IDX file's array of bytes (http://yann.lecun.com/exdb/mnist): 0 0 8 rank, big-endian extents, data.
struct IdxArray {
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> bytes;
};

/// A file read through zlib, which passes files that are not gzipped as they are.
class GzReader {
public:
  explicit GzReader(const fs::path& path) : name_(path.string()), file_(gzopen(path.c_str(), "rb"), gzclose) {
    if (!file_) fail("{}: cannot be read: {}", name_, std::strerror(errno));
  }

  /// Up to 'count' bytes; fewer only at the end of the file.
  std::size_t read(std::uint8_t* out, std::size_t count) {
    std::size_t done = 0;
    while (done < count) {
      const auto part = static_cast<unsigned>(std::min<std::size_t>(count - done, 1U << 20));
      const int got = gzread(file_.get(), out + done, part);
      int code = Z_OK;
      const char* message = gzerror(file_.get(), &code);
      if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
        fail("{}: damaged or truncated: {}", name_, code == Z_BUF_ERROR ? "unexpected end of file" : message);
      }
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

private:
  std::string name_;
  std::unique_ptr<std::remove_pointer_t<gzFile>, decltype(&gzclose)> file_;
};

IdxArray read_idx(const fs::path& path, std::size_t limit, std::size_t& total) {
  const std::string name = path.string();
  GzReader reader(path);
  std::array<std::uint8_t, 4> magic{};
  if (reader.read(magic.data(), 4) != 4 || magic[0] != 0 || magic[1] != 0) {
    fail("{}: found neither an IDX file nor one named *.npy, nor a folder", name);
  }
  if (magic[2] != 8) fail("{}: found IDX element type 0x{:02x}, expected 0x08 (unsigned bytes)", name, magic[2]);

  IdxArray array;
  for (int i = 0; i < magic[3]; ++i) {
    std::array<std::uint8_t, 4> raw{};
    if (reader.read(raw.data(), 4) != 4) fail("{}: truncated within its header", name);
    array.shape.push_back(std::size_t{raw[0]} << 24 | std::size_t{raw[1]} << 16 | std::size_t{raw[2]} << 8 | raw[3]);
  }
  if (array.shape.empty()) fail("{}: found an IDX file without dimensions", name);
  total = array.shape[0];
  if (limit > 0) array.shape[0] = std::min(total, limit);
  std::size_t bytes = 1;
  for (const std::size_t extent : array.shape) {
    if (extent != 0 && bytes > std::numeric_limits<std::uint32_t>::max() / extent) {
      fail("{}: found an array of shape {}, more than 4 GiB", name, shape_string(array.shape));
    }
    bytes *= extent;
  }
  // In steps, so that a damaged header cannot ask for memory that the file does not fill.
  constexpr std::size_t kStep = 1U << 22;
  while (array.bytes.size() < bytes) {
    const std::size_t before = array.bytes.size(), want = std::min(kStep, bytes - before);
    array.bytes.resize(before + want);
    const std::size_t got = reader.read(array.bytes.data() + before, want);
    if (got != want) {
      fail("{}: truncated: found {} bytes of data, expected {} for shape {}", name, before + got, bytes,
           shape_string(array.shape));
    }
  }
  std::uint8_t extra = 0;
  if (array.shape[0] == total && reader.read(&extra, 1) != 0) {
    fail("{}: found data beyond what its header says, shape {}", name, shape_string(array.shape));
  }
  return array;
}

/// N x H x W or N x H x W x C.
void set_shape(ImageSet& set, const std::vector<std::size_t>& shape, const std::string& name) {
  if (shape.size() != 3 && shape.size() != 4) {
    fail("{}: found shape {}, expected images as N x H x W or N x H x W x C", name, shape_string(shape));
  }
  set.count = shape[0];
  set.height = shape[1];
  set.width = shape[2];
  set.channels = shape.size() == 4 ? shape[3] : 1;
  if (set.count == 0 || set.image_size() == 0) fail("{}: found no images: shape {}", name, shape_string(shape));
}

std::vector<int> labels_of_npy(const NpyArray& array, const std::string& name) {
  if (array.shape.size() != 1) {
    fail("{}: found shape {}, expected labels as N", name, shape_string(array.shape));
  }
  std::vector<int> labels;
  auto copy = [&](auto values) {
    for (const auto value : values) {
      if (static_cast<std::int64_t>(value) < 0 || static_cast<std::int64_t>(value) > 1'000'000) {
        fail("{}: found label {} at index {}, expected 0 to 1000000", name, value, labels.size());
      }
      labels.push_back(static_cast<int>(value));
    }
  };
  switch (array.dtype) {
    case DType::kUInt8:
      copy(array.as<std::uint8_t>());
      break;
    case DType::kInt32:
      copy(array.as<std::int32_t>());
      break;
    case DType::kInt64:
      copy(array.as<std::int64_t>());
      break;
    default:
      fail("{}: found labels of type {}, expected |u1, <i4 or <i8", name, npy_descr(array.dtype));
  }
  return labels;
}

bool is_npy(const fs::path& path) {
  return path.extension() == ".npy";
}

/// The labels of 'total' images, the first 'count' of them.
std::vector<int> read_labels(const fs::path& path, std::size_t total, std::size_t count) {
  if (fs::is_directory(path)) fail("{}: found a folder, expected a file of labels", path.string());
  std::vector<int> labels;
  if (is_npy(path)) {
    labels = labels_of_npy(read_npy(path), path.string());
  } else {
    std::size_t found = 0;
    const IdxArray array = read_idx(path, 0, found);
    if (array.shape.size() != 1) {
      fail("{}: found shape {}, expected labels as N", path.string(), shape_string(array.shape));
    }
    labels.assign(array.bytes.begin(), array.bytes.end());
  }
  if (labels.size() != total)
    fail("{}: found {} labels, expected {}, one an image", path.string(), labels.size(), total);
  labels.resize(count);
  return labels;
}

struct NamedImage {
  fs::path path;
  int label = 0;
};

/// 'file class' lines; blank lines and lines that begin with # are skipped. The class is the last word, so names may
/// hold spaces.
std::vector<NamedImage> read_label_lines(const fs::path& path, const fs::path& folder) {
  std::vector<NamedImage> images;
  const std::string content = read_file(path);
  std::size_t number = 0;
  for (std::size_t start = 0; start < content.size();) {
    const std::size_t end = std::min(content.find('\n', start), content.size());
    std::string line = content.substr(start, end - start);
    start = end + 1;
    ++number;
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    const std::size_t gap = line.find_last_of(" \t");
    int label = -1;
    if (gap != std::string::npos) {
      const char* last = line.data() + line.size();
      const auto [stop, code] = std::from_chars(line.data() + gap + 1, last, label);
      if (code != std::errc() || stop != last) label = -1;
    }
    if (label < 0) fail("{}:{}: found '{}', expected 'file class' with a class from 0 up", path.string(), number, line);
    std::string file = line.substr(0, gap);
    while (!file.empty() && (file.back() == ' ' || file.back() == '\t')) file.pop_back();
    if (!fs::is_regular_file(folder / file)) {
      fail("{}:{}: there is no file {}", path.string(), number, (folder / file).string());
    }
    images.push_back({folder / file, label});
  }
  return images;
}

std::vector<NamedImage> images_in(const fs::path& folder, int label) {
  std::vector<NamedImage> images;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_image_name(entry.path())) images.push_back({entry.path(), label});
  }
  std::sort(images.begin(), images.end(),
            [](const NamedImage& a, const NamedImage& b) { return a.path.filename() < b.path.filename(); });
  return images;
}

/// A name of digits alone as its number; -1 for others.
long number_of(const std::string& name) {
  long number = -1;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), number);
  return code == std::errc() && end == name.data() + name.size() ? number : -1;
}

/// The images in a folder's sub-folders, each a class, numbered in the order of their names.
std::vector<NamedImage> images_of_classes(const fs::path& folder) {
  std::vector<std::string> classes;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory() && !entry.path().filename().string().starts_with('.'))
      classes.push_back(entry.path().filename().string());
  std::sort(classes.begin(), classes.end());
  for (std::size_t i = 1; i < classes.size(); ++i) {
    const long before = number_of(classes[i - 1]), here = number_of(classes[i]);
    if (before >= 0 && here >= 0 && here < before)
      fail(
          "{}: found classes {} and {}, whose order as texts is not that of their numbers: give --labels, or names of "
          "equal length",
          folder.string(), classes[i - 1], classes[i]);
  }
  std::vector<NamedImage> images;
  for (std::size_t i = 0; i < classes.size(); ++i)
    for (NamedImage& image : images_in(folder / classes[i], static_cast<int>(i))) images.push_back(std::move(image));
  return images;
}

ImageSet read_folder(const fs::path& folder, const std::optional<fs::path>& labels, std::size_t channels,
                     std::size_t limit) {
  std::vector<NamedImage> images = labels ? read_label_lines(*labels, folder) : images_in(folder, 0);
  const bool has_classes = !labels && images.empty();
  if (has_classes) images = images_of_classes(folder);
  if (images.empty()) {
    fail("{}: found no images, expected {}", (labels ? *labels : folder).string(),
         labels ? "lines of 'file class'" : "files *.png, *.jpg or *.jpeg, or a sub-folder of such files a class");
  }
  if (limit > 0 && images.size() > limit) images.resize(limit);

  ImageSet set;
  set.count = images.size();
  set.channels = channels;
  for (const NamedImage& named : images) {
    const DecodedImage image = read_image_file(named.path, channels);
    if (set.pixels.empty()) {
      set.height = image.height;
      set.width = image.width;
      set.pixels.reserve(set.count * set.image_size());
    } else if (image.height != set.height || image.width != set.width) {
      fail("{}: found {}x{} pixels, expected {}x{} as {} has", named.path.string(), image.height, image.width,
           set.height, set.width, images[0].path.filename().string());
    }
    set.pixels.insert(set.pixels.end(), image.pixels.begin(), image.pixels.end());
    if (labels || has_classes) set.labels.push_back(named.label);
  }
  return set;
}

}  // namespace

ImageSet read_images(const fs::path& path, const std::optional<fs::path>& labels, std::size_t channels,
                     std::size_t limit) {
  if (channels != 1 && channels != 3)
    fail("{}: images of {} channels asked for, expected 1 or 3", path.string(), channels);
  if (!fs::exists(path)) fail("{}: there is no such file or folder", path.string());
  if (fs::is_directory(path)) return read_folder(path, labels, channels, limit);

  ImageSet set;
  std::size_t total = 0;
  if (is_npy(path)) {
    NpyArray array = read_npy(path);
    if (array.dtype != DType::kUInt8) {
      fail("{}: found images of type {}, expected |u1", path.string(), npy_descr(array.dtype));
    }
    set_shape(set, array.shape, path.string());
    total = set.count;
    if (limit > 0) set.count = std::min(total, limit);
    set.pixels = std::move(array.bytes);
    set.pixels.resize(set.count * set.image_size());
  } else {
    IdxArray array = read_idx(path, limit, total);
    set_shape(set, array.shape, path.string());
    set.pixels = std::move(array.bytes);
  }
  if (labels) set.labels = read_labels(*labels, total, set.count);
  return set;
}

ImageSet read_images_of_shape(const fs::path& path, const std::optional<fs::path>& labels, std::size_t height,
                              std::size_t width, std::size_t channels, std::size_t limit) {
  const bool flat = height == 1 && width == 1;
  constexpr std::size_t kGrey = 1, kColour = 3;
  ImageSet images = read_images(path, labels, flat ? kGrey : channels, limit);
  if (flat && images.image_size() != channels && images.channels == kGrey &&
      images.height * images.width * kColour == channels)
    images = read_images(path, labels, kColour, limit);
  return of_shape(std::move(images), path.string(), height, width, channels);
}

ImageSet of_shape(ImageSet images, const std::string& name, std::size_t height, std::size_t width,
                  std::size_t channels) {
  if (height == 1 && width == 1 && images.image_size() == channels) {
    images.height = 1;
    images.width = 1;
    images.channels = channels;
  }
  if (images.height == height && images.width == width && images.channels == channels) return images;
  fail("{}: found images of {}x{}x{} (height, width, channels), expected {}x{}x{} as the network takes", name,
       images.height, images.width, images.channels, height, width, channels);
}

}  // namespace shiftsim
