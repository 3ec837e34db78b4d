#include "sim/trace/trace.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/atomic_file.h"
#include "sim/transaction/transaction_machine.h"

namespace shiftsim::sim {
namespace {

const char* name_of(Target target) {
  constexpr const char* kNames[] = {"activations", "weights", "tables", "residual", "outputs"};
  return kNames[static_cast<std::size_t>(target)];
}

class Recorder : public TransactionObserver {
public:
  Recorder(const qnet::Network& network, const Program& program) : network_(network), program_(program) {}

  void on_compute(std::int64_t from, std::int64_t cycles, Cause cause, int layer,
                  const ComputeCommand* command) override {
    const bool works = cause == Cause::kRun;
    const std::string name =
        works ? tile_name(*command) : fmt::format("wait: {}", kCauseNames[static_cast<std::size_t>(cause)]);
    add_or_extend(last_compute_, {Track::kCompute, from, from + cycles, layer, name, cause});
  }

  void on_ppu(std::int64_t from, std::int64_t cycles, int layer, const ComputeCommand& command) override {
    add_or_extend(last_ppu_, {Track::kPpu, from, from + cycles, layer, tile_name(command)});
  }

  void on_load(std::int64_t from, std::int64_t to, int layer, const LoadCommand& command) override {
    slices_.push_back(
        {Track::kLoad, from, to, layer, fmt::format("{} {}", layer_name(layer), name_of(command.target))});
  }

  void on_store(std::int64_t from, std::int64_t to, int layer, const StoreCommand& command) override {
    const WriteProgram& write = program_.writes[command.dma_id];
    slices_.push_back({Track::kStore, from, to, layer, fmt::format("{} {}", layer_name(layer), place(write))});
  }

  void on_read(std::int64_t from, std::int64_t to, std::int64_t fetch_from, std::int64_t fetch_to, MemoryLevel level,
               std::int64_t bytes, int layer, Target target) override {
    const std::string name = fmt::format("{} {}", layer_name(layer), name_of(target));
    slices_.push_back({Track::kDma, from, to, layer, name, Cause::kRun, bytes});
    if (bytes > 0)
      slices_.push_back({track_of(level), fetch_from, fetch_to, layer, "read " + name, Cause::kRun, bytes});
  }

  void on_write(std::int64_t from, std::int64_t to, MemoryLevel level, std::int64_t bytes) override {
    slices_.push_back({track_of(level), from, to, -1, "write", Cause::kRun, bytes});
  }

  std::vector<Slice> take() { return std::move(slices_); }

private:
  static Track track_of(MemoryLevel level) { return level == MemoryLevel::kL2 ? Track::kL2 : Track::kDram; }
  const std::string& layer_name(int layer) const { return network_.layers[static_cast<std::size_t>(layer)].name; }
  /// Where a tile or a store begins.
  template <typename Tile>
  std::string place(const Tile& tile) const {
    const std::string image = program_.dram.batch() > 1 ? fmt::format("i{} ", tile.image) : "";
    return fmt::format("{}y{} x{} k{}", image, tile.y0, tile.x0, tile.channel0);
  }

  std::string tile_name(const ComputeCommand& command) const {
    const TileOrigin& tile = program_.origins[static_cast<std::size_t>(&command - program_.computes.commands.data())];
    return fmt::format("{} {}", layer_name(tile.layer), place(tile));
  }

  /// One slice for what goes on.
  void add_or_extend(std::size_t& last, Slice slice) {
    if (last < slices_.size()) {
      Slice& open = slices_[last];
      if (open.to == slice.from && open.layer == slice.layer && open.cause == slice.cause && open.name == slice.name) {
        open.to = slice.to;
        return;
      }
    }
    last = slices_.size();
    slices_.push_back(std::move(slice));
  }

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  const qnet::Network& network_;
  const Program& program_;
  std::vector<Slice> slices_;
  std::size_t last_compute_ = kNone, last_ppu_ = kNone;
};

/// Whether slices of a track may overlap: reads of the DMA; a read and writes of a memory.
bool overlaps(Track track) {
  return track == Track::kDma || track == Track::kDram || track == Track::kL2;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump();
}

}  // namespace

std::vector<Slice> trace_batch(const qnet::Network& network, const Program& program, const DramConfig& dram) {
  Recorder recorder(network, program);
  TransactionMachine machine(network, program, dram);
  machine.observe(&recorder);
  machine.run(1);
  return recorder.take();
}

void write_trace(const std::filesystem::path& file, const std::vector<Slice>& slices, const qnet::Network& network,
                 const AcceleratorConfig& accelerator) {
  std::string text = "{\"displayTimeUnit\": \"ns\",\n\"traceEvents\": [\n";
  text += fmt::format(R"({{"ph": "M", "pid": 1, "name": "process_name", "args": {{"name": {}}}}})",
                      quoted(fmt::format("{} on {}", network.name, accelerator.name)));
  for (std::size_t track = 0; track < std::size(kTrackNames); ++track) {
    text += fmt::format(
        ",\n"
        R"({{"ph": "M", "pid": 1, "tid": {}, "name": "thread_name", "args": {{"name": "{}"}}}})",
        track, kTrackNames[track]);
    text += fmt::format(
        ",\n"
        R"({{"ph": "M", "pid": 1, "tid": {0}, "name": "thread_sort_index", )"
        R"("args": {{"sort_index": {0}}}}})",
        track);
  }
  // Microseconds.
  const auto time = [&](std::int64_t cycle) { return static_cast<double>(cycle) / accelerator.clock_mhz; };
  std::int64_t id = 0;
  for (const Slice& s : slices) {
    const std::string bytes = s.bytes > 0 ? fmt::format(R"(, "bytes": {})", s.bytes) : "";
    const std::string arguments =
        fmt::format(R"("args": {{"from_cycle": {}, "cycles": {}{}}})", s.from, s.to - s.from, bytes);
    const int track = static_cast<int>(s.track);
    if (overlaps(s.track)) {
      ++id;
      text += fmt::format(
          ",\n"
          R"({{"ph": "b", "cat": "{}", "id": {}, "pid": 1, "tid": {}, "ts": {:.6f}, "name": {}, {}}})",
          kTrackNames[track], id, track, time(s.from), quoted(s.name), arguments);
      text += fmt::format(
          ",\n"
          R"({{"ph": "e", "cat": "{}", "id": {}, "pid": 1, "tid": {}, "ts": {:.6f}, "name": {}}})",
          kTrackNames[track], id, track, time(s.to), quoted(s.name));
    } else {
      text += fmt::format(
          ",\n"
          R"({{"ph": "X", "pid": 1, "tid": {}, "ts": {:.6f}, "dur": {:.6f}, "name": {}, {}}})",
          track, time(s.from), time(s.to - s.from), quoted(s.name), arguments);
    }
  }
  write_file_atomically(file, text + "\n]}\n");
}

}  // namespace shiftsim::sim
