#include "sim/transaction/burst_gather.h"

#include <cstddef>

namespace shiftsim::sim {

int BurstGather::add_word() {
  int closed = 0;
  const StoreWords::Pieces& pieces = words_.pieces();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const DramPiece& piece = pieces[i];
    if (piece.bytes == 0) continue;
    OpenBurst& open = open_[i];
    const std::uint64_t end = piece.address + static_cast<std::uint64_t>(piece.bytes);
    // Mostly within the burst that is open: then nothing needs to be divided.
    if (open && piece.address >= *open * burst_bytes_ && end <= (*open + 1) * burst_bytes_) continue;
    const std::uint64_t last = (end - 1) / burst_bytes_;
    for (std::uint64_t burst = piece.address / burst_bytes_; burst <= last; ++burst) {
      if (open == burst) continue;
      if (open) ++closed;
      open = burst;
    }
  }
  words_.advance();
  if (!words_.done()) return closed;
  for (OpenBurst& open : open_) {
    if (open) ++closed;
    open.reset();
  }
  return closed;
}

}  // namespace shiftsim::sim
