// Other programs, without a shell in between.
#include "common/process.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "common/error.h"
#include "common/read_file.h"
#include "tests/common/temporary_folder.h"

namespace shiftsim {
namespace {

class Process : public TemporaryFolder {};

TEST_F(Process, ArgumentsReachTheProgramAsTheyAre) {
  const std::string hostile = "x;touch made; $(touch made) `touch made` 'a' \"b\" *";
  EXPECT_EQ(process_output({"printf", "%s", hostile}), hostile);
  EXPECT_EQ(run_process({"printf", "%s", hostile}, folder_ / "log"), 0);
  EXPECT_EQ(read_file(folder_ / "log"), hostile);
  EXPECT_FALSE(std::filesystem::exists("made"));
}

TEST_F(Process, StatusAndErrorsOfTheProgram) {
  EXPECT_EQ(run_process({"sh", "-c", "echo out; echo error >&2; exit 3"}, folder_ / "log"), 3);
  EXPECT_EQ(read_file(folder_ / "log"), "out\nerror\n");
  EXPECT_EQ(run_process({"sh", "-c", "kill -TERM $$"}, folder_ / "log"), 128 + 15);
}

TEST_F(Process, NoSuchProgram) {
  EXPECT_EQ(run_process({"shiftsim-no-such-program"}, folder_ / "log"), 127);
  EXPECT_EQ(process_output({"shiftsim-no-such-program"}), "");
}

TEST_F(Process, LogThatCannotBeWritten) {
  EXPECT_THROW(run_process({"true"}, folder_ / "no" / "folder" / "log"), UserError);
}

TEST_F(Process, ChildRunsBesideAndGoesWithItsObject) {
  ChildProcess child({"sh", "-c", "exit 3"});
  std::optional<int> status;
  while (!(status = child.ended())) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(status, 3);
  EXPECT_EQ(child.ended(), 3) << "asked again";
  const auto begin = std::chrono::steady_clock::now();
  {
    ChildProcess sleeper({"sleep", "60"});
    EXPECT_EQ(sleeper.ended(), std::nullopt);
    const ChildProcess moved = std::move(sleeper);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
  EXPECT_THROW(ChildProcess({"shiftsim-no-such-program"}), UserError);
}

TEST_F(Process, AShellReadsTheLineBackToItsWords) {
  const std::vector<std::string> words = {"printf", "%s\n", "plain", "two words", "it's", "$HOME; rm", "", "a=b/c:d"};
  EXPECT_EQ(process_output({"sh", "-c", shell_line(words)}), process_output(words));
  EXPECT_EQ(shell_line({"simrun", "--set", "array.rows=8"}), "simrun --set array.rows=8");
}

}  // namespace
}  // namespace shiftsim
