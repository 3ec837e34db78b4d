#include "sim/transaction/memory_side.h"

namespace shiftsim::sim {

bool MemorySide::changes_tokens_or_queues(bool read_request) const {
  if (read_request && dma_.accepts_read()) return true;
  if (load_.takes_up_load()) return true;
  if (load_.receives() && dma_.offers_last_word()) return true;
  if (sends_word() && store_.offers_last_word()) return true;
  return dma_.accepts_store() && store_.requests_write();
}

/// A cycle in which something is written, and no token or command moves.
void MemorySide::advance_writes() {
  const bool taken = takes_word(), sent = sends_word();
  store_.clock(false, sent, cycle_);
  load_.advance(1);
  dma_.clock({taken, sent}, cycle_);
  ++cycle_;
}

/// Nothing is stored or waits to be written.
std::int64_t MemorySide::advance_reads(std::int64_t limit) {
  std::int64_t cycles = load_.same_cycles(limit);
  if (dma_.reads()) cycles = dma_.advance_reads(cycles, load_.receives(), cycle_);
  load_.advance(cycles);
  cycle_ += cycles;
  return cycles;
}

std::int64_t MemorySide::advance(std::int64_t limit) {
  const bool read_request = load_.requests_read();
  std::int64_t cycles = 0;
  while (cycles < limit && !changes_tokens_or_queues(read_request)) {
    if (!dma_.writes()) {
      cycles += advance_reads(limit - cycles);
      continue;
    }
    advance_writes();
    ++cycles;
    // The batch may end with the last write.
    if (dma_.idle()) break;
  }
  return cycles;
}

void MemorySide::clock() {
  const bool read_request = load_.requests_read(), write_request = store_.requests_write(), sent = sends_word(),
             taken = takes_word(), last_taken = taken && dma_.offers_last_word();
  const bool read_accepted = read_request && dma_.accepts_read();
  const bool write_accepted = write_request && dma_.accepts_store();
  const DmaTiming::Handshakes now = {taken, sent, read_accepted ? &load_.requested() : nullptr,
                                     write_accepted ? &store_.requested() : nullptr};
  const bool asleep = !read_request && !write_request && dma_.idle();
  store_.clock(write_accepted, sent, cycle_);
  load_.clock(last_taken, read_accepted, cycle_);
  if (!asleep) dma_.clock(now, cycle_);
  ++cycle_;
}

}  // namespace shiftsim::sim
