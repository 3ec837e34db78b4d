// Configurations: defaults, includes, overrides, 'auto', the printed form, and every kind of mistake.
#include "sim/config/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "common/error.h"
#include "sim/energy/technology.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

class ConfigTest : public testing::Test {
protected:
  ConfigTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("shiftsim_config_{}_{}", info->name(), getpid());
    fs::create_directories(folder_);
  }
  ~ConfigTest() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  /// The message with which loading fails, without the folder.
  std::string error(const std::string& text, const std::vector<std::string>& overrides = {}) const {
    try {
      load_config(write("c.yaml", text), overrides);
    } catch (const UserError& e) {
      std::string message = e.what();
      const std::string prefix = folder_.string() + "/";
      if (const auto at = message.find(prefix); at != std::string::npos) message.erase(at, prefix.size());
      return message;
    }
    return "no error";
  }

  fs::path folder_;
};

TEST_F(ConfigTest, DefaultsAreThe16x16Array) {
  const RunConfig config = load_config("", {});
  EXPECT_EQ(config.accelerator.array, (ArrayConfig{16, 16, 4, 8, 24}));
  EXPECT_EQ(config.accelerator.scratchpad, (ScratchpadConfig{128, 96, 7, 32, 32}));
  EXPECT_EQ(config.accelerator.array.pixels(), 4);
  EXPECT_EQ(config.fidelity, Fidelity::kCycle);
  EXPECT_NO_THROW(load_technology(config.technology));
}

TEST_F(ConfigTest, DepthsFollowTheWordWidths) {
  // pe16x16: N = 16, L = 4, P = 4, Q = 8.
  AcceleratorConfig config;
  const WordBits bits = config.word_bits();
  EXPECT_EQ(bits.activation, 128);
  EXPECT_EQ(bits.weight_pair, 128);
  EXPECT_EQ(bits.weight_carry, 64);
  EXPECT_EQ(bits.table, 448);
  EXPECT_EQ(config.load_bits(), 448);
  const Depths depths = config.depths();
  EXPECT_EQ(depths.activation, 1024);  // 128 KiB / (4 banks x 2 halves x 16 bytes)
  EXPECT_EQ(depths.weight, 2048);      // 96 KiB / (2 x 24)
  EXPECT_EQ(depths.table, 73);         // 8 KiB / (2 x 56)
  EXPECT_EQ(depths.residual, 1024);    // 32 KiB / (2 x 16)
  EXPECT_EQ(depths.output, 1024);
}

TEST_F(ConfigTest, AutoFollowsTheGeometry) {
  const struct {
    int rows, cols, lanes, ppu_lanes;
  } cases[] = {{16, 16, 4, 8}, {4, 4, 4, 2}, {7, 5, 1, 3}, {9, 64, 3, 32}, {6, 4, 3, 2}, {64, 33, 4, 17}};
  for (const auto& c : cases) {
    const AcceleratorConfig config = make_accelerator(c.rows, c.cols);
    EXPECT_EQ(config.array.lanes, c.lanes) << c.rows << "x" << c.cols;
    EXPECT_EQ(config.array.ppu_lanes, c.ppu_lanes) << c.rows << "x" << c.cols;
    EXPECT_GE(config.depths().activation, 1024);
    EXPECT_GE(config.depths().weight, 2048);
    EXPECT_GE(config.depths().table, 64);
  }
}

TEST_F(ConfigTest, EveryGeometryHasAutomaticSizes) {
  for (int rows = 4; rows <= 64; ++rows) {
    for (int cols = 4; cols <= 64; ++cols) EXPECT_NO_THROW(make_accelerator(rows, cols)) << rows << "x" << cols;
  }
}

TEST_F(ConfigTest, IncludedValuesAreOverridden) {
  write("base/base.yaml", "array: {rows: 8, cols: 12}\nclock_mhz: 250\nnetwork: net.qnet\nrun: {images: 7}\n");
  const fs::path file = write("top.yaml", "include: base/base.yaml\nname: top\narray: {rows: 32}\n");
  const RunConfig config = load_config(file, {"run.images=3", "dataset.test_images=100"});
  EXPECT_EQ(config.accelerator.name, "top");
  EXPECT_EQ(config.accelerator.array.rows, 32);
  EXPECT_EQ(config.accelerator.array.cols, 12);
  EXPECT_EQ(config.accelerator.clock_mhz, 250);
  EXPECT_EQ(config.image_count, 3);
  EXPECT_EQ(config.test_images, 100);
  EXPECT_EQ(config.network, (folder_ / "base/net.qnet").string()) << "relative to the file that says it";
}

