// scripts/synthesize: its command line. tests/rtl/netlist_test.cpp runs what it makes.
#include <gmock/gmock.h>

#include "tests/cli/command.h"

namespace shiftsim::test {
namespace {

using testing::HasSubstr;

struct BadCommand {
  std::string name;
  std::vector<std::string> arguments;
  std::string message;
};

void PrintTo(const BadCommand& command, std::ostream* out) {
  *out << command.message;
}

class Synthesize : public CommandTest, public testing::WithParamInterface<BadCommand> {};

TEST_P(Synthesize, SaysWhatIsWrongAndEndsWithStatus2) {
  const Outcome outcome = run_program(SHIFTSIM_SOURCE_DIR "/scripts/synthesize", GetParam().arguments);
  EXPECT_EQ(outcome.status, 2) << outcome.out;
  EXPECT_THAT(outcome.err, HasSubstr(GetParam().message));
  EXPECT_EQ(outcome.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    Bad, Synthesize,
    testing::Values(BadCommand{"NoGeometry", {"4x8"}, "found '4x8', expected PIXELSxCHANNELSxLANES"},
                    BadCommand{"NoPixels", {"0x8x4"}, "Pixels: found 0, expected an integer in [1, 64]"},
                    BadCommand{"MoreLanesThanChannels", {"4x8x9"}, "Lanes: found 9, expected an integer in [1, 8]"},
                    BadCommand{"MorePpuLanesThanChannels", {"4x8x4", "--ppu-lanes", "9"}, "PpuLanes: found 9"},
                    BadCommand{"Accumulator", {"4x8x4", "--accumulator-bits", "33"}, "AccW: found 33"},
                    BadCommand{"Both", {"4x8x4", "--config", "a.yaml"}, "not both"},
                    BadCommand{"NoConfiguration", {"--config", "missing.yaml", "--simrun", SHIFTSIM_SIMRUN}, "missing"},
                    BadCommand{"NoSimrun", {"--config", "a.yaml", "--simrun", "./nowhere"}, "--config needs simrun"},
                    BadCommand{"NoRtl", {"1x4x1", "--rtl", "."}, "there is no shiftsim_core.sv"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace shiftsim::test
