// examples/scoreboard under Verilator: right on random networks, and a changed bit of the RTL is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "qnet/io.h"
#include "tests/cli/command.h"
#include "tests/cli/tiny_network.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kSource = SHIFTSIM_SOURCE_DIR, kBuild = SHIFTSIM_BINARY_DIR;

class ScoreboardExample : public CommandTest {
protected:
  void SetUp() override {
    if (run_program("verilator", {"--version"}).status != 0) GTEST_SKIP() << "verilator is not installed";
  }

  qnet::Network write_network(std::uint64_t seed) const {
    qnet::RandomNetworkOptions options;
    options.tables = false;  // the unit of the example has no activation table
    qnet::Network network = qnet::random_network(seed, options);
    const std::vector<std::uint8_t> image = qnet::random_images(network, 1, seed);
    const qnet::Tensor& input = network.input();
    const std::vector<std::size_t> shape = {1, static_cast<std::size_t>(input.height),
                                            static_cast<std::size_t>(input.width),
                                            static_cast<std::size_t>(input.channels)};
    qnet::write(network, folder_ / "net.qnet");
    write_npy(folder_ / "images.npy", DType::kUInt8, shape, image.data());
    return network;
  }

  Outcome make(const fs::path& rtl, const std::string& build, std::size_t layer) const {
    return run_program("make", {"-s", "-f", (kSource / "examples/scoreboard/Makefile").string(),
                                "SHARE=" + (kBuild / "share/shiftsim").string(), "LIB=" + (kBuild / "lib").string(),
                                "RTL=" + rtl.string(), "BUILD=" + build, "NETWORK=net.qnet", "IMAGES=images.npy",
                                "LAYER=" + std::to_string(layer), "OUTPUTS=60"});
  }

  /// A copy of the RTL with one text changed.
  fs::path changed_rtl(const std::string& file, const std::string& find, const std::string& replace) const {
    fs::remove_all(folder_ / "rtl");
    fs::copy(kSource / "rtl", folder_ / "rtl");
    std::string text = read_text(folder_ / "rtl" / file);
    const std::size_t at = text.find(find);
    EXPECT_NE(at, std::string::npos) << find;
    text.replace(at, find.size(), replace);
    std::ofstream(folder_ / "rtl" / file, std::ios::binary) << text;
    return folder_ / "rtl";
  }
};

TEST_F(ScoreboardExample, EveryLayerOfRandomNetworksIsRight) {
  int checked = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const qnet::Network network = write_network(seed);
    // As files of images have them.
    if (network.input().channels != 1 && network.input().channels != 3) continue;
    for (std::size_t layer = 0; layer < network.layers.size(); ++layer) {
      if (network.layers[layer].is_view()) continue;
      const Outcome outcome = make(kSource / "rtl", "obj_dir", layer);
      ASSERT_EQ(outcome.status, 0) << "seed " << seed << ", layer " << layer << outcome.out << outcome.err;
      EXPECT_THAT(outcome.out, HasSubstr("outputs compared, all equal"));
      ++checked;
    }
  }
  EXPECT_GE(checked, 20);
}

TEST_F(ScoreboardExample, AChangedBitOfTheRtlIsFound) {
  const qnet::Network network = write_network(1);
  const std::string changes[][3] = {
      {"shiftsim_recoder.sv", "neg_o = high_i &", "neg_o = low_i &"},
      {"shiftsim_pe.sv", "(acc_q <<< 2)", "(acc_q <<< 3)"},
      {"shiftsim_ppu_lane.sv", ": tab_i.n[4:0];", ": tab_i.n[4:0] ^ 5'd1;"},
  };
  for (const auto& [file, find, replace] : changes) {
    const fs::path rtl = changed_rtl(file, find, replace);
    bool found = false;
    for (std::size_t layer = 0; layer < network.layers.size() && !found; ++layer) {
      if (network.layers[layer].is_view()) continue;
      const Outcome outcome = make(rtl, "obj_" + file, layer);
      found = outcome.status != 0 && outcome.out.find("FAIL: ") != std::string::npos;
      EXPECT_TRUE(found || outcome.status == 0) << outcome.out << outcome.err;
    }
    EXPECT_TRUE(found) << file;
  }
}

TEST_F(ScoreboardExample, MistakesAreTold) {
  write_network(1);
  const Outcome layer = make(kSource / "rtl", "obj_dir", 99);
  EXPECT_NE(layer.status, 0);
  EXPECT_THAT(layer.out + layer.err, HasSubstr("there is no layer 99"));
  fs::remove(folder_ / "net.qnet/network.yaml");
  const Outcome network = make(kSource / "rtl", "obj_dir", 0);
  EXPECT_NE(network.status, 0);
  EXPECT_THAT(network.out + network.err, HasSubstr("network.yaml"));
}

}  // namespace
}  // namespace shiftsim::test
