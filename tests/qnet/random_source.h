// Random numbers that do not depend on the standard library: its distributions may differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace shiftsim::qnet {

class RandomSource {
public:
  explicit RandomSource(std::uint64_t seed) : engine_(seed) {}
  /// Uniform in [low, high].
  int in(int low, int high) { return low + static_cast<int>(engine_() % (static_cast<std::uint64_t>(high - low) + 1)); }
  bool chance(int percent) { return in(0, 99) < percent; }
  /// One of the choices, which are one or more.
  template <typename T>
  const T& of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(in(0, static_cast<int>(choices.size()) - 1))];
  }

private:
  std::mt19937_64 engine_;
};

}  // namespace shiftsim::qnet