TEST_F(ConfigTest, AnotherNetworkIsNotMadeByTheIncludedQuantizeSection) {
  write("base.yaml", "network: net.qnet\nquantize: {model: m.onnx, recipe: r.yaml, calibration: c.npy}\n");
  const fs::path file = write("c.yaml", "include: base.yaml\n");
  EXPECT_EQ(load_config(file, {}).quantize.model, (folder_ / "m.onnx").string());
  EXPECT_EQ(load_config(file, {"network=other.qnet"}).quantize, QuantizeConfig{});
}

TEST_F(ConfigTest, PathsOfOverridesCountFromTheCurrentFolder) {
  const fs::path file = write("c.yaml", "network: net.qnet\n");
  const RunConfig config = load_config(file, {"network=x.qnet", "dataset.images=/a/b.npy"});
  EXPECT_EQ(config.network, (fs::current_path() / "x.qnet").string());
  EXPECT_EQ(config.images, "/a/b.npy");
  EXPECT_EQ(config.accelerator.name, "c") << "named after the file";
}

TEST_F(ConfigTest, PrintedConfigurationLoadsToTheSame) {
  const fs::path file = write("c.yaml",
                              "array: {rows: 21, cols: 10, lanes: 3, accumulator_bits: 27}\n"
                              "scratchpad: {weight_kib: 20}\n"
                              "dram: {latency_cycles: 7, bytes_per_cycle: 5, burst_bytes: 35}\n"
                              "command_queue_depth: 2\nclock_mhz: 333.25\n"
                              "network: \"it's: a \\\"net\\\" # 1.qnet\"\n"
                              "dataset: {images: i, labels: l, test_images: 12}\n"
                              "run: {fidelity: lockstep, images: 4, batch: 2, seed: 99, threads: 3, results: r}\n"
                              "lockstep: {wave_cycles: 10, max_cycles: 123456789012}\n"
                              "quantize: {model: m.onnx, recipe: r.yaml, bits: w2a4, calibration: cal}\n");
  for (const RunConfig& config : {load_config(file, {}), load_config("", {})}) {
    const std::string text = print_config(config);
    EXPECT_EQ(load_config(write("elsewhere/printed.yaml", text), {}), config) << text;
  }
}

TEST_F(ConfigTest, PrintedConfigurationExplainsEveryKey) {
  std::istringstream lines(print_config(load_config("", {})));
  for (std::string line; std::getline(lines, line);) {
    const bool section = !line.empty() && line.back() == ':';
    if (!line.empty() && !section) {
      EXPECT_NE(line.find('#'), std::string::npos) << line;
    }
  }
}

TEST_F(ConfigTest, ShippedConfigurationsLoad) {
  for (const int side : {8, 16, 32}) {
    const fs::path file = fs::path(SHIFTSIM_SOURCE_DIR) / fmt::format("configs/pe{0}x{0}.yaml", side);
    const RunConfig config = load_config(file, {});
    EXPECT_EQ(config.accelerator.array.rows, side);
    EXPECT_EQ(config.accelerator.name, fmt::format("pe{0}x{0}", side));
    EXPECT_EQ(config.network, (fs::path(SHIFTSIM_SOURCE_DIR) / "cache/resnet_fmnist_w4a4.qnet").string());
    EXPECT_TRUE(fs::is_regular_file(config.technology)) << config.technology;
    EXPECT_TRUE(fs::is_regular_file(config.quantize.model)) << config.quantize.model;
  }
}

// Mistakes: each message names the file and line, the key, what was found and what was expected.

