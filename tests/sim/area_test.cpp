// Area and clock without a run: by hand on made-up figures, and against the recorded netlists of the RTL.
#include "sim/energy/area.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/common/temporary_folder.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr double kExact = 1e-9;
const fs::path kSource = SHIFTSIM_SOURCE_DIR;

Technology horowitz() {
  return load_technology(kSource / "configs/technologies/45nm_horowitz.yaml");
}

/// The 16x16 array: P = 4, N = 16, L = 4, Q = 8, 24-bit accumulators, 500 MHz.
AcceleratorConfig pe16x16() {
  return {};
}

Part part(PartKind kind, double bits, double count, const std::string& module) {
  return {"part", kind, bits, count, Component::kPpu, module, {}, kind == PartKind::kSram ? 2 : 0};
}

TEST(Gates, OfAPartByItsModuleAndKind) {
  GateModel gates;
  gates.modules["shiftsim_pe"][PartKind::kAdder] = {7, 3};
  gates.others[PartKind::kAdder] = {6, 0};
  EXPECT_NEAR(gates.nand2(part(PartKind::kAdder, 10, 4, "shiftsim_pe")), 4 * (3 + 70), kExact);
  EXPECT_NEAR(gates.nand2(part(PartKind::kAdder, 10, 4, "shiftsim_new")), 4 * 60, kExact) << "no module of the file";
  EXPECT_EQ(gates.nand2(part(PartKind::kShifter, 10, 4, "shiftsim_pe")), 0);
  EXPECT_EQ(gates.nand2(part(PartKind::kSram, 10, 4, "shiftsim_pe")), 0) << "memories are not made of gates";
}

TEST(Gates, TheLongestPathIsThatOfTheSlowestUnit) {
  GateModel gates;
  gates.paths["load"] = {60, 0, 0, 0};
  gates.paths["array"] = {6, 5, 1.5, 1};
  ArrayConfig array;
  array.rows = 3;   // one pixel
  array.cols = 16;  // four doublings
  array.lanes = 3;  // two levels: the products and the correction
  array.accumulator_bits = 24;
  EXPECT_NEAR(gates.path_fo4(array), 60, kExact);
  array.accumulator_bits = 32;
  EXPECT_NEAR(gates.path_fo4(array), 6 + 10 + 48 + 4, kExact);
}

TEST(Area, LogicAndMemoriesInMm2) {
  Technology t;
  t.gates.modules["shiftsim_pe"][PartKind::kAdder] = {7, 3};
  t.nand2_um2 = 2;
  t.placement_density = 0.5;
  t.sram_um2_per_bit_1 = 0.5;
  t.sram_port_factor = 1.5;
  EXPECT_NEAR(area_mm2(part(PartKind::kAdder, 10, 4, "shiftsim_pe"), t), 292 * 2 / 0.5 * 1e-6, kExact);
  EXPECT_NEAR(area_mm2(part(PartKind::kSram, 1e6, 3, ""), t), 3 * 0.75, kExact);
}

TEST(Area, MemoriesOfThe16x16Array) {
  // As in the leakage: 128, 96, 32 and 32 KiB, 2 x 73 x 448 bits of tables, two buffers of 1 KiB.
  const double bits = (128 + 96 + 32 + 32 + 2) * 8192 + 2 * 73 * 448;
  const Area a = area(pe16x16(), horowitz());
  EXPECT_NEAR(a.memory_mm2, bits * 0.569 * 1.3 * 1e-6, kExact);
  EXPECT_NEAR(a[Component::kActivation], 128 * 8192 * 0.569 * 1.3 * 1e-6, kExact);
  EXPECT_EQ(a[Component::kDram], 0);
  EXPECT_EQ(a[Component::kLeakage], 0);
}

TEST(Area, TheSecondLevelBufferHasOnePort) {
  AcceleratorConfig config = pe16x16();
  config.l2.kib = 256;
  EXPECT_NEAR(area(config, horowitz())[Component::kL2], 256 * 8192 * 0.569 * 1e-6, kExact);
}

TEST(Area, ComponentsAddUp) {
  const Area a = area(pe16x16(), horowitz());
  double sum = 0;
  for (const double mm2 : a.mm2) sum += mm2;
  EXPECT_NEAR(a.total(), sum, kExact);
  EXPECT_NEAR(a.logic_mm2, a.nand2 * 0.798 / 0.7 * 1e-6, kExact);
  for (const Component c : {Component::kPeArray, Component::kAccumulators, Component::kRegisters,
                            Component::kOffsetColumn, Component::kPpu, Component::kControl})
    EXPECT_GT(a[c], 0) << kComponentNames[static_cast<std::size_t>(c)];
}

