// Arrays, atomic outputs and hashes.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "common/atomic_file.h"
#include "common/hash.h"
#include "common/npy.h"
#include "common/read_file.h"
#include "tests/common/temporary_folder.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

class Npy : public TemporaryFolder {};

TEST_F(Npy, RoundTripOfEveryType) {
  const std::array<std::size_t, 2> shape{2, 3};
  const std::array<std::uint8_t, 48> data{1, 2, 3, 250, 5, 6, 7, 8, 9, 10, 11, 12};
  for (const DType type : {DType::kInt8, DType::kUInt8, DType::kInt16, DType::kInt32, DType::kInt64, DType::kFloat32}) {
    const NpyArray array = read_npy(put("a.npy", encode_npy(type, shape, data.data())));
    EXPECT_EQ(array.dtype, type);
    EXPECT_EQ(array.shape, (std::vector<std::size_t>{2, 3}));
    EXPECT_EQ(array.size(), 6U);
    EXPECT_TRUE(std::equal(array.bytes.begin(), array.bytes.end(), data.begin()));
  }
}

TEST_F(Npy, HeaderIsNumPysOwn) {
  const std::array<std::size_t, 1> shape{10};
  const std::array<std::int8_t, 10> data{};
  const std::string content = encode_npy(DType::kInt8, shape, data.data());
  // As numpy.save writes it: data at a multiple of 64 bytes, a newline before.
  EXPECT_EQ(content.size(), 128U + 10U);
  EXPECT_EQ(content.substr(10, 59), "{'descr': '|i1', 'fortran_order': False, 'shape': (10,), } ");
  EXPECT_EQ(content[127], '\n');
}

TEST_F(Npy, ScalarAndEmptyShapes) {
  const std::int32_t value = -5;
  const NpyArray scalar = decode_npy(encode_npy(DType::kInt32, {}, &value), "x");
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_EQ(scalar.as<std::int32_t>()[0], -5);
  const std::array<std::size_t, 2> none{0, 4};
  EXPECT_EQ(decode_npy(encode_npy(DType::kInt32, none, nullptr), "x").size(), 0U);
}

TEST_F(Npy, AsOfAnotherSizeIsOurBug) {
  const std::int32_t value = 0;
  const NpyArray array = decode_npy(encode_npy(DType::kInt32, {}, &value), "x");
  EXPECT_THROW(array.as<std::int8_t>(), InternalError);
}

TEST_F(Npy, BadFilesAreRefused) {
  const std::array<std::size_t, 1> shape{4};
  const std::array<std::int32_t, 4> data{1, 2, 3, 4};
  const std::string good = encode_npy(DType::kInt32, shape, data.data());
  auto refused = [&](const std::string& content, const std::string& word) {
    const fs::path path = put("bad.npy", content);
    expect_user_error([&] { read_npy(path); }, {path.string(), word});
  };
  auto replaced = [&](const std::string& from, const std::string& to) {
    std::string content = good;
    return content.replace(content.find(from), from.size(), to);
  };
  refused("", "not a .npy file");
  refused("PK\x03\x04 a zip file", "not a .npy file");
  refused(good.substr(0, 40), "truncated");
  refused(good.substr(0, good.size() - 1), "found 15 bytes of data, expected 16");
  refused(good + "x", "found 17 bytes of data, expected 16");
  refused(replaced("False", "True "), "Fortran");
  refused(replaced("<i4", ">i4"), "element type '>i4'");
  refused(replaced("<i4", "<f8"), "element type '<f8'");
  refused(replaced("'shape'", "'shard'"), "unknown key 'shard'");
  refused(replaced("(4,)", "(-4)"), "dimension");
  refused(replaced("(4,), }           ", "(99999999999999,)}"), "expected 399999999999996");
  refused(replaced("{", "["), "malformed");
  refused(replaced(std::string("NUMPY\x01"), std::string("NUMPY\x02")), "format 2.0");
  expect_user_error([&] { read_npy(folder_ / "none.npy"); }, {"none.npy", "cannot be read"});
  expect_user_error([&] { read_npy(folder_); }, {"found a folder"});
}

