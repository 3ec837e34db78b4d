// The portable kernels, and the choice among all.
#include "qnet/golden_kernels.h"

namespace shiftsim::qnet {
namespace portable {
namespace {

struct Vec {
  static constexpr int kLanes = 8;
  struct Type {
    std::int32_t lane[kLanes];  // a sum, or two 16-bit halves
  };
  static Type zero() { return {}; }
  static Type load(const void* p) {
    Type v{};
    __builtin_memcpy(v.lane, p, sizeof v.lane);
    return v;
  }
  static void store(std::int32_t* p, const Type& v) { __builtin_memcpy(p, v.lane, sizeof v.lane); }
  static Type broadcast_pair(const std::int16_t* p) {
    Type v{};
    std::int32_t pair = 0;
    __builtin_memcpy(&pair, p, sizeof pair);
    for (int i = 0; i < kLanes; ++i) v.lane[i] = pair;
    return v;
  }
  static Type widen(const std::int16_t* p) {
    Type v{};
    for (int i = 0; i < kLanes; ++i) v.lane[i] = p[i];
    return v;
  }
  static Type madd(Type sum, const Type& a, const Type& b) {
    for (int i = 0; i < kLanes; ++i) {
      const std::int32_t low = static_cast<std::int16_t>(a.lane[i]) * static_cast<std::int16_t>(b.lane[i]);
      const std::int32_t high = (a.lane[i] >> 16) * (b.lane[i] >> 16);
      sum.lane[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum.lane[i]) +
                                              static_cast<std::uint32_t>(low) + static_cast<std::uint32_t>(high));
    }
    return sum;
  }
};

#include "qnet/golden_kernels_impl.h"

constexpr Kernels kKernels{Vec::kLanes, conv, depthwise, max_pool};

}  // namespace
}  // namespace portable

#ifdef __x86_64__
extern const Kernels kAvx2Kernels, kAvx512Kernels, kVnniKernels;
#endif

const Kernels& kernels_for(SimdTarget target) {
#ifdef __x86_64__
  switch (target) {
    case SimdTarget::kPortable:
      break;
    case SimdTarget::kAvx2:
      return kAvx2Kernels;
    case SimdTarget::kAvx512:
      return kAvx512Kernels;
    case SimdTarget::kAvx512Vnni:
      return kVnniKernels;
  }
#endif
  return portable::kKernels;
}

}  // namespace shiftsim::qnet
