// Numbers as reports print them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace shiftsim::sim {

constexpr std::size_t kNameWidth = 18;  // of a layer's name in a table

/// 950, 12.3k, 4.56M, 789M, 1.23G: at most 5 characters.
std::string short_number(double value);
/// 1,234,567
std::string with_commas(std::int64_t value);
/// pJ with a unit that keeps the number short: 3.32 uJ.
std::string energy_text(double pj);
/// Seconds with such a unit: 479.1 us.
std::string time_text(double seconds);
/// "1 image", "10,000 images"
std::string images_text(std::int64_t count);

}  // namespace shiftsim::sim
