#include "sim/trace/command_stamps.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/transaction/transaction_machine.h"

namespace shiftsim::sim {
namespace {

class StampRecorder : public TransactionObserver {
public:
  explicit StampRecorder(const Program& program) : program_(program) {
    stamps_.loads.resize(program.loads.commands.size());
    stamps_.computes.resize(program.computes.commands.size());
    stamps_.stores.resize(program.stores.commands.size());
  }

  void on_compute(std::int64_t from, std::int64_t cycles, Cause, int, const ComputeCommand* command) override {
    if (command != nullptr) extend(stamps_.computes[index_of(program_.computes, *command)], from, from + cycles);
  }
  void on_load(std::int64_t from, std::int64_t to, int, const LoadCommand& command) override {
    extend(stamps_.loads[index_of(program_.loads, command)], from, to);
  }
  void on_store(std::int64_t from, std::int64_t to, int, const StoreCommand& command) override {
    extend(stamps_.stores[index_of(program_.stores, command)], from, to);
  }
  void on_ppu(std::int64_t, std::int64_t, int, const ComputeCommand&) override {}
  void on_read(std::int64_t, std::int64_t, std::int64_t, std::int64_t, MemoryLevel, std::int64_t, int,
               Target) override {}
  void on_write(std::int64_t, std::int64_t, MemoryLevel, std::int64_t) override {}

  CommandStamps take() { return std::move(stamps_); }

private:
  template <typename Command>
  static std::size_t index_of(const QueueProgram<Command>& queue, const Command& command) {
    return static_cast<std::size_t>(&command - queue.commands.data());
  }
  static void extend(Stamp& stamp, std::int64_t from, std::int64_t to) {
    stamp.from = stamp.from < 0 ? from : std::min(stamp.from, from);
    stamp.to = std::max(stamp.to, to);
  }

  const Program& program_;
  CommandStamps stamps_;
};

template <typename Command>
void add_lines(const char* name, const QueueProgram<Command>& queue, const std::vector<Stamp>& stamps, int layer,
               std::string& text) {
  for (std::size_t i = 0; i < queue.commands.size(); ++i) {
    if (queue.layers[i] != layer) continue;
    const Command& command = queue.commands[i];
    std::string word, fields;
    const CommandWord packed = pack(command);
    for (auto part = packed.rbegin(); part != packed.rend(); ++part) word += fmt::format("{:08x}", *part);
    const auto values = command_values(command);
    for (std::size_t f = 0; f < values.size(); ++f)
      fields += fmt::format("{}{}={}", f == 0 ? "" : " ", command_fields<Command>()[f].name, values[f]);
    text += fmt::format("{},{},{},{},{},{}\n", name, i, stamps[i].from, stamps[i].to, word, fields);
  }
}

}  // namespace

CommandStamps stamp_commands(const qnet::Network& network, const Program& program, const DramConfig& dram) {
  StampRecorder recorder(program);
  TransactionMachine machine(network, program, dram);
  machine.observe(&recorder);
  machine.run(1);
  return recorder.take();
}

std::string commands_csv(const Program& program, const CommandStamps& stamps, int layer) {
  std::string text = "queue,number,from_cycle,to_cycle,command,fields\n";
  add_lines("LOAD", program.loads, stamps.loads, layer, text);
  add_lines("COMPUTE", program.computes, stamps.computes, layer, text);
  add_lines("STORE", program.stores, stamps.stores, layer, text);
  return text;
}

}  // namespace shiftsim::sim
