// The self-checking bench of simrun --dump-golden, in Icarus and in Verilator, on layers of random networks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "qnet/io.h"
#include "tests/cli/command.h"
#include "tests/cli/tiny_network.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kRtl = SHIFTSIM_SOURCE_DIR "/rtl";

/// Files of images have one channel or three.
bool fits_a_file(std::uint64_t seed) {
  const int channels = qnet::random_network(seed).input().channels;
  return channels == 1 || channels == 3;
}

class Bench : public CommandTest {
protected:
  /// The vectors of a random network; gives the folders of its layers.
  std::vector<fs::path> dump(std::uint64_t seed) const {
    const qnet::Network network = qnet::random_network(seed);
    const std::vector<std::uint8_t> image = qnet::random_images(network, 1, seed);
    const qnet::Tensor& input = network.input();
    const std::vector<std::size_t> shape = {1, static_cast<std::size_t>(input.height),
                                            static_cast<std::size_t>(input.width),
                                            static_cast<std::size_t>(input.channels)};
    qnet::write(network, folder_ / "net.qnet");
    write_npy(folder_ / "images.npy", DType::kUInt8, shape, image.data());
    fs::remove_all(folder_ / "vectors");
    const Outcome dumped = run_program(
        SHIFTSIM_SIMRUN, {"--network", "net.qnet", "--images", "images.npy", "-q", "--dump-golden", "vectors"});
    EXPECT_EQ(dumped.status, 0) << dumped.err;
    std::vector<fs::path> layers;
    for (const auto& entry : fs::directory_iterator(folder_ / "vectors"))
      if (entry.is_directory()) layers.push_back(entry.path());
    std::sort(layers.begin(), layers.end());
    const auto views = std::count_if(network.layers.begin(), network.layers.end(),
                                     [](const qnet::Layer& layer) { return layer.is_view(); });
    EXPECT_EQ(layers.size() + static_cast<std::size_t>(views), network.layers.size());
    return layers;
  }

  /// Runs 'line' in a folder as the README of the vectors says.
  Outcome shell(const fs::path& folder, const std::string& line) const {
    return run_program("sh", {"-c", "cd '" + folder.string() + "' && " + line});
  }
  Outcome icarus(const fs::path& layer) const {
    return shell(layer, "iverilog -g2012 -I . -o bench ../bench.sv ../layer_unit.sv && ./bench");
  }
  /// With the plain unit, or with the unit of the project's own parts.
  Outcome verilator(const fs::path& layer, const std::string& unit) const {
    return shell(layer, "verilator --binary --timing -Wno-fatal -I. --top-module bench -CFLAGS -O0 " + unit +
                            " ../bench.sv >verilator.log 2>&1 && obj_dir/Vbench");
  }
};

TEST_F(Bench, IcarusFindsEveryLayerRight) {
  if (run_program("iverilog", {"-V"}).status != 0) GTEST_SKIP() << "iverilog is not installed";
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    if (!fits_a_file(seed)) continue;
    for (const fs::path& layer : dump(seed)) {
      const Outcome outcome = icarus(layer);
      EXPECT_EQ(outcome.status, 0) << "seed " << seed << ", " << layer << outcome.err;
      EXPECT_THAT(outcome.out, StartsWith("PASS: ")) << "seed " << seed << ", " << layer;
    }
  }
}

TEST_F(Bench, AChangedBitIsFound) {
  if (run_program("iverilog", {"-V"}).status != 0) GTEST_SKIP() << "iverilog is not installed";
  const fs::path layer = dump(1).front();
  const auto expect_found = [&](const fs::path& file, std::size_t at, char bit) {
    const std::string before = read_text(file);
    std::string text = before;
    text[at] = bit;
    std::ofstream(file, std::ios::binary) << text;
    const Outcome outcome = icarus(layer);
    EXPECT_EQ(outcome.status, 1) << file;
    EXPECT_THAT(outcome.out, HasSubstr("FAIL: ")) << file;
    std::ofstream(file, std::ios::binary) << before;
  };
  const std::string expected = read_text(layer / "ofmap.hex");
  const std::size_t first = expected.find('\n') + 2;  // the low digit of the first output, behind the comment
  expect_found(layer / "ofmap.hex", first, expected[first] == '0' ? '1' : '0');
  const fs::path unit = folder_ / "vectors/layer_unit.sv";
  const std::string sum = "acc + act_i";
  expect_found(unit, read_text(unit).find(sum) + sum.find('+'), '-');
  EXPECT_EQ(icarus(layer).status, 0) << "as it was";
}

TEST_F(Bench, VerilatorFindsThePlainUnitAndTheRtlRight) {
  if (run_program("verilator", {"--version"}).status != 0) GTEST_SKIP() << "verilator is not installed";
  const std::string rtl = "-y " + kRtl + " " + kRtl + "/shiftsim_cmd_pkg.sv " + kRtl +
                          "/shiftsim_pkg.sv " SHIFTSIM_SOURCE_DIR "/examples/layer_unit/layer_unit.sv";
  // Verilator builds a program for each: one layer for each unit.
  const std::vector<fs::path> layers = dump(1);
  for (const auto& [layer, unit] : {std::pair(layers.back(), std::string("../layer_unit.sv")), {layers.front(), rtl}}) {
    const Outcome outcome = verilator(layer, unit);
    EXPECT_EQ(outcome.status, 0) << layer << unit << outcome.out << read_text(layer / "verilator.log");
    EXPECT_THAT(outcome.out, StartsWith("PASS: ")) << layer;
  }
}

TEST_F(Bench, CommandsHaveTheirCycles) {
  const std::vector<fs::path> layers = dump(1);
  std::int64_t last = 0;
  for (const fs::path& layer : layers) {
    std::ifstream csv(layer / "commands.csv");
    std::string line;
    ASSERT_TRUE(std::getline(csv, line)) << layer;
    EXPECT_EQ(line, "queue,number,from_cycle,to_cycle,command,fields");
    int computes = 0, stores = 0;
    std::int64_t end = 0;
    while (std::getline(csv, line)) {
      long long from = -1, to = -1;
      char queue[16] = {}, word[128] = {};
      ASSERT_EQ(std::sscanf(line.c_str(), "%15[^,],%*d,%lld,%lld,%127[^,],", queue, &from, &to, word), 4) << line;
      EXPECT_GE(from, 0) << line;
      EXPECT_GT(to, from) << line;
      EXPECT_EQ(std::string(word).size(), 80U) << line;
      computes += queue == std::string("COMPUTE");
      stores += queue == std::string("STORE");
      end = std::max<std::int64_t>(end, to);
    }
    EXPECT_GT(computes, 0) << layer;
    EXPECT_GT(stores, 0) << layer;
    EXPECT_GT(end, last) << "layers end one after the other: " << layer;
    last = end;
  }
}

}  // namespace
}  // namespace shiftsim::test
