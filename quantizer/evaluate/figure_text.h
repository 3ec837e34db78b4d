// Figures of diagnosis and sensitivity, as tables and JSON show them.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace shiftsim::quantizer {

constexpr std::size_t kNameWidth = 24;  // of a layer's name in a table

/// A ratio in dB with one decimal; "exact" where it is infinite, and never "-0.0".
std::string decibel_text(double value);
/// The same as a number, or the text "exact".
nlohmann::ordered_json decibel_json(double value);

/// 'part' in percent of 'whole'; 0 where there is nothing.
double percent(std::size_t part, std::size_t whole);

}  // namespace shiftsim::quantizer