TEST(Area, MoreOfAnythingTakesMore) {
  const Technology t = horowitz();
  const double base = area(pe16x16(), t).total();
  const auto larger = [&](auto change) {
    AcceleratorConfig config = pe16x16();
    change(config);
    return area(config, t).total() > base;
  };
  EXPECT_TRUE(larger([](auto& c) { c.array.rows = 32; }));
  EXPECT_TRUE(larger([](auto& c) { c.array.cols = 32; }));
  EXPECT_TRUE(larger([](auto& c) { c.array.ppu_lanes = 16; }));
  EXPECT_TRUE(larger([](auto& c) { c.array.accumulator_bits = 32; }));
  EXPECT_TRUE(larger([](auto& c) { c.array.activation_tables = true; }));
  EXPECT_TRUE(larger([](auto& c) { c.command_queue_depth = 8; }));
  EXPECT_TRUE(larger([](auto& c) { c.scratchpad.weight_kib = 128; }));
}

/// The geometry of a recorded synthesis.
AcceleratorConfig accelerator(const nlohmann::json& sizes) {
  AcceleratorConfig config;
  config.array.lanes = sizes["Lanes"];
  config.array.rows = sizes["Pixels"].get<int>() * config.array.lanes;
  config.array.cols = sizes["Channels"];
  config.array.ppu_lanes = sizes["PpuLanes"];
  config.array.accumulator_bits = sizes["AccW"];
  config.command_queue_depth = sizes["CmdDepth"];
  config.array.activation_tables = sizes.value("ActivationTables", 0) == 1;
  return config;
}

/// Fitted to or not, pe8x8, pe16x16 and pe32x32 among the latter.
TEST(Area, GatesAreThoseOfTheNetlistsWithin3Percent) {
  std::ifstream file(kSource / "tests/data/synthesis_osu018.json");
  const nlohmann::json runs = nlohmann::json::parse(file)["runs"];
  const Technology t = horowitz();
  int fitted = 0, checked = 0, paths = 0;
  for (const auto& [name, run] : runs.items()) {
    const AcceleratorConfig config = accelerator(run["sizes"]);
    double netlist = 0;
    for (const auto& [module, nand2] : run["modules"].items()) netlist += nand2.get<double>();
    EXPECT_NEAR(area(config, t).nand2 / netlist, 1, 0.03) << name;
    (run["fitted"] ? fitted : checked) += 1;
    if (!run.contains("paths")) continue;
    double longest = 0;
    for (const auto& [unit, fo4] : run["paths"].items()) longest = std::max(longest, fo4.get<double>());
    const double model = t.gates.path_fo4(config.array);
    EXPECT_GE(model, longest - 0.01) << name << ": a clock that the netlist does not reach";
    EXPECT_LT(model, 1.2 * longest) << name;
    ++paths;
  }
  EXPECT_GE(fitted, 10);
  EXPECT_GE(checked, 5);
  EXPECT_GE(paths, 4);
}

TEST(Clock, OfThePathAndTheTechnologysGates) {
  Technology t = horowitz();
  t.gates.paths = {{"load", {80, 0, 0, 0}}};
  t.fo4_ps = 20;
  AcceleratorConfig config = pe16x16();
  EXPECT_NEAR(highest_clock_mhz(config, t), 625, kExact);
  config.clock_mhz = 625;
  EXPECT_FALSE(clock_problem(config, t));
  config.clock_mhz = 626;
  const auto problem = clock_problem(config, t);
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->find("found 626, expected at most 625"), std::string::npos) << *problem;
}

/// The configurations of the project say 500 MHz.
TEST(Clock, OfTheProjectsConfigurationsIsReached) {
  for (const char* name : {"pe8x8", "pe16x16", "pe32x32"}) {
    const RunConfig config = load_config(kSource / "configs" / (std::string(name) + ".yaml"), {});
    EXPECT_FALSE(clock_problem(config.accelerator, load_technology(config.technology))) << name;
  }
}

class AreaFiles : public TemporaryFolder {
protected:
  static std::string text(const fs::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

TEST_F(AreaFiles, BadGatesAreRefusedWithTheirPlace) {
  const std::string rest = "others: {}\npaths: {}\n";
  expect_user_error([&] { load_gates(put("g.yaml", "source: s\nmodules: {m: {valve: {}}}\n" + rest)); },
                    {"g.yaml:2", "valve"});
  expect_user_error(
      [&] { load_gates(put("g.yaml", "source: s\nmodules:\n  m:\n    adder: {per_bit: -1, per_part: 0}\n" + rest)); },
      {"g.yaml:4", "per_bit", "-1"});
  expect_user_error([&] { load_gates(put("g.yaml", "source: s\nmodules: {}\nothers: {}\n")); }, {"g.yaml", "paths"});
}

TEST_F(AreaFiles, ATechnologyWithoutItsGatesIsRefused) {
  std::string technology = text(kSource / "configs/technologies/45nm_horowitz.yaml");
  const fs::path file = put("t.yaml", technology);  // ../gates counts from here
  expect_user_error([&] { load_technology(file); }, {"osu018.yaml"});
  technology.replace(technology.find("../gates"), 8, (kSource / "configs/gates").string());
  EXPECT_EQ(load_technology(put("t.yaml", technology)).name, "45nm_horowitz");
  technology.replace(technology.find("fo4_ps: 22.5"), 12, "fo4_ps: 0");
  expect_user_error([&] { load_technology(put("t.yaml", technology)); }, {"t.yaml", "fo4_ps", "found '0'"});
}

}  // namespace
}  // namespace shiftsim::sim
