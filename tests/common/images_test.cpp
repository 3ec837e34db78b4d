// Image sets of every kind, whole and damaged.
#include "common/images.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include "common/image_file.h"
#include "common/npy.h"
#include "common/read_file.h"
#include "tests/common/temporary_folder.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string idx(const std::vector<std::uint32_t>& shape, std::size_t bytes) {
  std::string content{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape) content += big_endian(extent);
  for (std::size_t i = 0; i < bytes; ++i) content += static_cast<char>(i * 7);
  return content;
}

class Images : public TemporaryFolder {
protected:
  fs::path put_png(const std::string& name, unsigned width, unsigned height, int format,
                   const std::vector<std::uint8_t>& pixels) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = width;
    image.height = height;
    image.format = static_cast<png_uint_32>(format);
    const fs::path path = folder_ / name;
    EXPECT_NE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr), 0);
    return path;
  }
  fs::path put_jpeg(const std::string& name, unsigned width, unsigned height, const std::vector<std::uint8_t>& rgb) {
    const fs::path path = folder_ / name;
    std::FILE* file = std::fopen(path.c_str(), "wb");
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (unsigned y = 0; y < height; ++y) {
      std::vector<std::uint8_t> line(rgb.begin() + y * width * 3, rgb.begin() + (y + 1) * width * 3);
      JSAMPROW row = line.data();
      jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    std::fclose(file);
    return path;
  }
  fs::path put_gz(const std::string& name, const std::string& content) {
    const fs::path path = folder_ / name;
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path;
  }
};

TEST_F(Images, IdxPlainAndGzipped) {
  const std::string content = idx({3, 4, 5}, 60), labels = idx({3}, 3);
  for (const bool gzipped : {false, true}) {
    const fs::path images = gzipped ? put_gz("i.gz", content) : put("i", content);
    const fs::path classes = gzipped ? put_gz("l.gz", labels) : put("l", labels);
    const ImageSet set = read_images(images, classes);
    EXPECT_EQ(set.count, 3U);
    EXPECT_EQ(set.height, 4U);
    EXPECT_EQ(set.width, 5U);
    EXPECT_EQ(set.channels, 1U);
    EXPECT_EQ(set.image(1)[0], 20 * 7);
    EXPECT_EQ(set.labels, (std::vector<int>{0, 7, 14}));
    const ImageSet two = read_images(images, classes, 3, 2);
    EXPECT_EQ(two.count, 2U);
    EXPECT_EQ(two.pixels.size(), 40U);
    EXPECT_EQ(two.labels.size(), 2U);
  }
  EXPECT_EQ(read_images(put("c", idx({2, 2, 2, 3}, 24)), {}).channels, 3U);
}

TEST_F(Images, DamagedIdx) {
  const std::string good = idx({3, 4, 5}, 60);
  auto refused = [&](const fs::path& path, const std::string& word) {
    expect_user_error([&] { read_images(path, {}); }, {path.string(), word});
  };
  refused(put("short", good.substr(0, good.size() - 1)), "truncated");
  refused(put("long", good + "x"), "beyond");
  refused(put("header", good.substr(0, 9)), "truncated within its header");
  refused(put("text", "hello"), "neither an IDX");
  refused(put("empty", ""), "neither an IDX");
  refused(put("float", std::string("\0\0\x0d\x03", 4) + good.substr(4)), "0x0d");
  refused(put("rank", idx({60}, 60)), "N x H x W");
  refused(put("none", idx({0, 4, 5}, 0)), "no images");
  refused(put("huge", idx({0xffffffff, 0xffff, 0xffff}, 10)), "more than 4 GiB");
  refused(put("large", idx({100000, 28, 28}, 10)), "truncated");
  refused(folder_ / "missing", "no such");
  const std::string zipped = read_file(put_gz("z.gz", good));
  refused(put("cut.gz", zipped.substr(0, zipped.size() - 9)), "truncated");
}

