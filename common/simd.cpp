#include "common/simd.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "common/error.h"
#include "common/text.h"

namespace shiftsim {
namespace {

constexpr const char* kVariable = "SHIFTSIM_SIMD";

SimdTarget chosen() {
  const std::vector<SimdTarget> targets = simd_targets();
  const char* wanted = std::getenv(kVariable);
  if (wanted == nullptr || *wanted == '\0') return targets.back();
  std::vector<std::string> names;
  names.reserve(targets.size());
  for (const SimdTarget target : targets) names.emplace_back(to_string(target));
  const auto found = std::find(names.begin(), names.end(), wanted);
  if (found == names.end())
    fail("{}: found '{}', expected what this processor can run: {}", kVariable, wanted, join(names));
  return targets[static_cast<std::size_t>(found - names.begin())];
}

}  // namespace

const char* to_string(SimdTarget target) {
  switch (target) {
    case SimdTarget::kPortable:
      return "portable";
    case SimdTarget::kAvx2:
      return "avx2";
    case SimdTarget::kAvx512:
      return "avx512";
    case SimdTarget::kAvx512Vnni:
      return "avx512-vnni";
  }
  return "";
}

std::vector<SimdTarget> simd_targets() {
  std::vector<SimdTarget> targets{SimdTarget::kPortable};
#ifdef __x86_64__
  // What tells the levels of x86-64 apart: clang 14 does not know these by name.
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
      !__builtin_cpu_supports("fma"))
    return targets;
  targets.push_back(SimdTarget::kAvx2);
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return targets;
  targets.push_back(SimdTarget::kAvx512);
  if (__builtin_cpu_supports("avx512vnni")) targets.push_back(SimdTarget::kAvx512Vnni);
#endif
  return targets;
}

SimdTarget simd_target() {
  static const SimdTarget target = chosen();
  return target;
}

}  // namespace shiftsim
