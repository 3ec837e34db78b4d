// scripts/mixed_precision as a user runs it, on the residual network of models/.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/cli/command.h"

namespace shiftsim::test {
namespace {

namespace fs = std::filesystem;

const std::string kSource = SHIFTSIM_SOURCE_DIR;
const std::string kImages = "/usr/share/datasets/fashion-mnist";

class MixedPrecisionScript : public CommandTest {
protected:
  MixedPrecisionScript() { write("recipe.yaml", "extends: nearest\ncalibration: {images: 24}\n"); }

  Outcome run(const std::string& budget, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"--bin",
                                       SHIFTSIM_BIN,
                                       "--model",
                                       kSource + "/models/resnet_fmnist.onnx",
                                       "--calibration",
                                       kImages + "/train-images-idx3-ubyte.gz",
                                       "--config",
                                       kSource + "/configs/pe16x16.yaml",
                                       "--recipe",
                                       "recipe.yaml",
                                       "--bits",
                                       "w4a4",
                                       "--budget",
                                       budget,
                                       "--sensitivity-images",
                                       "24",
                                       "--simrun-set",
                                       "dataset.test_images=1000",
                                       "--output",
                                       "out"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(SHIFTSIM_SCRIPT, arguments);
  }

  nlohmann::json json(const std::string& file) const { return nlohmann::json::parse(read_text(folder_ / file)); }

  static std::size_t count(const std::string& text, const std::string& word) {
    std::size_t found = 0;
    for (std::size_t i = text.find(word); i != std::string::npos; i = text.find(word, i + 1)) ++found;
    return found;
  }
};

TEST_F(MixedPrecisionScript, MeetsItsBudgetsAndKeepsWhatIsDone) {
  const Outcome first = run("cycles=185000");
  ASSERT_EQ(first.status, 0) << first.err;
  const auto summary = json("out/summary.json");
  const auto &networks = summary["networks"], &mixed = networks["mixed"];
  const auto &narrow = networks["uniform W2"], &wide = networks["uniform W4"];
  EXPECT_LE(mixed["cycles"].get<double>(), 185000);
  EXPECT_GT(mixed["cycles"].get<double>(), 0.97 * 185000) << "the budget is used";
  EXPECT_GT(mixed["divergence"].get<double>(), wide["divergence"].get<double>());
  EXPECT_LT(mixed["divergence"].get<double>(), 0.5 * narrow["divergence"].get<double>());
  for (const char* measure : {"energy_uj", "weight_kib"}) {
    EXPECT_GT(mixed[measure].get<double>(), narrow[measure].get<double>()) << measure;
    EXPECT_LT(mixed[measure].get<double>(), wide[measure].get<double>()) << measure;
  }
  // 1,000 images carry an error of a quarter of a point between two networks.
  EXPECT_GT(mixed["accuracy"].get<double>(), narrow["accuracy"].get<double>());
  EXPECT_LT(mixed["accuracy"].get<double>(), wide["accuracy"].get<double>() + 0.5);
  // The network that was simulated is the one that the recipe says, of several widths.
  std::map<int, int> widths;
  const auto last = summary["recipe"].get<std::string>();
  const auto account = json(last.substr(0, last.rfind('.')) + ".json");
  for (const auto& layer : account["layers"]) {
    const std::string name = layer["name"];
    if (layer["bits"] == 0) continue;
    EXPECT_EQ(summary["bits"][name], layer["bits"]) << name;
    if (layer["varies"].get<bool>()) ++widths[layer["bits"].get<int>()];
  }
  EXPECT_GE(widths.size(), 2u);
  for (const char* word : {"uniform W2", "mixed", "features.4.conv1", "budget cycles=185,000: met"})
    EXPECT_NE(first.out.find(word), std::string::npos) << word;
  std::istringstream lines(first.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;

  // Again: nothing is made again, and the answer is the same.
  const Outcome again = run("cycles=185000");
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(count(again.err, "up to date"), count(again.err, "== ") - count(again.err, "== search"));
  EXPECT_EQ(json("out/summary.json"), summary);

  // Another budget takes the measurements as they are; another size of the array takes the networks.
  const Outcome size = run("weight_kib=230");
  ASSERT_EQ(size.status, 0) << size.err;
  EXPECT_GE(count(size.err, "up to date"), 7u) << size.err;
  const auto small = json("out/summary.json")["networks"]["mixed"];
  EXPECT_LE(small["weight_kib"].get<double>(), 230);
  EXPECT_LT(small["divergence"].get<double>(), narrow["divergence"].get<double>());
  EXPECT_NE(json("out/summary.json")["bits"], summary["bits"]);
}

TEST_F(MixedPrecisionScript, BadInput) {
  const auto rejected = [&](const Outcome& outcome, std::initializer_list<std::string> words) {
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    for (const std::string& word : words)
      EXPECT_NE(outcome.err.find(word), std::string::npos) << word << " is not in: " << outcome.err;
    EXPECT_FALSE(fs::exists(folder_ / "out"));
  };
  rejected(run("cycle=1000"), {"--budget", "'cycle'", "did you mean 'cycles'?"});
  rejected(run("watts=1000"), {"'watts'", "cycles, energy_uj, weight_kib"});
  for (const char* text : {"cycles", "cycles=", "cycles=0", "cycles=-5", "cycles=nan", "cycles=inf"})
    rejected(run(text), {"--budget"});
  rejected(run("cycles=1000", {"--bin", "nowhere"}), {"nowhere/quantrun"});
  rejected(run("cycles=1000", {"--labels", "x"}), {"--images"});
  rejected(run("cycles=1000", {"--recipe", "none.yaml"}), {"none.yaml"});
  rejected(run("cycles=1000", {"--frobnicate"}), {"--frobnicate"});
  rejected(run_program(SHIFTSIM_SCRIPT, {}), {"--model"});
}

}  // namespace
}  // namespace shiftsim::test
