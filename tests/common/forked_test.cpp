#include "common/forked.h"

#include <gtest/gtest.h>

#include <csignal>

#include "common/error.h"

namespace shiftsim {
namespace {

TEST(Forked, GivesTheTextsInOrder) {
  int here = 0;
  const std::vector<std::string> texts = run_forked(5, [&](std::size_t i) {
    ++here;  // of the child's own memory
    return std::string(i * 100'000, static_cast<char>('a' + i));
  });
  ASSERT_EQ(texts.size(), 5U);
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(texts[i], std::string(i * 100'000, static_cast<char>('a' + i)));
  EXPECT_EQ(here, 0);
}

TEST(Forked, ErrorsComeBackAsWhatTheyWere) {
  const auto failing = [](std::size_t i) -> std::string {
    if (i == 1) throw UserError("file.yaml:3: wrong");
    return "";
  };
  try {
    run_forked(3, failing);
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(), "file.yaml:3: wrong");
  }
  EXPECT_THROW(run_forked(2, [](std::size_t) -> std::string { throw InternalError("broken"); }), InternalError);
  EXPECT_THROW(run_forked(2,
                          [](std::size_t i) -> std::string {
                            if (i == 0) raise(SIGKILL);
                            return "";
                          }),
               InternalError);
}

}  // namespace
}  // namespace shiftsim
