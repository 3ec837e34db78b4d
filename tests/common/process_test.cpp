// Other programs, without a shell in between.
#include "common/process.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace shiftsim