TEST_F(ConfigTest, UnknownKeySuggestsTheNearest) {
  EXPECT_EQ(error("name: x\nclok_mhz: 500\n"), "c.yaml:2: clok_mhz: unknown key; did you mean 'clock_mhz'?");
  EXPECT_EQ(error("array:\n  rows: 8\n  colums: 8\n"), "c.yaml:3: array.colums: unknown key; did you mean 'cols'?");
  EXPECT_EQ(error("zzzzzzzz: 1\n"), "c.yaml:1: zzzzzzzz: unknown key");
}

TEST_F(ConfigTest, WrongTypesAndSizes) {
  EXPECT_EQ(error("array: {rows: many}\n"), "c.yaml:1: array.rows: found 'many', expected an integer in [4, 64]");
  EXPECT_EQ(error("array: {rows: 0}\n"), "c.yaml:1: array.rows: found '0', expected an integer in [4, 64]");
  EXPECT_EQ(error("array: {cols: -16}\n"), "c.yaml:1: array.cols: found '-16', expected an integer in [4, 64]");
  EXPECT_EQ(error("array: {rows: 65}\n"), "c.yaml:1: array.rows: found '65', expected an integer in [4, 64]");
  EXPECT_EQ(error("array: {lanes: 1.5}\n"),
            "c.yaml:1: array.lanes: found '1.5', expected an integer in [1, 64], or 'auto'");
  EXPECT_EQ(error("array: {lanes: [4]}\n"),
            "c.yaml:1: array.lanes: found a list, expected an integer in [1, 64], or 'auto'");
  EXPECT_EQ(error("array: 16\n"), "c.yaml:1: array: found '16', expected a mapping");
  EXPECT_EQ(error("\nscratchpad:\n  weight_kib: 0\n"),
            "c.yaml:3: scratchpad.weight_kib: found '0', expected an integer in [1, 65536], or 'auto'");
  EXPECT_EQ(error("dram: {bytes_per_cycle: -1}\n"),
            "c.yaml:1: dram.bytes_per_cycle: found '-1', expected an integer in [1, 4096]");
  EXPECT_NE(error("clock_mhz: fast\n").find("c.yaml:1: clock_mhz: found 'fast', expected a number"), std::string::npos);
  EXPECT_NE(error("run: {fidelity: cylce}\n").find("did you mean 'cycle'?"), std::string::npos);
  EXPECT_NE(error("name: a/b\n").find("expected letters"), std::string::npos);
}

TEST_F(ConfigTest, ImagesAreWholeBatches) {
  EXPECT_EQ(load_config(write("c.yaml", "name: x\n"), {}).image_count, 1);
  EXPECT_EQ(load_config(write("c.yaml", "run: {batch: 4}\n"), {}).image_count, 4) << "auto: one batch";
  EXPECT_EQ(load_config(write("c.yaml", "run: {batch: 4, images: auto}\n"), {"run.batch=5"}).image_count, 5);
  EXPECT_EQ(load_config(write("c.yaml", "run: {batch: 4, images: 12}\n"), {}).image_count, 12);
  EXPECT_EQ(error("run:\n  batch: 4\n  images: 10\n"),
            "c.yaml:3: run.images: found 10, expected a multiple of run.batch, which is 4");
  EXPECT_EQ(error("run: {batch: 0}\n"), "c.yaml:1: run.batch: found '0', expected an integer in [1, 64]");
  EXPECT_EQ(error("run: {batch: 65}\n"), "c.yaml:1: run.batch: found '65', expected an integer in [1, 64]");
  EXPECT_EQ(error("run: {batch: auto}\n"), "c.yaml:1: run.batch: found 'auto', expected an integer in [1, 64]");
}

