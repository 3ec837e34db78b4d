// Cores of another origin in lockstep: a PE array that somebody else wrote, and libraries that are there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "sim/engine/engine.h"
#include "tests/common/temporary_folder.h"
#include "tests/qnet/random_network.h"
#include "tests/sim/machine.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

const fs::path kOwnArray = SHIFTSIM_SOURCE_DIR "/tests/rtl/own_array";

AcceleratorConfig small_accelerator() {
  AcceleratorConfig a = make_accelerator(6, 5, 2, 3);
  a.scratchpad = {4 * a.array.pixels(), 6, 4, 2, 2};
  a.dram = {13, 5, 16};
  return a;
}

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

RtlOptions own(const fs::path& folder) {
  RtlOptions options;
  options.own = folder;
  return options;
}

/// What the accelerator can run: it has no activation tables.
qnet::Network network_of(std::uint64_t seed) {
  qnet::RandomNetworkOptions options;
  options.tables = false;
  return qnet::random_network(seed, options);
}

/// Random networks until one differs; the difference, or empty after all.
std::string first_difference(const std::shared_ptr<RtlLibrary>& rtl, std::uint64_t networks) {
  SystemOptions options;
  options.rtl = rtl;
  int ran = 0;
  for (std::uint64_t seed = 1; seed <= networks; ++seed) {
    const qnet::Network network = network_of(seed);
    options.seed = static_cast<std::uint32_t>(seed);
    const Outcome outcome =
        run_machine(network, small_accelerator(), qnet::random_images(network, 1, seed), 1, options);
    if (!outcome.difference.empty()) return outcome.difference;
    if (outcome.fits) ++ran;
    EXPECT_TRUE(!outcome.fits || outcome.accumulators > 0) << "seed " << seed;
  }
  EXPECT_GE(ran, 15) << "too few networks fitted";
  return "";
}

class OwnRtl : public TemporaryFolder {
protected:
  /// A copy of the second array with one text changed.
  fs::path changed_array(const std::string& find, const std::string& replace) const {
    std::string content = text_of(kOwnArray / "shiftsim_pe_array.sv");
    const std::size_t at = content.find(find);
    EXPECT_NE(at, std::string::npos) << find;
    content.replace(at, find.size(), replace);
    put("own/shiftsim_pe_array.sv", content);
    return folder_ / "own";
  }
  fs::path put_file(const std::string& name, const std::string& content) const {
    fs::create_directories((folder_ / name).parent_path());
    return put(name, content);
  }
};

TEST_F(OwnRtl, AnArrayWrittenAnotherWayAgrees) {
  const auto rtl = RtlLibrary::open(geometry_of(small_accelerator()), own(kOwnArray));
  EXPECT_FALSE(rtl->has("accumulator_updates")) << "its inside is not ours, and the core says so";
  EXPECT_TRUE(rtl->has("drain"));
  EXPECT_EQ(first_difference(rtl, 20), "");
}

TEST_F(OwnRtl, ItsBugIsFoundAtTheAccumulator) {
  fs::create_directories(folder_ / "own");
  const auto rtl = RtlLibrary::open(geometry_of(small_accelerator()),
                                    own(changed_array("{acc_q[AccW-3:0], 2'b00}", "{acc_q[AccW-2:0], 1'b0}")));
  const std::string difference = first_difference(rtl, 20);
  for (const char* part : {"drain_acc", "layer ", "expected ", "actual "})
    EXPECT_NE(difference.find(part), std::string::npos) << difference;
}

TEST_F(OwnRtl, ABuiltLibraryIsLoaded) {
  const Geometry geometry = geometry_of(small_accelerator());
  static_cast<void>(RtlLibrary::open(geometry, own(kOwnArray)));
  RtlOptions given;
  given.library = rtl_library_path(geometry, own(kOwnArray));
  EXPECT_EQ(first_difference(RtlLibrary::open(geometry, given), 15), "");

  const Geometry other = geometry_of(make_accelerator(8, 8));
  expect_user_error([&] { RtlLibrary::open(other, given); }, {given.library.string(), "found P", "expected"});
  given.library = put("no.so", "text");
  expect_user_error([&] { RtlLibrary::open(geometry, given); }, {"no.so", "cannot be loaded"});
}

TEST_F(OwnRtl, WhatTheCoreLacksIsNotComparedAndSaidSo) {
  fs::create_directories(folder_ / "own");
  const fs::path folder = changed_array("// The PE array", "// An array");
  put_file("own/lacks.txt", "idle ld_state rd_req_id\n");
  const qnet::Network network = network_of(5);
  RunConfig config;
  config.technology = SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml";
  config.accelerator = small_accelerator();
  config.fidelity = Fidelity::kLockstep;
  config.lockstep.rtl = folder.string();
  const RunResult result = make_engine({config, network, folder_})->run(images_of(network, 1, 5));
  EXPECT_EQ(result.lockstep.verdict, "pass") << result.lockstep.difference;
  const std::vector<std::string>& missing = result.lockstep.not_compared;
  for (const char* name : {"idle", "ld_state", "rd_req_id", "drains"})
    EXPECT_NE(std::find(missing.begin(), missing.end(), name), missing.end()) << name;

  put_file("own/lacks.txt", "rd_req_idd\n");
  expect_user_error([&] { RtlLibrary::open(geometry_of(config.accelerator), own(folder)); },
                    {"lacks rd_req_idd", "did you mean 'rd_req_id'?"});
}

/// Assertions of two files are bound to the core. Neither knows the insides of another core.
TEST_F(OwnRtl, ACoreWithOtherInsidesAgrees) {
  const fs::path rtl = SHIFTSIM_SOURCE_DIR "/rtl";
  std::string core = text_of(rtl / "shiftsim_core.sv");
  ASSERT_NE(core.find(" lut_half;"), std::string::npos);
  core = std::regex_replace(core, std::regex(R"(\blut_half\b)"), "half_of_the_table");
  put_file("own/shiftsim_core.sv", core);
  put_file("own/verif/shiftsim_bind.sv", text_of(rtl / "verif/shiftsim_bind.sv"));
  const auto library = RtlLibrary::open(geometry_of(small_accelerator()), own(folder_ / "own"));
  EXPECT_EQ(first_difference(library, 20), "");
}

TEST_F(OwnRtl, FoldersThatCannotBeBuilt) {
  fs::create_directories(folder_ / "empty");
  const Geometry geometry = geometry_of(small_accelerator());
  expect_user_error([&] { RtlLibrary::open(geometry, own(folder_ / "empty")); }, {"the RTL could not be built"});
  put_file("core/shiftsim_ppu.sv", "module shiftsim_ppu; endmodule\n");
  expect_user_error([&] { RtlLibrary::open(geometry, own(folder_ / "core")); }, {"the RTL could not be built"});
}

}  // namespace
}  // namespace shiftsim::sim
