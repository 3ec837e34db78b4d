#include "common/content_key.h"

#include <set>

#include "tests/common/temporary_folder.h"

namespace shiftsim {
namespace {

class Key : public TemporaryFolder {};

TEST_F(Key, SameContentSameKey) {
  const auto key = [&](const std::string& file) { return ContentKey().add("a").add_file(put("f", file)).text(); };
  EXPECT_EQ(key("content"), key("content"));
  EXPECT_EQ(key("content").size(), 64u);
  EXPECT_EQ(ContentKey().add_file(put("one", "x")).text(), ContentKey().add_file(put("other", "x")).text());
  EXPECT_EQ(ContentKey().add_file(put("one", "x")).text(), ContentKey().add("x").text());
}

TEST_F(Key, EverythingThatDiffersIsSeen) {
  const std::vector<std::string> keys = {
      ContentKey().text(),
      ContentKey().add("").text(),
      ContentKey().add("ab").text(),
      ContentKey().add("a").add("b").text(),
      ContentKey().add("b").add("a").text(),
      ContentKey().add("ab").add("").text(),
      ContentKey().add_values(std::vector<int>{1, 2}).text(),
      ContentKey().add_values(std::vector<int>{1}).add_values(std::vector<int>{2}).text(),
      ContentKey().add_values(std::vector<std::uint8_t>{1, 2}).text(),
  };
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), keys.size());
}

TEST_F(Key, FileThatCannotBeRead) {
  expect_user_error([&] { ContentKey().add_file(folder_ / "none"); }, {"none"});
}

}  // namespace
}  // namespace shiftsim
