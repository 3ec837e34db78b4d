#include "common/guarded_main.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

#include "common/error.h"

namespace shiftsim {
namespace {

struct Ended {
  int status;
  std::string message;  ///< on stderr
};

Ended run(const std::function<int()>& work) {
  testing::internal::CaptureStderr();
  const int status = guarded_main("program", work);
  return {status, testing::internal::GetCapturedStderr()};
}

TEST(GuardedMain, StatusOfTheWork) {
  const Ended ended = run([] { return 3; });
  EXPECT_EQ(ended.status, 3);
  EXPECT_EQ(ended.message, "");
}

TEST(GuardedMain, BadInput) {
  const Ended ended = run([]() -> int { fail("c.yaml:3: rows: found '{}'", "x"); });
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.message, "program: c.yaml:3: rows: found 'x'\n");
}

TEST(GuardedMain, ErrorsOfTheFileSystemAreTheUsers) {
  const Ended ended = run([] { return static_cast<int>(std::filesystem::file_size("/no/such/file")); });
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.message, "program: /no/such/file: No such file or directory\n");
}

TEST(GuardedMain, OurOwnErrorsAreInternal) {
  for (const auto& work :
       {std::function<int()>([]() -> int { throw std::out_of_range("index 7"); }), std::function<int()>([]() -> int {
          SHIFTSIM_CHECK(false, "index {}", 7);
          return 0;
        })}) {
    const Ended ended = run(work);
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.message.find("program: internal error: "), 0u) << ended.message;
    EXPECT_NE(ended.message.find("index 7"), std::string::npos) << ended.message;
  }
}

}  // namespace
}  // namespace shiftsim
