// quantrun on the command line: what it writes and prints, its exit status, and every kind of bad input.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/npy.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "tests/cli/command.h"
#include "tests/quantizer/models.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

class Quantrun : public test::CommandTest {
protected:
  Quantrun() {
    residual_model(1).save(folder_ / "m.onnx");
    write_images("images.npy", {40, 9, 9, 1});
    std::vector<std::int64_t> labels(40, 2);
    const std::size_t shape[] = {40};
    write("labels.npy", encode_npy(DType::kInt64, shape, labels.data()));
  }

  void write_images(const std::string& name, const std::vector<std::size_t>& shape) {
    std::size_t count = 1;
    for (const std::size_t size : shape) count *= size;
    std::vector<std::uint8_t> pixels(count);
    std::mt19937 random(1);
    for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random() % 256);
    write(name, encode_npy(DType::kUInt8, shape, pixels.data()));
  }

  test::Outcome run(const std::vector<std::string>& arguments) const {
    return run_program(SHIFTSIM_QUANTRUN, arguments);
  }

  /// The good command line, with more or other arguments behind it.
  test::Outcome quantize(const std::vector<std::string>& more, const std::string& model = "m.onnx",
                         const std::string& images = "images.npy") const {
    std::vector<std::string> arguments{"--model", model, "--calibration", images, "--output", "out.qnet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }

  /// Starts quantrun and kills it as soon as that file is there. False where it ended before.
  bool kill_when_exists(const std::vector<std::string>& arguments, const fs::path& file) const {
    const pid_t child = start_program(SHIFTSIM_QUANTRUN, arguments);
    int status = 0;
    pid_t ended = 0;
    while (ended == 0 && !fs::exists(file)) {
      usleep(500);
      ended = waitpid(child, &status, WNOHANG);
    }
    if (ended == 0) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
    }
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << test::read_text(folder_ / ".stderr");
    return WIFSIGNALED(status);
  }

  /// Lines that report a unit's loss.
  static std::size_t learned_units(const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = text.find(" loss "); at != std::string::npos; at = text.find(" loss ", at + 1)) ++count;
    return count;
  }

  /// Kills a run of this recipe behind its first learned unit, goes on with it, and compares with a run in one go.
  void expect_to_go_on(std::vector<std::string> settings) const {
    settings.insert(settings.end(), {"--threads", "2", "-v", "--set", ""});
    const fs::path partial = folder_ / "killed.qnet.partial";
    std::vector<std::string> arguments;
    // More iterations where the machine finishes before it can be killed.
    for (int iterations = 400;; iterations *= 4) {
      ASSERT_LT(iterations, 1'000'000) << "never killed in time";
      settings.back() = fmt::format("reconstruction.iterations={}", iterations);
      arguments = {"--model", "m.onnx", "--calibration", "images.npy", "--output", "killed.qnet"};
      arguments.insert(arguments.end(), settings.begin(), settings.end());
      if (kill_when_exists(arguments, partial / "pass0-unit1")) break;
      fs::remove_all(folder_ / "killed.qnet");
    }
    EXPECT_FALSE(fs::exists(folder_ / "killed.qnet"));
    ASSERT_TRUE(fs::exists(partial));
    const auto resumed = run(arguments);
    ASSERT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_FALSE(fs::exists(partial));
    const auto whole = quantize(settings);
    ASSERT_EQ(whole.status, 0) << whole.err;
    EXPECT_LT(learned_units(resumed.err), learned_units(whole.err));
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "out.qnet")) {
      ++files;
      EXPECT_EQ(test::read_text(entry.path()), test::read_text(folder_ / "killed.qnet" / entry.path().filename()))
          << entry.path();
    }
    EXPECT_GT(files, 5u);
  }

  void expect_rejected(const test::Outcome& outcome, std::initializer_list<std::string> words) const {
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    for (const std::string& word : words)
      EXPECT_NE(outcome.err.find(word), std::string::npos) << "'" << word << "' is not in: " << outcome.err;
    for (const auto& entry : fs::directory_iterator(folder_))
      EXPECT_EQ(entry.path().filename().string().find("out.qnet"), std::string::npos) << entry.path();
  }
};

