// The kernels in AVX-512 with VNNI: multiply and add in one instruction (vpdpwssd), without saturation.
#ifdef __x86_64__
#include <immintrin.h>

#include "qnet/golden_kernels.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
namespace shiftsim::qnet {
namespace {

struct Vec {
  static constexpr int kLanes = 16;
  using Type = __m512i;
  static Type zero() { return _mm512_setzero_si512(); }
  static Type load(const void* p) { return _mm512_loadu_si512(p); }
  static void store(std::int32_t* p, Type v) { _mm512_storeu_si512(p, v); }
  static Type broadcast_pair(const std::int16_t* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
  }
  static Type widen(const std::int16_t* p) {
    // The masked form: GCC 12 takes the plain one for a use of an uninitialized value.
    return _mm512_maskz_cvtepi16_epi32(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(p)));
  }
  static Type madd(Type sum, Type a, Type b) { return _mm512_dpwssd_epi32(sum, a, b); }
};

#include "qnet/golden_kernels_impl.h"

}  // namespace

extern const Kernels kVnniKernels;
const Kernels kVnniKernels{Vec::kLanes, conv, depthwise, max_pool};

}  // namespace shiftsim::qnet
#pragma GCC pop_options
#endif
