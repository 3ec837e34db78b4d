// The trace against the counters of the same run: nothing is left out, nothing is told twice.
#include "sim/trace/trace.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

#include "sim/transaction/transaction_machine.h"
#include "tests/common/temporary_folder.h"
#include "tests/qnet/random_network.h"
#include "tests/sim/random_accelerator.h"
#include "tests/sim/random_mapping.h"

namespace shiftsim::sim {
namespace {

class Trace : public TemporaryFolder {};

TEST_F(Trace, AgreesWithTheCounters) {
  int ran = 0;
  for (std::uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const qnet::Network network = qnet::random_network(seed);
    const AcceleratorConfig accelerator = with_tables(random_accelerator(seed), network);
    Program program;
    try {
      const int batch = 1 + static_cast<int>(seed % 2);
      program =
          compile(network, accelerator, random_mappings(network, accelerator, seed, batch), Contents::kFilled, batch);
    } catch (const UserError&) {
      continue;  // its random scratchpads are too small
    }
    ++ran;
    TransactionMachine machine(network, program, accelerator.dram);
    machine.run(1);
    std::vector<CauseCycles> causes(network.layers.size());
    std::int64_t compute_end = 0, ppu_cycles = 0, loads = 0, stores = 0;
    std::map<Track, std::int64_t> bytes, last_end;
    for (const Slice& slice : trace_batch(network, program, accelerator.dram)) {
      EXPECT_LE(slice.from, slice.to);
      if (slice.track == Track::kCompute) {
        EXPECT_EQ(slice.from, compute_end) << "COMPUTE always does something";
        compute_end = slice.to;
        causes[static_cast<std::size_t>(slice.layer)][static_cast<std::size_t>(slice.cause)] += slice.to - slice.from;
      }
      if (slice.track == Track::kLoad || slice.track == Track::kPpu || slice.track == Track::kStore) {
        EXPECT_GE(slice.from, last_end[slice.track]) << slice.name << ": a unit does one thing at a time";
        last_end[slice.track] = slice.to;
      }
      if (slice.track == Track::kPpu) ppu_cycles += slice.to - slice.from;
      loads += slice.track == Track::kLoad;
      stores += slice.track == Track::kStore;
      bytes[slice.track] += slice.bytes;
    }
    EXPECT_EQ(causes, machine.causes());
    Events events;
    for (const Events& layer : machine.events()) events += layer;
    EXPECT_EQ(compute_end, events.cycles);
    EXPECT_EQ(ppu_cycles, events.table_read_words) << "a beat a cycle";
    EXPECT_EQ(loads, events.load_commands);
    EXPECT_EQ(stores, events.store_commands);
    EXPECT_EQ(bytes[Track::kDma], events.dram_read_bytes + events.l2_read_bytes);
    EXPECT_EQ(bytes[Track::kDram], events.dram_read_bytes + events.dram_write_bytes);
    EXPECT_EQ(bytes[Track::kL2], events.l2_read_bytes + events.l2_write_bytes);
  }
  EXPECT_GE(ran, 30);
}

TEST_F(Trace, IsATraceEventFile) {
  qnet::Network network = qnet::random_network(7);
  network.layers[0].name = "a \"layer\"\n</script>";
  const AcceleratorConfig accelerator = with_tables(make_accelerator(8, 8), network);
  const std::vector<Slice> slices = trace_batch(network, compile(network, accelerator), accelerator.dram);
  const std::filesystem::path file = folder_ / "trace.json";
  write_trace(file, slices, network, accelerator);
  std::ifstream stream(file);
  const auto json = nlohmann::json::parse(stream);
  std::size_t complete = 0, begins = 0, ends = 0;
  bool named = false;
  for (const auto& event : json["traceEvents"]) {
    complete += event["ph"] == "X";
    begins += event["ph"] == "b";
    ends += event["ph"] == "e";
    named = named || event["name"].get<std::string>().find(network.layers[0].name) != std::string::npos;
    if (event["ph"] == "X") {
      EXPECT_NEAR(event["dur"].get<double>() * accelerator.clock_mhz, event["args"]["cycles"].get<double>(), 1e-3);
    }
  }
  EXPECT_EQ(complete + begins, slices.size());
  EXPECT_EQ(begins, ends);
  EXPECT_TRUE(named);
}

}  // namespace
}  // namespace shiftsim::sim