TEST_F(Images, Npy) {
  const std::array<std::size_t, 4> shape{2, 2, 2, 3};
  std::vector<std::uint8_t> pixels(24);
  for (std::size_t i = 0; i < 24; ++i) pixels[i] = static_cast<std::uint8_t>(i);
  const fs::path path = put("i.npy", encode_npy(DType::kUInt8, shape, pixels.data()));
  const std::array<std::int64_t, 2> labels{9, 0};
  const std::array<std::size_t, 1> two{2};
  const fs::path classes = put("l.npy", encode_npy(DType::kInt64, two, labels.data()));
  const ImageSet set = read_images(path, classes);
  EXPECT_EQ(set.channels, 3U);
  EXPECT_EQ(set.pixels, pixels);
  EXPECT_EQ(set.labels, (std::vector<int>{9, 0}));
  EXPECT_EQ(read_images(path, classes, 3, 1).pixels.size(), 12U);
  EXPECT_EQ(read_images_of_shape(path, classes, 2, 2, 3).pixels, pixels);
  expect_user_error([&] { read_images_of_shape(path, classes, 28, 28, 1); }, {path.string(), "2x2x3", "28x28x1"});
  const ImageSet flat = read_images_of_shape(path, classes, 1, 1, 12);
  EXPECT_EQ(flat.channels, 12U);
  EXPECT_EQ(flat.pixels, pixels) << "values stand as the pixels do";
  expect_user_error([&] { read_images_of_shape(path, classes, 1, 1, 13); }, {path.string(), "2x2x3", "1x1x13"});

  expect_user_error([&] { read_images(put("t.npy", encode_npy(DType::kInt8, shape, pixels.data())), {}); },
                    {"|i1", "|u1"});
  const std::array<std::int64_t, 2> negative{1, -1};
  expect_user_error([&] { read_images(path, put("n.npy", encode_npy(DType::kInt64, two, negative.data()))); },
                    {"label -1 at index 1"});
  const std::array<std::size_t, 1> one{1};
  expect_user_error([&] { read_images(path, put("o.npy", encode_npy(DType::kInt64, one, labels.data()))); },
                    {"found 1 labels, expected 2"});
  expect_user_error([&] { read_images(path, put("f.npy", encode_npy(DType::kFloat32, two, labels.data()))); }, {"<f4"});
}

TEST_F(Images, FolderInOrderOfNamesAndOfLabels) {
  put_png("b.png", 2, 1, PNG_FORMAT_GRAY, {10, 20});
  put_png("a one.PNG", 2, 1, PNG_FORMAT_GRAY, {30, 40});
  put("notes.txt", "no image");
  const ImageSet by_name = read_images(folder_, {}, 1);
  EXPECT_EQ(by_name.pixels, (std::vector<std::uint8_t>{30, 40, 10, 20}));
  EXPECT_TRUE(by_name.labels.empty());
  const ImageSet labelled = read_images(folder_, put("labels.txt", "# file class\nb.png 3\n\na one.PNG\t7\r\n"), 1);
  EXPECT_EQ(labelled.pixels, (std::vector<std::uint8_t>{10, 20, 30, 40}));
  EXPECT_EQ(labelled.labels, (std::vector<int>{3, 7}));
  EXPECT_EQ(read_images(folder_, {}, 3, 1).pixels, (std::vector<std::uint8_t>{30, 30, 30, 40, 40, 40}));
}

