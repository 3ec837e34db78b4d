// simrun on the command line: what it prints, its exit status, and every kind of bad input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "qnet/golden.h"
#include "qnet/io.h"
#include "tests/cli/tiny_network.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using test::kClasses;
using test::kImages;
using test::kSide;
using test::write_npy;

class SimrunTest : public test::TinyNetworkTest {
protected:
  SimrunTest() {
    write("c.yaml",
          "name: tiny\nnetwork: tiny.qnet\ndataset: {images: images.npy, labels: labels.npy}\n"
          "run: {fidelity: golden, results: results}\n");
  }

  test::Outcome simrun(std::vector<std::string> arguments, bool quiet = true) const {
    if (quiet) arguments.insert(arguments.begin(), "-q");
    return run_program(SHIFTSIM_SIMRUN, arguments);
  }

  /// Bad input: exit status 2, a message with all of 'parts', and no results.
  void expect_bad_input(const std::vector<std::string>& arguments, const std::vector<std::string>& parts) const {
    const test::Outcome outcome = simrun(arguments);
    EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
    for (const std::string& part : parts) EXPECT_THAT(outcome.err, HasSubstr(part));
    EXPECT_THAT(outcome.err, Not(HasSubstr("terminate called")));
    EXPECT_FALSE(fs::exists(folder_ / "results")) << "nothing half-written";
  }
};

TEST_F(SimrunTest, HelpAndVersion) {
  const test::Outcome help = simrun({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("--config"), HasSubstr("--fidelity"), HasSubstr("--dump-golden")));
  EXPECT_EQ(simrun({"-c", "c.yaml", "--print-config"}).out, simrun({"--config", "c.yaml", "--print-config"}).out);
  const test::Outcome version = simrun({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.out, HasSubstr("simrun 0."));
}

TEST_F(SimrunTest, PrintedConfigurationIsAConfiguration) {
  const test::Outcome first = simrun({"--config", "c.yaml", "--set", "array.rows=24", "--print-config"});
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("rows: 24"));
  write("elsewhere/printed.yaml", first.out);
  const test::Outcome second = simrun({"--config", "elsewhere/printed.yaml", "--print-config"});
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(second.out, first.out);
  EXPECT_EQ(simrun({"--print-config"}).status, 0) << "the defaults, without a file";
}

