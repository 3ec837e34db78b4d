// The inventory's registers and memories against the netlist of the RTL, module by module, as Yosys elaborates it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/process.h"
#include "sim/energy/inventory.h"
#include "tests/common/temporary_folder.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Bits by RTL module, all of its instances together.
struct Bits {
  std::map<std::string, double> registers, memories;
};

/// Yosys writes a parameter as a string of binary digits.
double number(const Json& parameter) {
  return parameter.is_number() ? parameter.get<double>()
                               : static_cast<double>(std::stoull(parameter.get<std::string>(), nullptr, 2));
}

/// "$paramod\shiftsim_pe\Lanes=..." or "$paramod$hash\shiftsim_pe": the module's own name.
std::string plain_name(const std::string& name) {
  const std::size_t start = name.find("\\shiftsim_");
  return start == std::string::npos ? name : name.substr(start + 1, name.find('\\', start + 1) - start - 1);
}

void count(const Json& modules, const std::string& module, Bits& bits) {
  const std::string name = plain_name(module);
  const bool scratchpad = name.starts_with("shiftsim_ram");
  for (const auto& [label, cell] : modules[module]["cells"].items()) {
    const auto type = cell["type"].get<std::string>();
    const Json& parameters = cell["parameters"];
    if (modules.contains(type)) {
      count(modules, type, bits);
    } else if (type == "$mem_v2") {
      const double words = number(parameters["WIDTH"]) * number(parameters["SIZE"]);
      (scratchpad ? bits.memories : bits.registers)[name] += words;
    } else if (type.find("dff") != std::string::npos && !scratchpad) {
      // A scratchpad's read register is part of its memory macro.
      bits.registers[name] += number(parameters["WIDTH"]);
    }
  }
}

/// Yosys works in 'folder'.
Bits netlist_bits(const AcceleratorConfig& a, const fs::path& folder) {
  const fs::path rtl = fs::path(SHIFTSIM_SOURCE_DIR) / "rtl";
  std::string packages, modules;
  for (const auto& entry : fs::directory_iterator(rtl)) {
    const fs::path& file = entry.path();
    if (file.extension() != ".sv") continue;
    std::string& list = file.stem().string().ends_with("_pkg") ? packages : modules;
    list += fmt::format(" {}", file.string());
  }
  const Depths depths = a.depths();
  const fs::path script = folder / "script.ys", netlist = folder / "netlist.json";
  std::ofstream(script) << fmt::format(
      "read_verilog -sv{}{}\n"
      "hierarchy -check -top shiftsim_core -chparam Pixels {} -chparam Channels {} -chparam Lanes {} -chparam PpuLanes "
      "{} "
      "-chparam AccW {} -chparam ActDepth {} -chparam WgtDepth {} -chparam TabDepth {} -chparam ResDepth {} "
      "-chparam OutDepth {} -chparam CmdDepth {} -chparam ActivationTables {}\n"
      "proc\nopt_expr\nopt_clean\nmemory_collect\nopt_clean\nwrite_json {}\n",
      packages, modules, a.array.pixels(), a.array.cols, a.array.lanes, a.array.ppu_lanes, a.array.accumulator_bits,
      depths.activation, depths.weight, depths.table, depths.residual, depths.output, a.command_queue_depth,
      a.array.activation_tables ? 1 : 0, netlist.string());
  const fs::path log = folder / "log.txt";
  Bits bits;
  if (run_process({"yosys", "-q", "-s", script.string()}, log) != 0) {
    std::ifstream text(log);
    ADD_FAILURE() << "yosys failed: " << std::string(std::istreambuf_iterator<char>(text), {});
    return bits;
  }
  std::ifstream file(netlist);
  const Json json = Json::parse(file)["modules"];
  for (const auto& [name, module] : json.items())
    if (module["attributes"].contains("top")) count(json, name, bits);
  return bits;
}

Bits inventory_bits(const AcceleratorConfig& accelerator) {
  Bits bits;
  for (const Part& part : inventory_of(accelerator)) {
    if (part.module.empty()) continue;
    if (part.kind == PartKind::kRegister) bits.registers[part.module] += part.total_bits();
    if (part.kind == PartKind::kSram) bits.memories[part.module] += part.total_bits();
  }
  return bits;
}

class Inventory : public TemporaryFolder {
protected:
  void compare(const AcceleratorConfig& accelerator) const {
    const Bits expected = netlist_bits(accelerator, folder_), found = inventory_bits(accelerator);
    EXPECT_FALSE(expected.registers.empty());
    EXPECT_EQ(found.registers, expected.registers);
    EXPECT_EQ(found.memories, expected.memories);
  }
};

TEST_F(Inventory, RegistersAndMemoriesOfASmallCoreAreTheNetlists) {
  // No side is a power of two: 3 pixels x 5 channels x 3 lanes, 2 PPU lanes.
  AcceleratorConfig a = make_accelerator(9, 5, 3, 2);
  a.array.accumulator_bits = 19;
  a.command_queue_depth = 3;
  compare(a);
}

TEST_F(Inventory, WithActivationTables) {
  AcceleratorConfig a = make_accelerator(4, 5, 2, 3);
  a.array.activation_tables = true;
  compare(a);
}

TEST_F(Inventory, OneOfEverything) {
  AcceleratorConfig a = make_accelerator(4, 4, 4, 1);
  a.command_queue_depth = 1;
  compare(a);
}

}  // namespace
}  // namespace shiftsim::sim
