// The PPU's arithmetic, transcribed from docs/hardware.md and docs/integer-contract.md; nothing of the RTL's tricks.
#ifndef SHIFTSIM_TESTS_RTL_PPU_REFERENCE_H_
#define SHIFTSIM_TESTS_RTL_PPU_REFERENCE_H_

#include <cstdint>

namespace shiftsim::test {

struct TableEntry {
  int32_t bias = 0;
  int n = 0;   // -31..31
  int c = 0;   // -8..7
  int rs = 0;  // -31..31
  int hi = 0;  // 0..255
};

struct PpuInput {
  int64_t a = 0;
  int64_t s = 0;
  int r = 0;
  bool has_offset = false;
  bool has_res = false;
};

inline int32_t Low32(int64_t value) {
  return static_cast<int32_t>(static_cast<uint32_t>(value));
}

// y of stage B2, before the clamp. 32 bits, modular.
inline int32_t PpuShifted(const PpuInput& in, const TableEntry& entry) {
  int64_t v = Low32(in.has_offset ? 2 * in.a + entry.c * in.s : in.a);
  v = Low32(v + entry.bias);
  if (in.has_res) {
    const int64_t r = in.r;
    const int64_t shifted =
        entry.rs >= 0 ? r * (int64_t{1} << entry.rs) : (r + (int64_t{1} << (-entry.rs - 1))) >> -entry.rs;
    v = Low32(v + Low32(shifted));
  }
  return entry.n > 0 ? Low32(v >> entry.n) : Low32(v * (int64_t{1} << -entry.n));
}

inline void PackEntry(const TableEntry& entry, uint32_t* words, int lsb) {
  const auto put = [&](int at, int bits, int64_t value) {
    for (int i = 0; i < bits; ++i) {
      if ((value >> i) & 1) words[(lsb + at + i) / 32] |= uint32_t{1} << ((lsb + at + i) % 32);
    }
  };
  put(0, 32, entry.bias);
  put(32, 6, entry.n);
  put(38, 4, entry.c);
  put(42, 6, entry.rs);
  put(48, 8, entry.hi);
}

}  // namespace shiftsim::test

#endif  // SHIFTSIM_TESTS_RTL_PPU_REFERENCE_H_