TEST_F(SimrunTest, GoldenAccuracyOfTheWholeSet) {
  const test::Outcome outcome = simrun({"--config", "c.yaml"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("quantized 95.00 % (20 images)"));
  const auto json = nlohmann::json::parse(test::read_text(folder_ / "results/tiny/report.json"));
  EXPECT_EQ(json["accuracy"]["quantized"], 95.0);
  EXPECT_EQ(json["accuracy"]["images"], 20);
  EXPECT_EQ(json["lockstep"]["verdict"], "not run");
  EXPECT_EQ(json["lockstep"]["comparisons"], 0);
  EXPECT_TRUE(fs::exists(folder_ / "results/tiny/layers.csv"));
}

TEST_F(SimrunTest, CyclesAreAttributedAndValuesAreGolden) {
  const test::Outcome outcome = simrun({"--config", "c.yaml", "--fidelity", "cycle", "--set", "run.images=2"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("equal to the golden reference"));
  EXPECT_THAT(outcome.out, HasSubstr("lockstep     not run"));
  const auto json = nlohmann::json::parse(test::read_text(folder_ / "results/tiny/report.json"));
  std::int64_t total = 0;
  for (const auto& layer : json["layers"]) {
    std::int64_t cycles = 0;
    for (const auto& [cause, count] : layer["cycles_by_cause"].items()) cycles += count.get<std::int64_t>();
    EXPECT_EQ(cycles, layer["cycles"].get<std::int64_t>()) << layer["name"];
    EXPECT_EQ(layer["events"]["cycles"], layer["cycles"]) << layer["name"];
    total += cycles;
  }
  EXPECT_EQ(json["layers"].size(), 2u);
  // Three tensors, then the weights and tables of two layers.
  ASSERT_EQ(json["dram_map"].size(), 5u);
  EXPECT_EQ(json["dram_map"][0]["address"], 0);
  EXPECT_EQ(json["dram_map"][2]["kind"], "tensor");
  EXPECT_EQ(json["dram_map"][4]["kind"], "parameters");
  EXPECT_EQ(json["dram_map"][4]["name"], json["layers"][1]["name"]);
  EXPECT_EQ(json["cycles"]["total"], total);
  EXPECT_GT(total, 0);
  EXPECT_GT(json["energy"]["total_pj"].get<double>(), 0);
  EXPECT_EQ(json["values"]["mismatches"], 0);
  // 2 images of 4x4x4 outputs over 9 inputs, and of 3 over 64.
  EXPECT_EQ(json["cycles"]["macs"], 2 * (4 * 4 * 4 * 9 + 3 * 64));
}

TEST_F(SimrunTest, ABatchIsSaidInTheReport) {
  const test::Outcome outcome = simrun(
      {"--config", "c.yaml", "--fidelity", "cycle", "--set", "run.batch=3", "--set", "run.images=6", "--compare"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("batch        3 images together, layer by layer"));
  EXPECT_THAT(outcome.out, HasSubstr("6 images"));
  EXPECT_THAT(outcome.out, HasSubstr("48x4x9")) << "to other simulators a batch is more pixels: 3 of 4x4";
  const auto json = nlohmann::json::parse(test::read_text(folder_ / "results/tiny/report.json"));
  const auto& cycles = json["cycles"];
  EXPECT_EQ(cycles["batch"], 3);
  EXPECT_EQ(cycles["images"], 6);
  EXPECT_DOUBLE_EQ(cycles["per_image"].get<double>(), cycles["total"].get<double>() / 6);
  EXPECT_DOUBLE_EQ(cycles["seconds_per_batch"].get<double>(), 3 * cycles["seconds_per_image"].get<double>());
  EXPECT_EQ(json["values"]["images"], 6);
  EXPECT_EQ(json["values"]["mismatches"], 0);
  EXPECT_EQ(json["configuration"]["run"]["batch"], 3);
  // 4x4 pixels of a byte begin a burst of their own in each image.
  EXPECT_EQ(json["dram_map"][0]["image_pitch"], 64);
  EXPECT_EQ(json["dram_map"][0]["bytes"], 2 * 64 + 16);
}

TEST_F(SimrunTest, AccuracyIsComputedOnceForANetworkAndImages) {
  const auto accuracy = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"--config", "c.yaml"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const test::Outcome outcome = simrun(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("quantized 95.00 % (20 images)"));
    return nlohmann::json::parse(test::read_text(folder_ / "results/tiny/report.json"))["accuracy"];
  };
  const auto first = accuracy({});
  EXPECT_EQ(first["kept_from_an_earlier_run"], false);
  const auto other_array = accuracy({"--set", "array.rows=8", "--set", "array.cols=8"});
  EXPECT_EQ(other_array["kept_from_an_earlier_run"], true);
  EXPECT_EQ(other_array["correct"], first["correct"]);
  EXPECT_EQ(accuracy({"--set", "run.accuracy_cache=false"})["kept_from_an_earlier_run"], false);

  // A damaged entry is no entry, and one that cannot be true neither.
  std::size_t entries = 0;
  for (const std::string& damage :
       {std::string("{"), std::string(), std::string("[]"), std::string("null"), std::string("{\"images\": 20}"),
        std::string("{\"images\": 20, \"correct\": 21, \"seconds\": 1}"),
        std::string("{\"images\": 19, \"correct\": 19, \"seconds\": 1}"),
        std::string("{\"images\": 20, \"correct\": \"19\", \"seconds\": 1}")}) {
    SCOPED_TRACE(damage);
    for (const auto& entry : fs::directory_iterator(folder_ / "cache/accuracy")) {
      std::ofstream(entry.path()) << damage;
      ++entries;
    }
    EXPECT_EQ(accuracy({})["kept_from_an_earlier_run"], false);
    EXPECT_EQ(accuracy({})["kept_from_an_earlier_run"], true);
  }
  EXPECT_EQ(entries, 8u) << "one entry at a time, written anew each time, nothing else beside it";

  // Another label, image or number of images is another accuracy.
  labels_[1] = (labels_[1] + 1) % kClasses;
  write_labels();
  EXPECT_THAT(simrun({"--config", "c.yaml"}).out, AllOf(HasSubstr("90.00 %"), Not(HasSubstr("kept from"))));
  labels_[1] = (labels_[1] + kClasses - 1) % kClasses;
  write_labels();
  EXPECT_THAT(simrun({"--config", "c.yaml"}).out, AllOf(HasSubstr("95.00 %"), HasSubstr("kept from")));
  const std::vector<std::string> fewer = {"--config", "c.yaml", "--set", "dataset.test_images=10"};
  EXPECT_THAT(simrun(fewer).out, AllOf(HasSubstr("90.00 %"), Not(HasSubstr("kept from"))));
  pixels_.back() ^= 1;
  write_npy(folder_ / "images.npy", DType::kUInt8, {kImages, kSide, kSide, 1}, pixels_.data());
  EXPECT_THAT(simrun({"--config", "c.yaml"}).out, Not(HasSubstr("kept from")));
  // Another network, too, even of the same name.
  network_.layers[1].bias[0] += 1000000;
  qnet::write(network_, folder_ / "tiny.qnet");
  EXPECT_THAT(simrun({"--config", "c.yaml"}).out, AllOf(Not(HasSubstr("kept from")), Not(HasSubstr("95.00 %"))));
}

/// Nobody's run may fail because a cache cannot be written.
TEST_F(SimrunTest, CacheThatCannotBeWritten) {
  write("blocked", "a file where a folder should be");
  setenv("SHIFTSIM_CACHE", (folder_ / "blocked").c_str(), 1);
  const test::Outcome outcome = simrun({"--config", "c.yaml"}, false);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("95.00 %"));
  EXPECT_THAT(outcome.err, HasSubstr("not kept"));
}

TEST_F(SimrunTest, OptionsStandAboveTheConfiguration) {
  fs::create_directories(folder_ / "it's here");
  fs::copy_file(folder_ / "images.npy", folder_ / "it's here/i.npy");
  const test::Outcome outcome = simrun({"--network", "tiny.qnet", "--images", "it's here/i.npy", "--fidelity", "golden",
                                        "--output", "out", "--threads", "1", "--set", "dataset.test_images=5"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::json::parse(test::read_text(folder_ / "out/report.json"));
  EXPECT_TRUE(json["accuracy"]["quantized"].is_null()) << "no labels were given";
  EXPECT_EQ(json["accuracy"]["images"], 5);
}

TEST_F(SimrunTest, GoldenVectorsAreTheTrace) {
  const test::Outcome outcome = simrun({"--config", "c.yaml", "--dump-golden", "vectors", "--image", "3"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(folder_ / "vectors/README.md"));
  const qnet::ImageTrace trace = qnet::Golden(network_).trace(pixels_.data() + 3 * kSide * kSide);
  const auto read_hex = [&](const fs::path& file) {
    std::ifstream in(folder_ / "vectors" / file);
    std::vector<std::int32_t> values;
    for (std::string line; std::getline(in, line);) {
      if (line.rfind("//", 0) == 0) continue;
      const auto value = static_cast<std::uint32_t>(std::stoul(line, nullptr, 16));
      values.push_back(line.size() == 2 ? static_cast<std::uint8_t>(value) : static_cast<std::int32_t>(value));
    }
    return values;
  };
  EXPECT_EQ(read_hex("00_conv/ifmap.hex"), trace[0]);
  EXPECT_EQ(read_hex("00_conv/ofmap.hex"), trace[1]);
  EXPECT_EQ(read_hex("01_fc/ofmap.hex"), trace[2]);
  const std::vector<std::int32_t> weights = read_hex("01_fc/weights.hex");
  ASSERT_EQ(weights.size(), network_.layers[1].weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_EQ(static_cast<std::int8_t>(weights[i]), network_.layers[1].weights[i]) << i;
  }
  EXPECT_THAT(test::read_text(folder_ / "vectors/00_conv/layer.txt"), HasSubstr("pad: top 1"));

  expect_bad_input({"--config", "c.yaml", "--dump-golden", "vectors"}, {"vectors: exists already"});
  expect_bad_input({"--config", "c.yaml", "--dump-golden", "other", "--layer", "cnv"}, {"did you mean 'conv'?"});
  expect_bad_input({"--config", "c.yaml", "--dump-golden", "other", "--image", "20"}, {"holds 20 images"});
  EXPECT_FALSE(fs::exists(folder_ / "other"));
}

// Bad input.

TEST_F(SimrunTest, BadOptions) {
  expect_bad_input({"--no-such-option"}, {"--no-such-option"});
  expect_bad_input({"--config"}, {"--config"});
  expect_bad_input({"--config", "c.yaml", "--threads", "many"}, {"--threads"});
  expect_bad_input({"--layer", "x"}, {"--dump-golden"});
  expect_bad_input({"--config", "c.yaml", "--fidelity", "locstep"}, {"did you mean 'lockstep'?"});
  expect_bad_input({"--config", "c.yaml", "--set", "array.rows"}, {"KEY=VALUE"});
  expect_bad_input({"--config", "c.yaml", "--set", "array.rwos=8"}, {"--set", "did you mean 'rows'?"});
  expect_bad_input({}, {"no network"});
}

TEST_F(SimrunTest, MissingFiles) {
  expect_bad_input({"--config", "none.yaml"}, {"none.yaml"});
  expect_bad_input({"--config", "c.yaml", "--network", "none.qnet"}, {"none.qnet"});
  expect_bad_input({"--config", "c.yaml", "--images", "none.npy"}, {"none.npy"});
  expect_bad_input({"--config", "c.yaml", "--labels", "none.npy"}, {"none.npy"});
  expect_bad_input({"--config", "c.yaml", "--set", "technology=none.yaml"}, {"none.yaml"});
  expect_bad_input({"--config", "c.yaml", "--images", std::string(300, 'x')}, {"xxx: File name too long"});
  fs::remove(folder_ / "tiny.qnet/network.yaml");
  expect_bad_input({"--config", "c.yaml"}, {"network.yaml"});
}

TEST_F(SimrunTest, AClockThatTheTechnologyDoesNotReach) {
  write("fast.yaml", "include: c.yaml\nclock_mhz: 5000\n");
  expect_bad_input({"--config", "fast.yaml", "--fidelity", "cycle"},
                   {"fast.yaml:2", "clock_mhz: found 5000, expected at most ", "FO4"});
  expect_bad_input({"--config", "c.yaml", "--set", "clock_mhz=5000"}, {"--set", "clock_mhz: found 5000"});
  const test::Outcome warned =
      simrun({"--config", "fast.yaml", "--fidelity", "cycle", "--set", "clock_check=warn"}, false);
  EXPECT_EQ(warned.status, 0) << warned.err;
  EXPECT_THAT(warned.err, HasSubstr("clock_mhz: found 5000"));
}

TEST_F(SimrunTest, AreaWithoutARun) {
  const test::Outcome outcome = simrun({"--print-area", "--set", "array.rows=32"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const nlohmann::json area = nlohmann::json::parse(outcome.out);
  double sum = 0;
  for (const auto& [component, mm2] : area["components_mm2"].items()) sum += mm2.get<double>();
  EXPECT_NEAR(area["total_mm2"], sum, 1e-9);
  EXPECT_GT(area["clock"]["highest_mhz"], 0);
  const test::Outcome parts = simrun({"--print-inventory", "--set", "array.rows=32"});
  ASSERT_EQ(parts.status, 0) << parts.err;
  double of_parts = 0;
  for (const nlohmann::json& part : nlohmann::json::parse(parts.out)) of_parts += part["area_mm2"].get<double>();
  EXPECT_NEAR(of_parts, sum, 1e-9);
}

TEST_F(SimrunTest, MissingNetworkWithAQuantizeSectionSaysHowToMakeIt) {
  write("q.yaml",
        "network: made.qnet\nquantize: {model: m.onnx, recipe: r.yaml, calibration: cal.npy}\n"
        "dataset: {images: images.npy}\nrun: {results: results}\n");
  expect_bad_input({"--config", "q.yaml"}, {"made.qnet", "scripts/run", "quantrun --model", "m.onnx"});
  const test::Outcome lines = simrun({"--config", "q.yaml", "--print-quantize"});
  EXPECT_EQ(lines.status, 0);
  EXPECT_THAT(lines.out, HasSubstr("recipe\t" + (folder_ / "r.yaml").string() + "\n"));
  EXPECT_THAT(lines.out, HasSubstr("bits\t\n"));
  // One of quantrun's own recipes, by its name.
  const test::Outcome named = simrun(
      {"--config", "q.yaml", "--set", "quantize.recipe=best", "--set", "quantize.bits=w2a4", "--print-quantize"});
  EXPECT_THAT(named.out, HasSubstr("recipe\tbest\nbits\tw2a4\n"));
  expect_bad_input({"--config", "q.yaml", "--set", "quantize.recipe=best", "--set", "quantize.bits=w2a4"},
                   {"--recipe best --bits w2a4"});
}

TEST_F(SimrunTest, BadConfigurations) {
  const auto expect = [&](const std::string& yaml, const std::vector<std::string>& parts) {
    write("bad.yaml", yaml);
    expect_bad_input({"--config", "bad.yaml"}, parts);
  };
  expect("array:\n  rows: 16\n  clos: 8\n", {"bad.yaml:3: array.clos: unknown key; did you mean 'cols'?"});
  expect("array: {rows: wide}\n", {"bad.yaml:1: array.rows: found 'wide', expected an integer"});
  expect("array: {rows: 0}\n", {"bad.yaml:1: array.rows: found '0'"});
  expect("\nscratchpad: {weight_kib: -4}\n", {"bad.yaml:2: scratchpad.weight_kib: found '-4'"});
  expect("array: {rows: 10, lanes: 4}\n", {"bad.yaml:1: array.lanes: 4 lanes do not fit 10 rows", "1, 2, 5, 10"});
  expect("array: {cols: 8, ppu_lanes: 16}\n", {"bad.yaml:1: array.ppu_lanes: found 16, expected 1 to 8"});
  expect("array: [1\n", {"bad.yaml:2: malformed YAML"});
}

TEST_F(SimrunTest, MutantsAreNamesOfTheListAndNoCommands) {
  const std::string hostile = "x;touch made;";
  expect_bad_input({"--config", "c.yaml", "--fidelity", "lockstep", "--set", "lockstep.mutant='" + hostile + "'"},
                   {"lockstep.mutant", "'" + hostile + "'", "--list-mutants"});
  write("m.yaml", "include: c.yaml\nlockstep:\n  mutant: pe_max_unsignd\n");
  expect_bad_input({"--config", "m.yaml", "--fidelity", "lockstep"},
                   {"m.yaml:3", "'pe_max_unsignd'", "did you mean 'pe_max_unsigned'?"});
  EXPECT_FALSE(fs::exists(folder_ / "made"));
}

/// Within their ranges, one burst takes longer than the core may stand still: that is no deadlock.
TEST_F(SimrunTest, SlowestMemoryThatMayBeConfigured) {
  const test::Outcome outcome = simrun({"--config", "c.yaml", "--fidelity", "cycle", "--set", "dram.bytes_per_cycle=1",
                                        "--set", "dram.burst_bytes=65536", "--set", "dram.latency_cycles=100000"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST_F(SimrunTest, LayerNamesMustBeUtf8) {
  const fs::path file = folder_ / "tiny.qnet/network.yaml";
  std::string content = test::read_text(file);
  const std::size_t at = content.find("name: conv") + 6;
  ASSERT_NE(at, std::string::npos + 6);
  content.insert(at + 4, "\xff");
  write("tiny.qnet/network.yaml", content);
  const auto line = 1 + std::count(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  expect_bad_input({"--config", "c.yaml"}, {"network.yaml:" + std::to_string(line), "'conv?'", "UTF-8"});
}

TEST_F(SimrunTest, CorruptedNetworks) {
  const fs::path good = folder_ / "tiny.qnet", bad = folder_ / "bad.qnet";
  for (const auto& entry : fs::directory_iterator(good)) {
    if (entry.path().extension() != ".npy") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const std::string content = test::read_text(entry.path());
    std::string flipped = content;
    flipped.back() = static_cast<char>(flipped.back() ^ 1);
    for (const std::string& broken : {flipped, content.substr(0, content.size() - 1), content + "x", std::string()}) {
      fs::remove_all(bad);
      fs::copy(good, bad);
      write("bad.qnet/" + entry.path().filename().string(), broken);
      expect_bad_input({"--config", "c.yaml", "--network", "bad.qnet"}, {entry.path().filename().string()});
    }
  }
}

TEST_F(SimrunTest, ImagesThatDoNotFitTheNetwork) {
  const std::vector<std::uint8_t> pixels(2 * 5 * 5 * 3);
  write_npy(folder_ / "rgb.npy", DType::kUInt8, {2, 5, 5, 3}, pixels.data());
  expect_bad_input({"--config", "c.yaml", "--images", "rgb.npy"}, {"rgb.npy", "5", "4"});
  write_npy(folder_ / "floats.npy", DType::kFloat32, {1, 4, 4, 1}, std::vector<float>(16).data());
  expect_bad_input({"--config", "c.yaml", "--images", "floats.npy"}, {"floats.npy"});
  write("text.npy", "not an array");
  expect_bad_input({"--config", "c.yaml", "--images", "text.npy"}, {"text.npy"});
}

TEST_F(SimrunTest, LabelsThatDoNotFit) {
  write_npy(folder_ / "few.npy", DType::kInt64, {kImages - 1}, labels_.data());
  expect_bad_input({"--config", "c.yaml", "--labels", "few.npy"}, {"few.npy", "19", "20"});
  labels_[4] = kClasses;
  write_npy(folder_ / "wrong.npy", DType::kInt64, {kImages}, labels_.data());
  expect_bad_input({"--config", "c.yaml", "--labels", "wrong.npy"}, {"label 3 of image 4"});
}

TEST_F(SimrunTest, MoreImagesThanThereAre) {
  expect_bad_input({"--config", "c.yaml", "--fidelity", "cycle", "--set", "run.images=21"},
                   {"run.images: 21 images are to be run", "gives 20"});
  expect_bad_input({"--config", "c.yaml", "--fidelity", "cycle", "--set", "run.batch=21"},
                   {"run.images: 21 images are to be run", "gives 20"});
  expect_bad_input({"--config", "c.yaml", "--fidelity", "cycle", "--set", "run.images=3", "--set", "run.batch=2"},
                   {"run.images: found 3, expected a multiple of run.batch, which is 2"});
  expect_bad_input({"--config", "c.yaml", "--set", "run.batch=2", "--dump-golden", "vectors"},
                   {"--dump-golden writes one image: run.batch is 2, expected 1"});
}

TEST_F(SimrunTest, NetworksThatDoNotFitTheAccelerator) {
  // conv: 9 weights of at most 8 times 255 need 16 bits in most cases, fc less; 16 is the least there is, so widen.
  qnet::Network wide = network_;
  wide.layers[0].weight_bits = 8;
  wide.layers[0].weights.assign(4 * 9, 127);
  qnet::write(wide, folder_ / "wide.qnet");
  // 9 * 127 * 255 = 291,465: 20 bits with the sign.
  expect_bad_input(
      {"--config", "c.yaml", "--fidelity", "cycle", "--network", "wide.qnet", "--set", "array.accumulator_bits=16"},
      {"conv", "20 bits", "accumulator_bits is 16"});
}

TEST_F(SimrunTest, AWindowThatNoBankHoldsIsSplit) {
  // fc reads the whole 4x4 map of one word a pixel: 16 words in a half; 1 KiB holds 8 (4 banks x 2 halves x 16 bytes).
  const test::Outcome outcome = simrun(
      {"--config", "c.yaml", "--fidelity", "cycle", "--output", "split", "--set", "scratchpad.activation_kib=1"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(test::read_text(folder_ / "split" / "report.json"), HasSubstr("\"window_split\": true"));
}

TEST_F(SimrunTest, ResultsThatCannotBeWritten) {
  write("file", "in the way");
  const test::Outcome outcome = simrun({"--config", "c.yaml", "--output", "file/below"});
  EXPECT_EQ(outcome.status, 2) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("file"));
}

}  // namespace
}  // namespace shiftsim
