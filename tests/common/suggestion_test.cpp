#include "common/suggestion.h"

#include <gtest/gtest.h>

namespace shiftsim {
namespace {

TEST(Nearest, FindsSwapsAndTyposOnly) {
  EXPECT_EQ(nearest("lanse", {"lanes", "pixels"}), "lanes");
  EXPECT_EQ(nearest("pixel", {"lanes", "pixels"}), "pixels");
  EXPECT_EQ(nearest("bandwidth", {"lanes", "pixels"}), "");
  EXPECT_EQ(nearest("a", {"b"}), "");
  EXPECT_EQ(nearest("a", {}), "");
}

TEST(Suggestion, EndsAMessage) {
  EXPECT_EQ(suggestion("lanse", {"lanes", "pixels"}), "; did you mean 'lanes'?");
  EXPECT_EQ(suggestion("bandwidth", {"lanes", "pixels"}), "");
}

}  // namespace
}  // namespace shiftsim
