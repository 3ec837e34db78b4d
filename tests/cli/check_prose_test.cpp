// scripts/check_prose: what it finds, and what it leaves alone.
#include <gmock/gmock.h>

#include "tests/cli/command.h"

namespace shiftsim::test {
namespace {

using testing::HasSubstr;

class CheckProse : public CommandTest {
protected:
  Outcome check(const std::string& text) const {
    std::ofstream(folder_ / "page.md") << text;
    return run_program(SHIFTSIM_SOURCE_DIR "/scripts/check_prose", {"page.md"});
  }

  static std::string words(int count) {
    std::string text = "Word";
    for (int i = 1; i < count; ++i) text += i % 10 == 0 ? "\nword" : " word";
    return text + ".\n";
  }
};

TEST_F(CheckProse, SentencesOfMoreThan25Words) {
  EXPECT_EQ(check("# Title\n\n" + words(25) + words(25)).status, 0);
  const Outcome outcome = check("# Title\n\n" + words(25) + "\n" + words(26));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out, HasSubstr("page.md:7: 26 words, at most 25: Word word"));
}

TEST_F(CheckProse, ItemsOfAListAreSentencesOfTheirOwn) {
  EXPECT_EQ(check("* One, which ends without a stop\n* " + words(25)).status, 0);
  EXPECT_EQ(check("* One\n1. " + words(26)).status, 1);
}

TEST_F(CheckProse, ANumberThatEndsASentenceIsNoList) {
  const Outcome outcome = check("It costs 4. " + words(24) + "It ends at 8. " + words(24));
  EXPECT_EQ(outcome.status, 0) << outcome.out;
}

TEST_F(CheckProse, CodeTablesAndCommentsHoldNoSentences) {
  const std::string code = "    code " + std::string(60, 'x') + "\n";
  std::string many;
  for (int i = 0; i < 30; ++i) many += "x ";
  EXPECT_EQ(check("Text:\n\n    " + many + "\n" + code).status, 0);
  EXPECT_EQ(check("```\n" + many + many + "\n```\n").status, 0);
  EXPECT_EQ(check("| " + many + many + " |\n").status, 0);
  EXPECT_EQ(check("<!-- " + many + "\n" + many + "-->\n").status, 0);
  EXPECT_EQ(check("A code span is a word: `" + many + "`.\n").status, 0);
}

TEST_F(CheckProse, LinesOfMoreThan100Characters) {
  EXPECT_EQ(check(std::string(100, 'x') + "\n").status, 0);
  const Outcome outcome = check("\n" + std::string(101, 'x') + "\n");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out, HasSubstr("page.md:2: 101 characters, at most 100"));
}

TEST_F(CheckProse, AFileThatIsMissingIsBadInput) {
  const Outcome outcome = run_program(SHIFTSIM_SOURCE_DIR "/scripts/check_prose", {"nothing.md"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("nothing.md: no such file"));
}

}  // namespace
}  // namespace shiftsim::test