TEST_F(Images, ASubFolderIsAClass) {
  fs::create_directories(folder_ / "set/n02/deep");
  fs::create_directories(folder_ / "set/n01");
  fs::create_directories(folder_ / "set/.cache");
  put_png("set/n02/a.png", 1, 1, PNG_FORMAT_GRAY, {3});
  put_png("set/n01/b.png", 1, 1, PNG_FORMAT_GRAY, {2});
  put_png("set/n01/a.png", 1, 1, PNG_FORMAT_GRAY, {1});
  const ImageSet set = read_images(folder_ / "set", {}, 1);
  EXPECT_EQ(set.pixels, (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(set.labels, (std::vector<int>{0, 0, 1}));
  EXPECT_EQ(read_images(folder_ / "set", {}, 1, 2).labels, (std::vector<int>{0, 0}));
  // A label file decides where there is one.
  EXPECT_EQ(read_images(folder_ / "set", put("labels.txt", "n02/a.png 5\n"), 1).labels, (std::vector<int>{5}));
}

TEST_F(Images, ClassesWithNumbersAreNotGuessed) {
  fs::create_directories(folder_ / "set/10");
  fs::create_directories(folder_ / "set/9");
  put_png("set/10/a.png", 1, 1, PNG_FORMAT_GRAY, {3});
  put_png("set/9/a.png", 1, 1, PNG_FORMAT_GRAY, {3});
  expect_user_error([&] { read_images(folder_ / "set", {}, 1); }, {"classes 10 and 9", "--labels"});
}

TEST_F(Images, BadFolders) {
  expect_user_error([&] { read_images(folder_, {}, 1); }, {"found no images"});
  put_png("a.png", 2, 1, PNG_FORMAT_GRAY, {1, 2});
  auto labels = [&](const std::string& text) {
    const fs::path path = put("labels.txt", text);
    return [this, path] { read_images(folder_, path, 1); };
  };
  expect_user_error(labels("a.png 1\nnone.png 2\n"), {"labels.txt:2", "none.png"});
  expect_user_error(labels("a.png\n"), {"labels.txt:1", "file class"});
  expect_user_error(labels("a.png x\n"), {"labels.txt:1"});
  expect_user_error(labels("a.png -1\n"), {"labels.txt:1"});
  expect_user_error(labels("\n"), {"found no images"});
  put_png("b.png", 1, 2, PNG_FORMAT_GRAY, {1, 2});
  expect_user_error([&] { read_images(folder_, {}, 1); }, {"b.png", "2x1", "1x2"});
  put("b.png", "not an image");
  expect_user_error([&] { read_images(folder_, {}, 1); }, {"b.png", "neither a PNG nor a JPEG"});
}

TEST_F(Images, PngColoursAndTransparency) {
  const std::vector<std::uint8_t> rgb{255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30};
  const fs::path path = put_png("c.png", 2, 2, PNG_FORMAT_RGB, rgb);
  EXPECT_EQ(read_image_file(path, 3).pixels, rgb);
  // Pillow's convert("L") of the same: 76, 150, 29, 18.
  EXPECT_EQ(read_image_file(path, 1).pixels, (std::vector<std::uint8_t>{76, 150, 29, 18}));
  const fs::path alpha = put_png("d.png", 1, 1, PNG_FORMAT_RGBA, {10, 20, 30, 128});
  EXPECT_EQ(read_image_file(alpha, 3).pixels, (std::vector<std::uint8_t>{10, 20, 30}));
}

TEST_F(Images, GreyOf16BitsIsRefused) {
  // The linear formats of libpng's simplified interface have 16 bits.
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = 1;
  image.format = PNG_FORMAT_LINEAR_Y;
  const std::uint16_t value = 0x1234;
  const fs::path path = folder_ / "deep.png";
  ASSERT_NE(png_image_write_to_file(&image, path.c_str(), 0, &value, 0, nullptr), 0);
  expect_user_error([&] { read_image_file(path, 1); }, {"deep.png", "grey values of 16 bits, expected 8"});
}

TEST_F(Images, JpegIsDecodedWithinItsLoss) {
  std::vector<std::uint8_t> rgb;
  for (int i = 0; i < 64; ++i) rgb.insert(rgb.end(), {200, 100, 50});
  const fs::path path = put_jpeg("a.jpg", 8, 8, rgb);
  const DecodedImage image = read_image_file(path, 3);
  ASSERT_EQ(image.pixels.size(), rgb.size());
  for (std::size_t i = 0; i < rgb.size(); ++i) EXPECT_NEAR(image.pixels[i], rgb[i], 3);
  const DecodedImage grey = read_image_file(path, 1);
  ASSERT_EQ(grey.pixels.size(), 64U);
  EXPECT_NEAR(grey.pixels[0], 0.299 * 200 + 0.587 * 100 + 0.114 * 50, 2);
}

TEST_F(Images, DamagedPngAndJpeg) {
  std::vector<std::uint8_t> pixels(64 * 64 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i >> 3);
  for (const bool png : {true, false}) {
    const fs::path path = png ? put_png("x.png", 64, 64, PNG_FORMAT_RGB, pixels) : put_jpeg("x.jpg", 64, 64, pixels);
    const std::string good = read_file(path);
    for (const std::size_t length : {std::size_t{9}, std::size_t{40}, good.size() / 2, good.size() - 20}) {
      const fs::path bad = put("bad", good.substr(0, length));
      expect_user_error([&] { read_image_file(bad, 3); }, {"bad", png ? "damaged PNG" : "damaged JPEG"});
    }
  }
}

TEST(FashionMnist, IsReadWhereInstalled) {
  const fs::path folder = "/usr/share/datasets/fashion-mnist";
  const fs::path images = folder / "t10k-images-idx3-ubyte.gz";
  ASSERT_TRUE(fs::exists(images)) << "scripts/setup installs dataset-fashion-mnist";
  const ImageSet set = read_images(images, folder / "t10k-labels-idx1-ubyte.gz");
  EXPECT_EQ(set.count, 10000U);
  EXPECT_EQ(set.image_size(), 784U);
  EXPECT_EQ(std::vector<int>(set.labels.begin(), set.labels.begin() + 5), (std::vector<int>{9, 2, 1, 1, 6}));
}

}  // namespace
}  // namespace shiftsim
