// Completion in bash, as Debian's bash-completion loads it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/command.h"

namespace shiftsim::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kLibrary = "/usr/share/bash-completion/bash_completion";

class Completion : public CommandTest {
protected:
  void SetUp() override {
    if (!std::filesystem::exists(kLibrary)) GTEST_SKIP() << "bash-completion is not installed";
  }

  /// What bash offers for the last word of a line, words separated by spaces.
  std::string offers(const std::string& line) const {
    const std::string script = "source " + kLibrary +
                               R"(
      source "$1/scripts/completions/simrun"
      source "$1/scripts/completions/quantrun"
      PATH=$2:$PATH COMP_LINE=$3 COMP_POINT=${#3} COMP_WORDS=($3)
      [[ $3 == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      _${COMP_WORDS[0]} "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
      printf ' %s' "${COMPREPLY[@]}" ' ')";
    return run_program("bash", {"-c", script, "bash", SHIFTSIM_SOURCE_DIR, SHIFTSIM_BINARY_DIR "/bin", line}).out;
  }
};

TEST_F(Completion, OptionsOfThePrograms) {
  EXPECT_THAT(offers("simrun --fid"), HasSubstr(" --fidelity "));
  EXPECT_THAT(offers("simrun --dump"), HasSubstr(" --dump-golden "));
  EXPECT_THAT(offers("simrun sweep --col"), HasSubstr(" --collect "));
  EXPECT_THAT(offers("simrun --col"), Not(HasSubstr("--collect")));
  EXPECT_THAT(offers("quantrun --cal"), HasSubstr(" --calibration-labels "));
  EXPECT_THAT(offers("simrun sw"), HasSubstr(" sweep "));
}

TEST_F(Completion, ValuesOfOptions) {
  EXPECT_THAT(offers("simrun --fidelity l"), HasSubstr(" lockstep "));
  EXPECT_THAT(offers("simrun --set array.r"), HasSubstr(" array.rows= "));
  EXPECT_THAT(offers("quantrun --recipe nea"), HasSubstr(" nearest "));
  EXPECT_THAT(offers("quantrun --bits w4"), HasSubstr(" w4a4 "));
  EXPECT_THAT(offers("quantrun --set calibration.im"), HasSubstr(" calibration.images= "));
}

TEST_F(Completion, FilesOfTheRightKind) {
  write("net.onnx", "");
  write("net.yaml", "");
  write("net.qnet/network.yaml", "");
  EXPECT_THAT(offers("quantrun --model n"), HasSubstr(" net.onnx "));
  EXPECT_THAT(offers("quantrun --model n"), Not(HasSubstr("net.yaml")));
  EXPECT_THAT(offers("simrun --config n"), HasSubstr(" net.yaml "));
  EXPECT_THAT(offers("simrun --network n"), HasSubstr(" net.qnet "));
  EXPECT_THAT(offers("simrun --network n"), Not(HasSubstr("net.onnx")));
}

}  // namespace
}  // namespace shiftsim::test
