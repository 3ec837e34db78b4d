// Where the programs find their data and keep what they built.
#include "common/locations.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/common/temporary_folder.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;

/// Variables as the test sets them; afterwards as they were.
class Locations : public TemporaryFolder {
protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      const char* value = std::getenv(kNames[i]);
      if (value != nullptr) before_[i] = value;
      unsetenv(kNames[i]);
    }
  }
  void TearDown() override {
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      if (before_[i]) {
        setenv(kNames[i], before_[i]->c_str(), 1);
      } else {
        unsetenv(kNames[i]);
      }
    }
    TemporaryFolder::TearDown();
  }

private:
  static constexpr const char* kNames[] = {"SHIFTSIM_HOME", "SHIFTSIM_CACHE", "XDG_CACHE_HOME", "HOME"};
  std::optional<std::string> before_[std::size(kNames)];
};

TEST_F(Locations, InABuildFolderHomeIsTheSourceTree) {
  EXPECT_EQ(home_folder(), fs::canonical(SHIFTSIM_SOURCE_DIR));
}

TEST_F(Locations, TheVariableNamesAnotherHome) {
  fs::create_directories(folder_ / "home/configs/technologies");
  setenv("SHIFTSIM_HOME", (folder_ / "home").c_str(), 1);
  EXPECT_EQ(home_folder(), fs::canonical(folder_ / "home"));
  setenv("SHIFTSIM_HOME", folder_.c_str(), 1);
  expect_user_error([] { home_folder(); }, {"SHIFTSIM_HOME", folder_.string(), "configs/technologies"});
}

TEST_F(Locations, TheCacheIsTheMostSpecificFolderThatIsNamed) {
  EXPECT_EQ(cache_folder(), std::nullopt);
  setenv("HOME", "/h", 1);
  EXPECT_EQ(cache_folder(), "/h/.cache/shiftsim");
  setenv("XDG_CACHE_HOME", "/x", 1);
  EXPECT_EQ(cache_folder(), "/x/shiftsim");
  setenv("SHIFTSIM_CACHE", "/own", 1);
  EXPECT_EQ(cache_folder(), "/own");
  setenv("SHIFTSIM_CACHE", "", 1);
  EXPECT_EQ(cache_folder(), "/x/shiftsim");
}

}  // namespace
}  // namespace shiftsim
