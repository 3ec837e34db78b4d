// Loops compiled for several instruction sets, and the choice among these sets. All of the project's own dispatch goes
// by it; oneDNN has its own.
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#define SHIFTSIM_INLINE __attribute__((always_inline)) inline

namespace shiftsim {

/// Instruction sets, each with all of the ones before. kAvx2 and kAvx512 are the levels 3 and 4 of x86-64.
enum class SimdTarget { kPortable, kAvx2, kAvx512, kAvx512Vnni };

/// "portable", "avx2", "avx512", "avx512-vnni"
const char* to_string(SimdTarget target);

/// What this processor can run, kPortable first.
std::vector<SimdTarget> simd_targets();

/// The best of them, or the one that the environment variable SHIFTSIM_SIMD names: read once. Throws UserError where it
/// names none of them.
SimdTarget simd_target();

/// The function 'kLoops', a SHIFTSIM_INLINE one, once per instruction set.
template <auto kLoops>
struct SimdClones;

template <typename Result, typename... Parameters, Result (*kLoops)(Parameters...)>
struct SimdClones<kLoops> {
#ifdef __x86_64__
  __attribute__((target("arch=x86-64-v4"))) static Result avx512(Parameters... parameters) {
    return kLoops(parameters...);
  }
  __attribute__((target("arch=x86-64-v3"))) static Result avx2(Parameters... parameters) {
    return kLoops(parameters...);
  }
  static Result portable(Parameters... parameters) {
    return kLoops(parameters...);
  }
  /// The first call decides for all others.
  static Result decide(Parameters... parameters) {
    const SimdTarget target = simd_target();
    const auto decided = target >= SimdTarget::kAvx512 ? avx512 : target == SimdTarget::kAvx2 ? avx2 : portable;
    chosen.store(decided, std::memory_order_relaxed);
    return decided(parameters...);
  }
  static Result run(Parameters... parameters) {
    return chosen.load(std::memory_order_relaxed)(parameters...);
  }

private:
  static inline std::atomic<Result (*)(Parameters...)> chosen{decide};
#else
  static Result run(Parameters... parameters) {
    return kLoops(parameters...);
  }
#endif
};

/// kLoops(arguments...), compiled for simd_target(). 'kLoops' calls SHIFTSIM_INLINE functions only: others would be
/// compiled for the portable set.
template <auto kLoops, typename... Arguments>
SHIFTSIM_INLINE decltype(auto) simd(Arguments&&... arguments) {
  return SimdClones<kLoops>::run(std::forward<Arguments>(arguments)...);
}

}  // namespace shiftsim
