#include "common/image_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>
#include <png.h>

#include "common/error.h"
#include "common/read_file.h"

namespace shiftsim {
namespace {

constexpr std::size_t kMaxSide = 16384;  // pixels: larger is a damaged header, not a network's input

// Both libraries report errors by longjmp, which must not jump over C++ destructors. So the functions that call setjmp
// hold only plain data, and everything that owns memory belongs to their caller.

struct PngState {
  const std::uint8_t* data;
  std::size_t size, at;
  png_structp png;
  png_infop info;
  char message[128];
};

void png_on_error(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  std::snprintf(state->message, sizeof state->message, "%s", message);
  png_longjmp(png, 1);
}

void png_on_warning(png_structp, png_const_charp) {}

void png_read_bytes(png_structp png, png_bytep out, png_size_t count) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  if (count > state->size - state->at) png_error(png, "the file is truncated");
  std::memcpy(out, state->data + state->at, count);
  state->at += count;
}

/// What a PNG's header says, and what it is decoded to.
struct PngSize {
  std::size_t height = 0, width = 0, channels = 0;
  bool is_grey16 = false;
};

/// Reads the header and asks for 8 bits, 1 or 3 channels. False: see state.message.
bool png_open(PngState& state, PngSize& size) {
  if (setjmp(png_jmpbuf(state.png)) != 0) return false;
  png_set_read_fn(state.png, &state, png_read_bytes);
  png_read_info(state.png, state.info);
  size.is_grey16 = png_get_bit_depth(state.png, state.info) == 16 &&
                   png_get_color_type(state.png, state.info) == PNG_COLOR_TYPE_GRAY;
  png_set_expand(state.png);
  png_set_strip_16(state.png);
  png_set_strip_alpha(state.png);
  png_set_interlace_handling(state.png);
  png_read_update_info(state.png, state.info);
  size.height = png_get_image_height(state.png, state.info);
  size.width = png_get_image_width(state.png, state.info);
  size.channels = png_get_channels(state.png, state.info);
  return true;
}

bool png_read_rows(PngState& state, png_bytep* rows) {
  if (setjmp(png_jmpbuf(state.png)) != 0) return false;
  png_read_image(state.png, rows);
  png_read_end(state.png, nullptr);
  return true;
}

/// Grey <-> RGB where the file has the other.
std::vector<std::uint8_t> with_channels(std::vector<std::uint8_t> pixels, std::size_t from, std::size_t to) {
  if (from == to) return pixels;
  const std::size_t count = pixels.size() / from;
  std::vector<std::uint8_t> result(count * to);
  for (std::size_t i = 0; i < count; ++i) {
    if (to == 3) {
      std::fill_n(result.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, pixels[i]);
    } else {
      const unsigned r = pixels[3 * i], g = pixels[3 * i + 1], b = pixels[3 * i + 2];
      result[i] = static_cast<std::uint8_t>((r * 19595U + g * 38470U + b * 7471U + 0x8000U) >> 16);
    }
  }
  return result;
}

void check_size(std::size_t height, std::size_t width, const std::string& name) {
  if (height == 0 || width == 0 || height > kMaxSide || width > kMaxSide) {
    fail("{}: found {}x{} pixels, expected 1 to {} a side", name, height, width, kMaxSide);
  }
}

DecodedImage decode_png(const std::string& content, std::size_t channels, const std::string& name) {
  PngState state{reinterpret_cast<const std::uint8_t*>(content.data()), content.size(), 0, nullptr, nullptr, {}};
  state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, png_on_error, png_on_warning);
  state.info = state.png != nullptr ? png_create_info_struct(state.png) : nullptr;
  SHIFTSIM_CHECK(state.info != nullptr, "libpng out of memory");
  struct Guard {
    PngState& state;
    ~Guard() { png_destroy_read_struct(&state.png, &state.info, nullptr); }
  } guard{state};

