// What quantrun tells about a quantized network.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "quantizer/app/learning_record.h"
#include "quantizer/app/timeline.h"
#include "quantizer/evaluate/accuracy.h"
#include "quantizer/evaluate/diagnosis.h"
#include "quantizer/plan/quantized_network.h"

namespace shiftsim::quantizer {

/// A table with a line a layer, at most 120 columns: bits, exponents, offsets, signal-to-quantization-noise ratios and
/// why it has these bits.
std::string layer_table(const QuantizedNetwork& source, const qnet::Network& network);

/// What a run measured.
struct RunResult {
  double seconds = 0;             ///< of quantization, the search and all learning
  std::vector<StageCost> stages;  ///< of the whole run, those that ran, in order
  LearningRecord learning;
  std::optional<PairedAccuracy> accuracy;  ///< none without test images
};

/// The report as JSON, each layer with its diagnosis. 'network': none with free scales.
std::string report_json(const QuantizedNetwork& source, const std::optional<qnet::Network>& network,
                        const Recipe& recipe, const RunResult& result, const Diagnosis& diagnosis);

/// The page that shows a report, beside it: quantization.json has quantization.html.
std::filesystem::path page_of(std::filesystem::path report);

/// Which tensors and weights have other bits than the recipe's main ones, in sentences: what "W4A4" leaves out.
std::string policy_text(const Plan& plan, const Recipe& recipe);

}  // namespace shiftsim::quantizer
