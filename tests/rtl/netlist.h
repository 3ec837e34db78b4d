// The netlist of standard cells that scripts/synthesize measures, run by Icarus with the cells' Verilog models: a
// compiled program's commands and words go in, and what it stores is compared with the golden reference.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/process.h"
#include "qnet/golden.h"
#include "sim/compiler/compiler.h"
#include "sim/memory/load_words.h"
#include "sim/memory/store_words.h"
#include "sim/memory/tensor_memory.h"
#include "tests/common/temporary_folder.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::sim {

inline constexpr const char* kCells = "/usr/share/qflow/tech/osu018/osu018_stdcells.v";

/// What is not installed, or nothing.
inline std::string missing(const std::filesystem::path& folder) {
  for (const char* program : {"yosys", "iverilog"})
    if (run_process({program, "-V"}, folder / "log") == 127) return fmt::format("{} is not installed", program);
  if (!std::filesystem::is_regular_file(kCells))
    return fmt::format("there is no {}: qflow-tech-osu018 is not installed", kCells);
  return "";
}

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Bytes, the lowest first, as one hexadecimal number.
inline std::string hexadecimal(const std::uint8_t* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = count; i-- > 0;) text += fmt::format("{:02x}", bytes[i]);
  return text + "\n";
}

inline void write_commands(const std::filesystem::path& file, const std::vector<CommandWord>& commands) {
  std::ofstream stream(file);
  for (const CommandWord& command : commands) {
    for (std::size_t i = command.size(); i-- > 0;) stream << fmt::format("{:08x}", command[i]);
    stream << '\n';
  }
}

/// The words of all loads, in their order. Every tensor has its golden values from the beginning: a load behind a
/// barrier reads what the stores before it wrote.
inline std::size_t write_load_words(const std::filesystem::path& file, const qnet::Network& network,
                                    const Program& program, std::size_t word_bytes, const TensorMemory& memory) {
  std::ofstream stream(file);
  std::size_t words = 0;
  for (const LoadCommand& command : program.loads.commands) {
    LoadWords load(program.reads[static_cast<std::size_t>(command.dma_id)], command.count, network, program);
    for (; !load.done(); load.advance()) {
      // The DMA's buffer is of whole 32-bit words.
      std::vector<std::uint8_t> word((word_bytes + 3) / 4 * 4);
      load.make(memory, word.data());
      stream << hexadecimal(word.data(), word_bytes);
      ++words;
    }
  }
  return words;
}

/// Puts the stored words where they belong; bits that the netlist never set are 0. Returns whether all were stored.
inline bool read_stores(const std::filesystem::path& file, const qnet::Network& network, const Program& program,
                        TensorMemory& memory) {
  std::ifstream stream(file);
  std::string kind, value;
  std::vector<std::int64_t> counts(program.writes.size());
  for (const StoreCommand& command : program.stores.commands)
    counts[static_cast<std::size_t>(command.dma_id)] = command.count;
  std::optional<StoreWords> store;
  while (stream >> kind >> value) {
    if (kind == "done") return !store || store->done();
    if (kind == "request") {
      const auto id = static_cast<std::size_t>(std::stoul(value));
      store.emplace(program.writes.at(id), counts.at(id), network, program);
      continue;
    }
    std::vector<std::uint8_t> word;
    for (std::size_t end = value.size(); end >= 2; end -= 2) {
      const std::string byte = value.substr(end - 2, 2);
      const bool known = byte.find_first_of("xXzZ") == std::string::npos;
      word.push_back(known ? static_cast<std::uint8_t>(std::stoul(byte, nullptr, 16)) : 0);
    }
    store->put(word.data(), memory);
    store->advance();
  }
  return false;
}

/// The cells' models, their flip-flops set or cleared in the first nanosecond, as those of silicon wake up at some bit.
/// Where the models begin unknown, gates that join a signal with itself keep it unknown for ever.
inline void write_cells(const std::filesystem::path& file, int bit) {
  std::string text = text_of(kCells);
  const std::string use = "   udp_dff (", awake = "   awake_dff flip_flop (";
  int uses = 0;
  for (std::size_t place = text.find(use); place != std::string::npos; place = text.find(use, place)) {
    text.replace(place, use.size(), awake);
    ++uses;
  }
  ASSERT_GT(uses, 0);
  std::ofstream(file) << text
                      << fmt::format(R"(
module awake_dff (out, in, clk, clr, set, NOTIFIER);
  output out;
  input in, clk, clr, set, NOTIFIER;
  reg asleep = 1;
  initial #1 asleep = 0;
  udp_dff flip_flop (out, in, clk, clr | (asleep & {}), set | (asleep & {}), NOTIFIER);
endmodule
)",
                                     bit == 0 ? "1'b1" : "1'b0", bit == 0 ? "1'b0" : "1'b1");
}

