// The DMA: executes read and write programs for the core's LOAD and STORE units, and asks memory for bursts.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"
#include "sim/core/ports.h"
#include "sim/counters/events.h"
#include "sim/memory/dram_model.h"
#include "sim/memory/load_words.h"
#include "sim/memory/store_words.h"
#include "sim/memory/tensor_memory.h"

namespace shiftsim::sim {

/// What the DMA drives into the core.
struct DmaOutputs {
  bool rd_req_ready = true, rd_data_valid = false, wr_req_ready = true, wr_data_ready = false;
  const std::uint8_t* rd_data = nullptr;
};

/// Data comes from DRAM or, where the program says so, from the second-level buffer; each is a channel of its own, and
/// both work at the same time, though one read is fetched at a time. A read waits for the writes to its channel
/// accepted before it. Requests overlap (up to 4). Data is fetched ahead into a buffer and handed over one word a
/// cycle, in order. Written words are gathered into bursts. Padding and words that need no DRAM cost no bandwidth.
/// Words that will be loaded again are copied into the second-level buffer as they come, burst by burst.
class Dma {
public:
  /// All references must outlive this object.
  Dma(const qnet::Network& network, const Program& program, const DramConfig& config, DramModel& dram,
      TensorMemory& memory);

  const DmaOutputs& outputs() const { return out_; }
  /// Returns whether the outputs may have changed.
  bool clock(const CoreOutputs& core);
  /// Events of DRAM and of the second-level buffer, of each layer.
  const std::vector<Events>& events() const { return events_; }
  bool idle() const { return requests_.empty() && !store_ && backlog() == 0; }
  /// Whether the last cycle moved data, or waited for no more than the memory's timing.
  bool progressed() const { return progressed_; }

private:
  /// A read under way: what has been fetched and handed over, in bytes.
  struct Request {
    LoadWords words;
    std::int64_t first_data = 0;  ///< cycle
    std::int64_t write_mark = 0;  ///< bytes that must have been written to its level before
    std::int64_t fetched = 0, total = 0, consumed = 0;
    int layer = 0;
    MemoryLevel level = MemoryLevel::kDram;
    std::optional<std::uint64_t> copy{};  ///< where what is fetched goes in the second-level buffer, too
    std::int64_t copied = 0;              ///< bytes
    bool copies() const { return copy && copied < total; }
  };
  using OpenBurst = std::optional<std::uint64_t>;  ///< number of the burst
  /// A store under way: one burst is gathered for each block of channels that it touches.
  struct Store {
    StoreWords words;
    MemoryLevel level = MemoryLevel::kDram;
    std::array<OpenBurst, StoreWords::kBlocks> open{};
  };

  void accept_read(const CoreOutputs& core);
  void clock_store(const CoreOutputs& core);
  void gather(const DramPiece& piece, OpenBurst& open);
  void close(OpenBurst& open);
  void transfer();
  void copy_fetched(Request& request);
  void offer_word();

  /// What is known of a level.
  struct Channel {
    DramModel* model = nullptr;  ///< null: there is no such level
    int bytes_per_cycle = 1;
    std::int64_t accepted = 0, written = 0;  ///< bytes of bursts handed over, and of them written
  };
  Channel& channel(MemoryLevel level) { return channels_[static_cast<std::size_t>(level)]; }
  std::int64_t backlog() const;

  const qnet::Network& network_;
  const Program& program_;
  DramConfig config_;
  std::unique_ptr<DramModel> l2_;
  std::array<Channel, kMemoryLevels> channels_;
  TensorMemory& memory_;
  std::vector<Events> events_;
  std::int64_t buffer_bytes_;
  DmaOutputs out_;
  std::int64_t cycle_ = 0;
  bool progressed_ = false;

  std::deque<Request> requests_;
  std::array<std::vector<std::uint32_t>, 2> words_;  ///< in turn; 32-bit, as the RTL takes them
  std::size_t word_index_ = 0;

  std::optional<Store> store_;
};

}  // namespace shiftsim::sim
