// The kernels in AVX2: 8 sums a vector, two products a lane (vpmaddwd).
#ifdef __x86_64__
#include <immintrin.h>

#include "qnet/golden_kernels.h"

#pragma GCC push_options
#pragma GCC target("avx2")
namespace shiftsim::qnet {
namespace {

struct Vec {
  static constexpr int kLanes = 8;
  using Type = __m256i;
  static Type zero() { return _mm256_setzero_si256(); }
  static Type load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i_u*>(p)); }
  static void store(std::int32_t* p, Type v) { _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(p), v); }
  static Type broadcast_pair(const std::int16_t* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return _mm256_set1_epi32(pair);
  }
  static Type widen(const std::int16_t* p) {
    return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p)));
  }
  static Type madd(Type sum, Type a, Type b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
};

#include "qnet/golden_kernels_impl.h"

}  // namespace

extern const Kernels kAvx2Kernels;
const Kernels kAvx2Kernels{Vec::kLanes, conv, depthwise, max_pool};

}  // namespace shiftsim::qnet
#pragma GCC pop_options
#endif