TEST_F(ConfigTest, LanesMustDivideTheRows) {
  const std::string message = error("array:\n  rows: 16\n  lanes: 5\n");
  EXPECT_NE(message.find("c.yaml:3: array.lanes: 5 lanes do not fit 16 rows and 16 columns: rows = pixels x lanes"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("lanes can be 1, 2, 4, 8, 16"), std::string::npos) << message;
  // More lanes than columns: the word of one activation read does not hold so many channels.
  EXPECT_NE(error("array: {rows: 16, cols: 4, lanes: 8}\n").find("lanes can be 1, 2, 4"), std::string::npos);
}

TEST_F(ConfigTest, PpuLanesAreAtMostTheColumns) {
  EXPECT_NE(error("array: {cols: 8, ppu_lanes: 9}\n").find("c.yaml:1: array.ppu_lanes: found 9, expected 1 to 8"),
            std::string::npos);
}

TEST_F(ConfigTest, ScratchpadsHoldBetween1And65536Words) {
  // 64 rows, 4 lanes: 16 banks x 2 halves x 64 bytes = 2 KiB hold one word of each.
  const std::string small = error("array: {rows: 64, cols: 64}\nscratchpad:\n  activation_kib: 1\n");
  EXPECT_NE(small.find("c.yaml:3: scratchpad.activation_kib: 1 KiB hold no word of each half"), std::string::npos);
  EXPECT_NE(small.find("at least 2 KiB"), std::string::npos) << small;
  const std::string large = error("array: {rows: 4, cols: 4}\nscratchpad: {output_kib: 513}\n");
  EXPECT_NE(large.find("at most 512 KiB"), std::string::npos) << large;
}

TEST_F(ConfigTest, MistakesInOverridesNameTheOption) {
  EXPECT_NE(error("name: x\n", {"array.rows=many"}).find("--set: array.rows: found 'many'"), std::string::npos);
  EXPECT_NE(error("name: x\n", {"array.rosw=8"}).find("--set: array.rosw: unknown key; did you mean 'rows'?"),
            std::string::npos);
  EXPECT_NE(error("name: x\n", {"array.rows"}).find("expected KEY=VALUE"), std::string::npos);
  EXPECT_NE(error("name: x\n", {"array.lanes=3"}).find("--set: array.lanes: 3 lanes do not fit"), std::string::npos);
}

TEST_F(ConfigTest, FilesThatCannotBeRead) {
  EXPECT_THROW(load_config(folder_ / "missing.yaml", {}), UserError);
  EXPECT_THROW(load_config(folder_, {}), UserError);
  EXPECT_NE(error("array: {rows: 16\n").find("c.yaml:2: malformed YAML"), std::string::npos);
  EXPECT_NE(error("include: nothing.yaml\n").find("c.yaml:1: include: there is no file"), std::string::npos);
  EXPECT_NE(error("include: c.yaml\n").find("a circle?"), std::string::npos);
}

TEST_F(ConfigTest, ValidateRefusesWhatNoFileCanHold) {
  AcceleratorConfig config;
  config.array.rows = 3;
  EXPECT_THROW(validate(config), UserError);
  EXPECT_THROW(make_accelerator(16, 16, 5), UserError);
  EXPECT_THROW(make_accelerator(16, 16, 4, 17), UserError);
}

TEST_F(ConfigTest, TechnologyFilesNameTheirSources) {
  const fs::path shipped = fs::path(SHIFTSIM_SOURCE_DIR) / "configs/technologies/45nm_horowitz.yaml";
  const Technology technology = load_technology(shipped);
  EXPECT_EQ(technology.sources.size(), 11u);
  for (const Source& source : technology.sources) EXPECT_GT(source.text.size(), 40u) << source.section;

  std::ifstream in(shipped);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto without = [&](const std::string& what, const std::string& instead) {
    std::string changed = text;
    const auto at = changed.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    changed.replace(at, what.size(), instead);
    try {
      load_technology(write("t.yaml", changed));
    } catch (const UserError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(without("  pj: 0.42\n", "  pj: -1\n").find("shifter.pj: found '-1'"), std::string::npos);
  EXPECT_NE(without("  pj: 0.42\n", "  pj: 0.42\n  nj: 3\n").find("unknown key"), std::string::npos);
  EXPECT_NE(without("  kib: [8, 32, 1024]\n", "  kib: [8, 32]\n").find("pj_per_64_bits: found 3 values, expected 2"),
            std::string::npos);
  EXPECT_NE(without("  bits: [8, 16, 32]\n", "  bits: [8, 32, 16]\n").find("rising order"), std::string::npos);
  EXPECT_NE(without("  source: \"Gem5", "  origin: \"Gem5").find("shifter.source: the key is missing"),
            std::string::npos);
}

}  // namespace
}  // namespace shiftsim::sim