class Atomic : public TemporaryFolder {};

TEST_F(Atomic, FileIsWrittenAndReplaced) {
  const fs::path path = folder_ / "a" / "b.txt";
  write_file_atomically(path, "one");
  EXPECT_EQ(read_file(path), "one");
  write_file_atomically(path, "two");
  EXPECT_EQ(read_file(path), "two");
  EXPECT_EQ(entries(folder_ / "a"), 1U);  // no temporary file stays
}

TEST_F(Atomic, FileInPartsAppearsOnCommitOnly) {
  const fs::path path = put("a.txt", "before");
  const std::string part(100'000, 'x');
  {
    AtomicFile file(path);
    file.write(part);
    EXPECT_EQ(read_file(path), "before");
  }
  EXPECT_EQ(read_file(path), "before") << "not committed";
  AtomicFile file(path);
  file.write(part);
  file.write("end");
  file.commit();
  EXPECT_EQ(read_file(path), part + "end");
  EXPECT_EQ(entries(folder_), 1U) << "no temporary file is left";
}

TEST_F(Atomic, FileThatCannotBeWritten) {
  put("plain", "x");
  expect_user_error([&] { write_file_atomically(folder_ / "plain" / "b.txt", "x"); }, {"plain"});
  fs::create_directories(folder_ / "sub");
  expect_user_error([&] { write_file_atomically(folder_ / "sub", "x"); }, {"a folder is there"});
  expect_user_error([&] { write_file_atomically("", "x"); }, {"empty path"});
}

TEST_F(Atomic, FolderAppearsOnCommitOnly) {
  const fs::path path = folder_ / "out";
  {
    AtomicFolder target(path);
    write_file_atomically(target.temporary() / "x", "1");
    EXPECT_FALSE(fs::exists(path));
    target.commit();
    EXPECT_EQ(read_file(path / "x"), "1");
  }
  EXPECT_EQ(entries(folder_), 1U);
}

TEST_F(Atomic, FolderWithoutCommitLeavesWhatWasThere) {
  const fs::path path = folder_ / "out/";  // a slash at the end does no harm
  fs::create_directories(path);
  put("out/old", "old");
  {
    AtomicFolder target(path);
    write_file_atomically(target.temporary() / "new", "new");
  }
  EXPECT_EQ(read_file(path / "old"), "old");
  EXPECT_EQ(entries(folder_), 1U);
  AtomicFolder target(path);
  write_file_atomically(target.temporary() / "new", "new");
  target.commit();
  EXPECT_FALSE(fs::exists(path / "old"));
  EXPECT_EQ(read_file(path / "new"), "new");
  EXPECT_EQ(entries(folder_), 1U);
}

TEST_F(Atomic, FolderInPlaceOfAFile) {
  put("plain", "x");
  expect_user_error([&] { AtomicFolder target(folder_ / "plain"); }, {"a file is there"});
}

class Hash : public TemporaryFolder {};

TEST_F(Hash, KnownAnswers) {
  // FIPS 180-4's examples.
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1000000, 'a');
  EXPECT_EQ(sha256(million), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256_file(put("a", million)), sha256(million));
}

TEST_F(Hash, MissingFile) {
  expect_user_error([&] { sha256_file(folder_ / "none"); }, {"none", "cannot be read"});
  expect_user_error([&] { sha256_file(folder_); }, {"cannot be read"});
}

TEST(Check, NamesTheConditionAndTheValues) {
  try {
    SHIFTSIM_CHECK(1 == 2, "layer {}", 7);
    FAIL();
  } catch (const InternalError& error) {
    EXPECT_NE(std::string(error.what()).find("layer 7"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("1 == 2"), std::string::npos);
  }
}

}  // namespace
}  // namespace shiftsim