class Netlist : public TemporaryFolder {
protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    if (const std::string reason = missing(folder_); !reason.empty()) GTEST_SKIP() << reason;
  }

  void run(const std::vector<std::string>& arguments) {
    const std::filesystem::path log = folder_ / "log";
    ASSERT_EQ(run_process(arguments, log), 0) << arguments.front() << ": " << text_of(log);
  }

  void synthesize(const AcceleratorConfig& a) {
    const std::filesystem::path scripts = std::filesystem::path(SHIFTSIM_SOURCE_DIR) / "scripts",
                                rtl = std::filesystem::path(SHIFTSIM_SOURCE_DIR) / "rtl";
    run({scripts / "synthesize", fmt::format("{}x{}x{}", a.array.pixels(), a.array.cols, a.array.lanes), "--ppu-lanes",
         std::to_string(a.array.ppu_lanes), "--accumulator-bits", std::to_string(a.array.accumulator_bits),
         "--queue-depth", std::to_string(a.command_queue_depth), "--no-path", "--netlist", folder_ / "netlist.v"});
    std::filesystem::create_directories(folder_ / "flat");
    run({scripts / "flatten_packages", rtl, folder_ / "flat"});
  }

  /// The tensors that the netlist writes, against the golden reference.
  void compare(const AcceleratorConfig& accelerator, const qnet::Network& network, int first_bit) {
    const Program program = compile(network, accelerator);
    const std::vector<std::uint8_t> image = qnet::random_images(network, 1, 1);
    const qnet::ImageTrace golden = qnet::Golden(network).trace(image.data());

    TensorMemory memory(network);
    memory.set_input(image.data());
    for (std::size_t t = 1; t < network.tensors.size(); ++t) {
      const std::size_t bytes = t + 1 == network.tensors.size() ? 4 : 1;
      for (std::size_t i = 0; i < golden[t].size(); ++i)
        for (std::size_t b = 0; b < bytes; ++b)
          memory.data(static_cast<int>(t))[i * bytes + b] = static_cast<std::uint8_t>(golden[t][i] >> (8 * b));
    }
    const auto data_bytes = static_cast<std::size_t>(accelerator.load_bits() / 8);
    const std::size_t words = write_load_words(folder_ / "load_words.hex", network, program, data_bytes, memory);
    write_commands(folder_ / "load_commands.hex", program.loads.words);
    write_commands(folder_ / "compute_commands.hex", program.computes.words);
    write_commands(folder_ / "store_commands.hex", program.stores.words);

    const auto parameter = [](const char* name, std::size_t value) {
      return fmt::format("-Pnetlist_bench.{}={}", name, value);
    };
    write_cells(folder_ / "cells.v", first_bit);
    run({"iverilog", "-g2012", "-s", "netlist_bench", "-o", folder_ / "bench.vvp",
         parameter("LoadCommands", program.loads.words.size()),
         parameter("ComputeCommands", program.computes.words.size()),
         parameter("StoreCommands", program.stores.words.size()), parameter("LoadWords", words),
         parameter("DataW", 8 * data_bytes), parameter("ActW", static_cast<std::size_t>(8 * accelerator.array.cols)),
         std::filesystem::path(SHIFTSIM_SOURCE_DIR) / "tests" / "rtl" / "netlist_bench.v", folder_ / "netlist.v",
         folder_ / "cells.v", folder_ / "flat" / "shiftsim_ram_1w1r.sv", folder_ / "flat" / "shiftsim_ram_1w1r_be.sv"});
    run({"env", "-C", folder_, "vvp", "-n", "bench.vvp"});
    const std::string log = text_of(folder_ / "log");

    memory.poison();
    ASSERT_TRUE(read_stores(folder_ / "stores.txt", network, program, memory)) << log;
    for (std::size_t t = 1; t < network.tensors.size(); ++t) {
      if (program.dram.sources().is_view(static_cast<int>(t))) continue;
      EXPECT_EQ(memory.values(static_cast<int>(t)), golden[t]) << network.tensors[t].name;
    }
  }
};

}  // namespace shiftsim::sim