TEST_F(Quantrun, WritesANetworkThatReadsBack) {
  const auto outcome = quantize({"--recipe", "nearest", "--bits", "w4a4", "--set", "calibration.images=20", "--test",
                                 "images.npy", "--test-labels", "labels.npy", "--threads", "2", "--seed", "5"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (const char* word : {"accuracy over 40 images: float ", "policy: W4A4", "wrote out.qnet", "b_short"})
    EXPECT_NE(outcome.out.find(word), std::string::npos) << outcome.out;
  const qnet::Network network = qnet::read(folder_ / "out.qnet");
  EXPECT_EQ(network.provenance.recipe, "nearest_w4a4");
  EXPECT_EQ(network.provenance.seed, 5);
  EXPECT_EQ(network.provenance.calibration_images, 20);
  EXPECT_EQ(network.provenance.method, "nearest");
  EXPECT_EQ(network.provenance.float_accuracy_images, 40);
  EXPECT_EQ(network.output().channels, 5);

  // Again, in place, without a test set: the same network, and no accuracy.
  const auto again = quantize({"--recipe", "nearest", "--bits", "w4a4", "--set", "calibration.images=20", "--threads",
                               "1", "--seed", "5", "-q"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out + again.err, "");
  const qnet::Network second = qnet::read(folder_ / "out.qnet");
  EXPECT_EQ(second.provenance.float_accuracy_images, 0);
  for (std::size_t i = 0; i < network.layers.size(); ++i)
    EXPECT_EQ(network.layers[i].weights, second.layers[i].weights);
}

/// The lines of the table under this title, by their first word, in order.
std::vector<std::vector<std::string>> table_rows(const std::string& text, const std::string& title,
                                                 const std::vector<std::string>& names) {
  std::istringstream lines(text.substr(text.find(title)));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(lines, line) && !line.empty();) {
    std::istringstream words(line);
    std::vector<std::string> row;
    for (std::string word; words >> word;) row.push_back(word);
    if (std::find(names.begin(), names.end(), row[0]) != names.end()) rows.push_back(row);
  }
  return rows;
}

TEST_F(Quantrun, DiagnosisTableAndReportAgree) {
  const auto outcome = quantize({"--recipe", "nearest", "--bits", "w2a4", "--diagnose", "--report", "report.json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::json::parse(test::read_text(folder_ / "report.json"));
  EXPECT_EQ(json["diagnosis_images"], 40);
  EXPECT_EQ(json["layers"].back()["output_bits"], 32) << "logits leave the core as accumulators";
  EXPECT_EQ(json["layers"].back()["output_bits_because"], "logits");
  const std::vector<std::string> order = json["worst_first"];
  ASSERT_EQ(order.size(), json["layers"].size());
  const auto layer = [&](const std::string& name) {
    for (const auto& one : json["layers"])
      if (one["name"] == name) return one["diagnosis"];
    return nlohmann::json();
  };
  // Numbers as the table rounds them; "exact", "." and "<0.1" are words.
  const auto agrees = [](const std::string& cell, const nlohmann::json& value) {
    if (value.is_string()) return cell == value.get<std::string>();
    const double number = value;
    if (cell == ".") return number == 0;
    if (cell == "<0.1") return number > 0 && number < 0.05;
    if (cell == ">-0.1") return number < 0 && number > -0.05;
    return std::abs(std::stod(cell) - number) < 0.0501;
  };
  const auto lost = table_rows(outcome.out, "Where the signal is lost", order);
  ASSERT_EQ(lost.size(), order.size()) << outcome.out;
  double previous = 1e300;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& row = lost[i];
    const auto diagnosis = layer(order[i]);
    EXPECT_EQ(row[0], order[i]);
    EXPECT_LE(diagnosis["added_noise_percent_of_signal"], previous);
    previous = diagnosis["added_noise_percent_of_signal"];
    EXPECT_TRUE(agrees(row[3], diagnosis["inherited_sqnr_db"])) << row[3] << diagnosis;
    EXPECT_TRUE(agrees(row[4], diagnosis["output_sqnr_db"])) << row[4] << diagnosis;
    EXPECT_TRUE(agrees(row[6], diagnosis["added_by_weights_percent_of_signal"])) << row[6] << diagnosis;
    EXPECT_TRUE(agrees(row[7], diagnosis["added_by_codes_percent_of_signal"])) << row[7] << diagnosis;
    EXPECT_TRUE(agrees(row[8], diagnosis["added_noise_percent_of_signal"])) << row[8] << diagnosis;
    EXPECT_EQ(row[9], fmt::format("{:.3g}", diagnosis["float"]["mean"].get<double>()));
    EXPECT_EQ(row[12], fmt::format("{:.3g}", diagnosis["quantized"]["standard_deviation"].get<double>()));
  }
  EXPECT_GT(layer(order[0])["added_noise_percent_of_signal"], 1);
  std::size_t at = 0;
  for (const auto& row : table_rows(outcome.out, "Weights, in the same order", order)) {
    while (!layer(order[at]).contains("weights")) ++at;
    EXPECT_EQ(row[0], order[at]);
    const auto weights = layer(order[at++])["weights"];
    EXPECT_EQ(row[1], fmt::format("{}", weights["bits"].get<int>()));
    const char* keys[] = {"sqnr_db",
                          "clipped_percent",
                          "clipping_noise_percent",
                          "power_of_two_loss_db",
                          "worst_channel_power_of_two_loss_db",
                          "at_ends_percent",
                          "dead_codes_percent",
                          "zero_channels",
                          "ties_percent",
                          "moved_percent"};
    for (std::size_t i = 0; i < std::size(keys); ++i)
      EXPECT_TRUE(agrees(row[2 + i], weights[keys[i]])) << keys[i] << ": " << row[2 + i] << weights;
  }
  EXPECT_GT(at, 5u);
  at = 0;
  for (const auto& row : table_rows(outcome.out, "Output codes, in the same order", order)) {
    while (!layer(order[at]).contains("sums")) ++at;
    EXPECT_EQ(row[0], order[at]);
    const auto diagnosis = layer(order[at++]);
    const auto codes = diagnosis.value("codes", nlohmann::json()), sums = diagnosis["sums"];
    EXPECT_TRUE(agrees(row[2], diagnosis["output_sqnr_db"]));
    EXPECT_EQ(row[11],
              fmt::format("{}/{}/{}", sums["accumulator_bits_seen"].get<int>(),
                          sums["accumulator_bits_proven"].get<int>(), sums["accumulator_bits_available"].get<int>()));
    if (codes.is_null()) continue;  // logits
    const char* keys[] = {"alone_sqnr_db", "clipped_percent", "clipping_noise_percent", "power_of_two_loss_db",
                          "at_ends_percent"};
    for (std::size_t i = 0; i < std::size(keys); ++i)
      EXPECT_TRUE(agrees(row[3 + i], codes[keys[i]])) << keys[i] << ": " << row[3 + i] << codes;
    EXPECT_TRUE(agrees(row[10], sums["ties_percent"])) << row[10] << sums;
  }
  EXPECT_GT(at, 5u);
  EXPECT_EQ(quantize({"--recipe", "nearest", "--bits", "w2a4"}).out.find("signal is lost"), std::string::npos);
}

/// Each stage that ran, with its time and memory, in the report and at the end of the output.
TEST_F(Quantrun, TimelineByStage) {
  const auto stages = [&](const std::vector<std::string>& settings, std::vector<std::string> expected) {
    std::vector<std::string> arguments{"--report", "report.json", "--threads", "2"};
    arguments.insert(arguments.end(), settings.begin(), settings.end());
    const auto outcome = quantize(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const std::string last = outcome.out.substr(outcome.out.rfind('\n', outcome.out.size() - 2) + 1);
    EXPECT_EQ(last.rfind("stages: ", 0), 0u) << last;
    const auto json = nlohmann::json::parse(test::read_text(folder_ / "report.json"));
    double seconds = 0;
    std::vector<std::string> names;
    for (const auto& stage : json["stages"]) {
      const std::string name = stage["name"];
      names.push_back(name);
      EXPECT_GT(stage["seconds"], 0) << name;
      if (name != "diagnosis" && name != "export") seconds += stage["seconds"].get<double>();
      // At least the program itself, at most what no test network takes.
      EXPECT_GT(stage["peak_anonymous_bytes"], 1e6) << name;
      EXPECT_GT(stage["peak_resident_bytes"], stage["peak_anonymous_bytes"]) << name;
      EXPECT_LT(stage["peak_resident_bytes"], 2e9) << name;
      EXPECT_NE(last.find(fmt::format("{} {:.1f} s {:.2f} GB", name, stage["seconds"].get<double>(),
                                      stage["peak_resident_bytes"].get<double>() / 1e9)),
                std::string::npos)
          << name << " is not in: " << last;
    }
    EXPECT_EQ(names, expected);
    // Nothing of the quantization is in no stage, and nothing in two.
    EXPECT_LE(seconds, json["seconds"]);
    EXPECT_GT(seconds, 0.5 * json["seconds"].get<double>());
  };
  stages({"--recipe", "nearest", "--bits", "w4a4"}, {"search", "export", "diagnosis"});
  stages({"--recipe", "best", "--bits", "w4a4", "--set", "reconstruction.iterations=20", "--set",
          "network.iterations=20", "--set", "network.exponent_moves=true"},
         {"alignment", "search", "units", "judging", "network", "exponent moves", "statistics", "export", "diagnosis"});
  EXPECT_EQ(quantize({"--recipe", "nearest", "--bits", "w4a4", "-q"}).out, "");
}

/// What the program decided, and what each stage brought: in words and in the report, with its page beside it.
TEST_F(Quantrun, SaysWhatItDecided) {
  const auto outcome = quantize({"--recipe", "best", "--bits", "w2a2", "--set", "reconstruction.iterations=20", "--set",
                                 "network.iterations=8", "--set", "calibration.mirror=true", "--report", "r.json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (const char* decided : {"32 images calibrate, 32 of them mirrored, too; 8 are held out",
                              "learning: 20 iterations a unit, rates 0.05 of rounding and 0.01 of activations; then 8 "
                              "iterations of the whole network"})
    EXPECT_NE(outcome.err.find(decided), std::string::npos) << decided << " is not in: " << outcome.err;
  const auto learning = nlohmann::json::parse(test::read_text(folder_ / "r.json"))["learning"];
  EXPECT_EQ(learning["held_out_images"], 8);
  std::vector<std::string> stages;
  for (const auto& stage : learning["stages"]) {
    stages.push_back(stage["stage"]);
    const std::string said = fmt::format("{} {:.4f}", stages.back(), stage["divergence"].get<double>());
    EXPECT_NE(outcome.out.find(said), std::string::npos) << said << " is not in: " << outcome.out;
  }
  EXPECT_EQ(stages, (std::vector<std::string>{"search", "units", "network"}));
  EXPECT_GT(learning["units"].size(), 1u);
  EXPECT_NE(outcome.out.find("wrote r.json and r.html"), std::string::npos);
  EXPECT_NE(test::read_text(folder_ / "r.html").find("\"held_out_images\": 8"), std::string::npos);
}

/// Iterations from a time: said, kept for a run that goes on, and an error where there is no time at all.
TEST_F(Quantrun, StaysWithinABudget) {
  const auto outcome =
      quantize({"--recipe", "best", "--bits", "w2a4", "--budget-minutes", "0.05", "--report", "r.json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::size_t at = outcome.err.find("budget: 0.05 minutes: ");
  ASSERT_NE(at, std::string::npos) << outcome.err;
  const int iterations = std::stoi(outcome.err.substr(at + 22));
  EXPECT_GE(iterations, 20);
  const auto report = nlohmann::json::parse(test::read_text(folder_ / "r.json"));
  const std::string recipe = report["recipe"];
  EXPECT_NE(recipe.find(fmt::format("iterations: {}\n", iterations)), std::string::npos) << recipe;
  EXPECT_NE(outcome.err.find(fmt::format("learning: {} iterations a unit", iterations)), std::string::npos);
  EXPECT_LT(report["seconds"], 30) << "ten times the budget: the machine may be busy";
  fs::remove_all(folder_ / "out.qnet");
  expect_rejected(quantize({"--recipe", "best", "--bits", "w2a2", "--budget-minutes", "0.0001"}),
                  {"--budget-minutes", "found 0.0001", "expected at least"});
  expect_rejected(quantize({"--recipe", "rapq", "--budget-minutes", "1"}), {"--budget-minutes", "expected auto"});
  expect_rejected(quantize({"--recipe", "best", "--budget-minutes", "1", "--effort", "quick"}), {"--budget-minutes"});
}

TEST_F(Quantrun, DiagnosisOfFreeScales) {
  const auto outcome = run({"--model", "m.onnx", "--calibration", "images.npy", "--set", "scales=free", "--diagnose",
                            "--report", "report.json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("Output codes"), std::string::npos);
  const auto json = nlohmann::json::parse(test::read_text(folder_ / "report.json"));
  for (const auto& layer : json["layers"]) EXPECT_FALSE(layer["diagnosis"].contains("sums"));
}

/// A run that is killed goes on behind its last finished unit, and ends in the same network.
TEST_F(Quantrun, GoesOnAfterBeingKilled) {
  expect_to_go_on({"--recipe", "nearest", "--bits", "w2a4", "--set", "method=rapq", "--set",
                   "reconstruction.activation_iterations=20", "--set", "calibration.images=16"});
}

/// The same where the search's network is kept to judge the units by, and a network stage follows.
TEST_F(Quantrun, BestGoesOnAfterBeingKilled) {
  expect_to_go_on({"--recipe", "best", "--bits", "w2a2", "--set", "network.iterations=20"});
}

TEST_F(Quantrun, MeasuresTheFloatNetworkOnOtherImages) {
  ASSERT_EQ(quantize({"--test", "images.npy", "--test-labels", "labels.npy"}).status, 0);
  const qnet::Network before = qnet::read(folder_ / "out.qnet");
  write_images("other.npy", {7, 9, 9, 1});
  const std::vector<std::int64_t> classes(7, 1);
  const std::size_t shape[] = {7};
  write("classes.npy", encode_npy(DType::kInt64, shape, classes.data()));
  const std::vector<std::string> measure = {"--model",  "m.onnx",    "--measure-float", "--output",   "out.qnet",
                                            "--images", "other.npy", "--labels",        "classes.npy"};
  const test::Outcome measured = run(measure);
  ASSERT_EQ(measured.status, 0) << measured.err;
  qnet::Network after = qnet::read(folder_ / "out.qnet");
  EXPECT_EQ(before.provenance.float_accuracy_images, 40);
  EXPECT_EQ(after.provenance.float_accuracy_images, 7);
  after.provenance.float_accuracy = before.provenance.float_accuracy;
  after.provenance.float_accuracy_images = before.provenance.float_accuracy_images;
  EXPECT_EQ(qnet::content_hash(after), qnet::content_hash(before)) << "nothing else changed";

  residual_model(2).save(folder_ / "m.onnx");
  const test::Outcome other_model = run(measure);
  EXPECT_EQ(other_model.status, 2);
  EXPECT_NE(other_model.err.find("was made from another model"), std::string::npos) << other_model.err;
}

TEST_F(Quantrun, HelpVersionAndRecipe) {
  const auto help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* option :
       {"--model",    "--calibration", "--calibration-labels", "--recipe",  "--input",   "--output",
        "--set",      "--test",        "--test-labels",        "--threads", "--seed",    "--print-recipe",
        "--diagnose", "--effort",      "--budget-minutes",     "--report",  "--verbose", "--quiet",
        "--bits",     "--list-recipes"})
    EXPECT_NE(help.out.find(option), std::string::npos) << option;
  EXPECT_EQ(run({"-c", "images"}).status, 2) << "simrun's --config, and nothing here";
  const auto version = run({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out.rfind("quantrun ", 0), 0u);
  const auto printed = run({"--print-recipe", "--recipe", "nearest", "--bits", "w2a4", "--set", "pool_bits=4"});
  EXPECT_EQ(printed.status, 0);
  EXPECT_NE(printed.out.find("weight_bits: 2\n"), std::string::npos);
  EXPECT_NE(printed.out.find("pool_bits: 4\n"), std::string::npos);
  write("printed.yaml", printed.out);
  EXPECT_EQ(run({"--print-recipe", "--recipe", "printed.yaml"}).out, printed.out);
  const auto names = run({"--list-recipes"});
  EXPECT_EQ(names.status, 0);
  EXPECT_NE(names.out.find("best\n"), std::string::npos);
}

TEST_F(Quantrun, BadCommandLines) {
  expect_rejected(run({}), {"--model"});
  expect_rejected(run({"--model", "m.onnx"}), {"--calibration"});
  expect_rejected(quantize({"--nonsense"}), {"--nonsense"});
  expect_rejected(quantize({"--threads", "-1"}), {"--threads"});
  expect_rejected(quantize({"--set", "weight_bits"}), {"--set", "KEY=VALUE"});
  expect_rejected(quantize({"--set", "weight_bitz=4"}), {"weight_bitz", "'weight_bits'"});
  expect_rejected(quantize({"--set", "weight_bits=5"}), {"weight_bits", "2, 4 or 8"});
  expect_rejected(quantize({"--set", "layers={nope: {weight_bits: 8}}"}), {"'nope'"});
  expect_rejected(quantize({"--recipe", "none.yaml"}), {"none.yaml"});
  expect_rejected(quantize({"--recipe", "bset"}), {"--recipe", "'bset'", "adaround", "did you mean 'best'?"});
  expect_rejected(quantize({"--recipe", "best", "--bits", "w3a4"}), {"--bits", "'w3a4'", "w2a4"});
  expect_rejected(quantize({"--recipe", "rapq", "--effort", "quick"}), {"--effort", "expected auto"});
  expect_rejected(quantize({"--recipe", "best", "--effort", "slow"}), {"--effort", "slow"});
  expect_rejected(quantize({"--report", "r.html"}), {"--report", "'r.html'", "JSON"});
  expect_rejected(quantize({"--test", "images.npy"}), {"--labels"});
  // simrun's -c is its configuration; here it is nothing.
  expect_rejected(run({"--model", "m.onnx", "-c", "images.npy", "--output", "out.qnet"}), {"-c"});
}

TEST_F(Quantrun, BadModels) {
  expect_rejected(quantize({}, "none.onnx"), {"none.onnx", "no such file"});
  expect_rejected(quantize({}, "images.npy"), {"images.npy", "not an ONNX model"});
  const std::string whole = residual_model(1).bytes();
  write("cut.onnx", whole.substr(0, whole.size() / 2));
  expect_rejected(quantize({}, "cut.onnx"), {"cut.onnx", "truncated"});
  OnnxBuilder odd = residual_model(1);
  odd.model.mutable_graph()->mutable_node(2)->set_op_type("Einsum");
  odd.save(folder_ / "odd.onnx");
  expect_rejected(quantize({}, "odd.onnx"), {"odd.onnx", "Einsum", "Relu_stem_r"});
}

/// Values for which no integers of the hardware stand are the model's fault, and the layer's name helps to find them.
TEST_F(Quantrun, ValuesTooLargeForTheHardware) {
  const auto model = [&](const std::string& name, float deviation, int layers) {
    OnnxBuilder b;
    b.input("x", {0, 1, 9, 9});
    std::string from = "x";
    for (int i = 0; i < layers; ++i) {
      const std::string to = fmt::format("t{}", i);
      b.random("w_" + to, {4, i == 0 ? 1 : 4, 3, 3}, deviation);
      b.node("Conv", {from, "w_" + to}, to, {{"pads", Ints{1, 1, 1, 1}}});
      from = to;
    }
    b.node("GlobalAveragePool", {from}, "g");
    b.node("Flatten", {"g"}, "y");
    b.output("y");
    write(name, b.bytes());
  };
  model("huge.onnx", 1e38f, 2);
  expect_rejected(quantize({"--set", "calibration.images=4"}, "huge.onnx"), {"layer ", "too large"});
  model("explodes.onnx", 1e4f, 12);
  expect_rejected(quantize({"--set", "calibration.images=4"}, "explodes.onnx"), {"layer ", "too large"});
}

TEST_F(Quantrun, BadImages) {
  expect_rejected(quantize({}, "m.onnx", "none.npy"), {"none.npy"});
  expect_rejected(quantize({}, "m.onnx", "labels.npy"), {"labels.npy"});
  write_images("large.npy", {4, 10, 9, 1});
  expect_rejected(quantize({}, "m.onnx", "large.npy"), {"large.npy", "10", "9"});
  write_images("rgb.npy", {4, 9, 9, 3});
  expect_rejected(quantize({}, "m.onnx", "rgb.npy"), {"rgb.npy", "3", "1"});
  write_images("few.npy", {7, 9, 9, 1});
  expect_rejected(quantize({"--test", "few.npy", "--test-labels", "labels.npy"}), {"40", "7"});
  std::vector<std::int64_t> labels(40, 5);
  const std::size_t shape[] = {40};
  write("five.npy", encode_npy(DType::kInt64, shape, labels.data()));
  expect_rejected(quantize({"--test", "images.npy", "--test-labels", "five.npy"}), {"label 5", "0 to 4"});
  expect_rejected(run({"--model", "m.onnx", "--calibration", "images.npy", "--output", "m.onnx/out.qnet"}), {"m.onnx"});
  // Errors that the file system itself has with a name.
  expect_rejected(quantize({}, "m.onnx", std::string(300, 'x')), {"xxx: File name too long"});
}

}  // namespace
}  // namespace shiftsim::quantizer
