// A diagnosis for the reader: tables, advice, JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "quantizer/evaluate/diagnosis.h"

namespace shiftsim::quantizer {

/// Three tables (where the signal is lost, weights, output codes), worst layers first, each with its legend, then the
/// advice; at most 130 columns but for the advice.
std::string diagnosis_text(const Diagnosis& diagnosis);

/// What can be said of a layer without guessing: what dominates its noise, where it adds at least a hundredth of the
/// signal's power, and codes and channels that are wasted. Empty for most layers.
std::vector<std::string> advice(const LayerDiagnosis& layer);

/// All figures of a layer. Keys end in their units; percentages but for noise are of all elements. Ratios without noise
/// are the text "exact".
nlohmann::ordered_json diagnosis_json(const LayerDiagnosis& layer);

}  // namespace shiftsim::quantizer
