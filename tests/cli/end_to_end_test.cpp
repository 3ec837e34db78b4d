// The main job as a user does it: quantize both example networks with quantrun, run them with simrun in lockstep at
// pe16x16, read the report. Needs the Debian package dataset-fashion-mnist, which scripts/setup installs.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/command.h"

namespace shiftsim::test {
namespace {

const std::string kSource = SHIFTSIM_SOURCE_DIR;
const std::string kImages = "/usr/share/datasets/fashion-mnist";

struct Case {
  const char* model;
  const char* bits;       ///< rounded to nearest
  double float_accuracy;  ///< of models/*.yaml
  double largest_drop;    ///< points over 2,000 images
};

/// For GoogleTest's messages.
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.model << ", " << c.bits;
}

class EndToEnd : public CommandTest, public testing::WithParamInterface<Case> {};

TEST_P(EndToEnd, QuantizeAndRunInLockstep) {
  const Case& c = GetParam();
  const std::string qnet = (folder_ / "net.qnet").string();
  const Outcome quantized =
      run_program(SHIFTSIM_QUANTRUN, {"--model", kSource + "/models/" + c.model + ".onnx", "--calibration",
                                      kImages + "/train-images-idx3-ubyte.gz", "--recipe", "nearest", "--bits", c.bits,
                                      "--set", "calibration.images=64", "--output", qnet});
  ASSERT_EQ(quantized.status, 0) << quantized.err;

  const Outcome run =
      run_program(SHIFTSIM_SIMRUN, {"--config", kSource + "/configs/pe16x16.yaml", "--network", qnet, "--images",
                                    kImages + "/t10k-images-idx3-ubyte.gz", "--labels",
                                    kImages + "/t10k-labels-idx1-ubyte.gz", "--fidelity", "lockstep", "--set",
                                    "dataset.test_images=2000", "--output", (folder_ / "results").string()});
  ASSERT_EQ(run.status, 0) << run.err;
  const auto report = nlohmann::json::parse(read_text(folder_ / "results" / "report.json"));
  EXPECT_EQ(report["lockstep"]["verdict"], "pass");
  EXPECT_GE(report["lockstep"]["comparisons"].get<std::int64_t>(), 11 * report["cycles"]["total"].get<std::int64_t>());
  EXPECT_EQ(report["accuracy"]["images"], 2000);
  EXPECT_GE(report["accuracy"]["quantized"].get<double>(), c.float_accuracy - c.largest_drop);
  EXPECT_GT(report["energy"]["total_pj"].get<double>(), 0);
  std::int64_t cycles = 0;
  for (const auto& layer : report["layers"]) cycles += layer["cycles"].get<std::int64_t>();
  EXPECT_EQ(cycles, report["cycles"]["total"].get<std::int64_t>()) << "the layers' cycles are all there are";
  // No line of what the user sees is wider than 120 columns.
  std::istringstream lines(run.out);
  for (std::string line; std::getline(lines, line);)
    if (line.rfind("report ", 0) != 0) {
      EXPECT_LE(line.size(), 120u) << line;
    }
}

INSTANTIATE_TEST_SUITE_P(Networks, EndToEnd,
                         testing::Values(Case{"resnet_fmnist", "w4a4", 94.17, 2.0},
                                         Case{"mobilenet_fmnist", "w4a4", 93.0, 2.0},
                                         Case{"resnet_fmnist", "w8a8", 94.17, 0.7}),
                         [](const auto& test) {
                           return std::string(test.param.model) + "_nearest_" + test.param.bits;
                         });

}  // namespace
}  // namespace shiftsim::test