  DecodedImage image;
  PngSize size;
  if (!png_open(state, size)) fail("{}: damaged PNG: {}", name, state.message);
  if (size.is_grey16)
    fail("{}: found grey values of 16 bits, expected 8: how they become 8 bits depends on what they mean", name);
  image.height = size.height;
  image.width = size.width;
  const std::size_t found = size.channels;
  check_size(image.height, image.width, name);
  SHIFTSIM_CHECK(found == 1 || found == 3, "{}: {} channels", name, found);
  std::vector<std::uint8_t> pixels(image.height * image.width * found);
  std::vector<png_bytep> rows(image.height);
  for (std::size_t y = 0; y < image.height; ++y) rows[y] = pixels.data() + y * image.width * found;
  if (!png_read_rows(state, rows.data())) fail("{}: damaged PNG: {}", name, state.message);
  image.pixels = with_channels(std::move(pixels), found, channels);
  return image;
}

struct JpegErrors {
  jpeg_error_mgr manager;  // first: libjpeg hands back a pointer to it
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

void jpeg_on_error(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  (*info->err->format_message)(info, errors->message);
  longjmp(errors->jump, 1);
}

/// libjpeg only warns of truncated data and fills the rest with grey; here a damaged image is an error.
void jpeg_on_message(j_common_ptr info, int level) {
  if (level < 0) jpeg_on_error(info);
}

/// As Pillow does: ink over white, and all JPEG files of four colours hold it inverted, as Adobe's do.
std::vector<std::uint8_t> rgb_of_inverted_cmyk(const std::vector<std::uint8_t>& cmyk) {
  const auto times = [](unsigned a, unsigned b) {
    const unsigned product = a * b + 128;
    return ((product >> 8) + product) >> 8;
  };
  std::vector<std::uint8_t> rgb;
  rgb.reserve(cmyk.size() / 4 * 3);
  for (std::size_t i = 0; i < cmyk.size(); i += 4) {
    const unsigned light = cmyk[i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned dark = times(255U - cmyk[i + c], light);
      rgb.push_back(static_cast<std::uint8_t>(light > dark ? light - dark : 0));
    }
  }
  return rgb;
}

bool jpeg_open(jpeg_decompress_struct& jpeg, JpegErrors& errors, const std::string& content) {
  if (setjmp(errors.jump) != 0) return false;
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(content.data()), content.size());
  jpeg_read_header(&jpeg, TRUE);
  const bool is_cmyk = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  jpeg.out_color_space = is_cmyk ? JCS_CMYK : jpeg.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&jpeg);
  return true;
}

bool jpeg_read_rows(jpeg_decompress_struct& jpeg, JpegErrors& errors, std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(errors.jump) != 0) return false;
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = pixels + jpeg.output_scanline * row_bytes;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

DecodedImage decode_jpeg(const std::string& content, std::size_t channels, const std::string& name) {
  jpeg_decompress_struct jpeg{};
  JpegErrors errors{};
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = jpeg_on_error;
  errors.manager.emit_message = jpeg_on_message;
  struct Guard {
    jpeg_decompress_struct& jpeg;
    ~Guard() { jpeg_destroy_decompress(&jpeg); }
  } guard{jpeg};

  DecodedImage image;
  if (!jpeg_open(jpeg, errors, content)) fail("{}: damaged JPEG: {}", name, errors.message);
  image.height = jpeg.output_height;
  image.width = jpeg.output_width;
  check_size(image.height, image.width, name);
  const auto found = static_cast<std::size_t>(jpeg.output_components);
  std::vector<std::uint8_t> pixels(image.height * image.width * found);
  if (!jpeg_read_rows(jpeg, errors, pixels.data(), image.width * found)) {
    fail("{}: damaged JPEG: {}", name, errors.message);
  }
  const bool is_cmyk = jpeg.out_color_space == JCS_CMYK;
  image.pixels = is_cmyk ? with_channels(rgb_of_inverted_cmyk(pixels), 3, channels)
                         : with_channels(std::move(pixels), found, channels);
  return image;
}

}  // namespace

bool is_image_name(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

DecodedImage read_image_file(const std::filesystem::path& path, std::size_t channels) {
  SHIFTSIM_CHECK(channels == 1 || channels == 3, "{} channels", channels);
  const std::string content = read_file(path);
  const std::string name = path.string();
  if (content.starts_with("\x89PNG")) return decode_png(content, channels, name);
  if (content.starts_with("\xff\xd8")) return decode_jpeg(content, channels, name);
  fail("{}: neither a PNG nor a JPEG file", name);
}

}  // namespace shiftsim
