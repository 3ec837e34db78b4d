// The DMA and the DRAM's timing: executes read and write programs for the core's LOAD and STORE units.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/config/config.h"
#include "sim/core/ports.h"
#include "sim/counters/events.h"
#include "sim/memory/dram.h"

namespace shiftsim::sim {

/// What the DMA drives into the core.
struct DmaOutputs {
  bool rd_req_ready = true, rd_data_valid = false, wr_req_ready = true, wr_data_ready = false;
  const std::uint8_t* rd_data = nullptr;
};

/// Timing: a request's data begins 'latency_cycles' after it is accepted; one channel of 'bytes_per_cycle' serves reads
/// and writes, in turn where both want it; contiguous pieces are rounded up to bursts. A read waits for the writes
/// accepted before it. Requests overlap (up to 4), data is fetched ahead into a buffer and handed over one word a
/// cycle, in order. Padding and words that need no DRAM cost no bandwidth.
class Dma {
public:
  Dma(const qnet::Network& network, const Program& program, const DramConfig& config, TensorMemory& memory);

  const DmaOutputs& outputs() const { return out_; }
  /// Returns whether the outputs may have changed.
  bool clock(const CoreOutputs& core);
  /// DRAM events of each layer.
  const std::vector<Events>& events() const { return events_; }
  bool idle() const { return requests_.empty() && !writing_ && backlog_ == 0; }
  /// Whether the last cycle moved data, or waited for no more than the memory's latency.
  bool progressed() const { return progressed_; }

private:
  /// A read under way: what has been fetched and handed over.
  struct Request {
    const ReadProgram* program = nullptr;
    std::int64_t ready_cycle = 0;  ///< first data
    std::int64_t write_mark = 0;   ///< bytes that must have been written before
    std::int64_t fetched = 0, total = 0, consumed = 0;
    std::int64_t count = 0, next = 0;  ///< words
    int row = 0, col = 0, word = 0;    ///< of the next word
  };

  void make_word(const Request& request, std::uint8_t* word) const;
  std::int64_t total_cost(const ReadProgram& program) const;
  std::int64_t need(const Request& request) const;
  std::int64_t round_to_burst(std::int64_t bytes) const;
  int pixel_bytes(const ReadProgram& program) const;
  void advance(Request& request) const;
  void accept_read(const CoreOutputs& core);
  void clock_write(const CoreOutputs& core);
  void transfer();
  void offer_word();

  const qnet::Network& network_;
  const Program& program_;
  DramConfig config_;
  TensorMemory& memory_;
  std::vector<Events> events_;
  DmaOutputs out_;
  std::int64_t cycle_ = 0;

  std::deque<Request> requests_;
  std::vector<std::uint32_t> words_[2];  ///< in turn; 32-bit, as the RTL takes them
  int word_index_ = 0;
  std::int64_t buffer_bytes_;

  bool progressed_ = false;
  bool writing_ = false, last_grant_write_ = false;
  const WriteProgram* write_ = nullptr;
  std::int64_t write_next_ = 0, write_count_ = 0, write_unit_ = 0;
  std::int64_t backlog_ = 0, written_ = 0, accepted_ = 0;
};

}  // namespace shiftsim::sim
