// A whole quantization as one call: what quantrun does between reading its command line and printing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/image_source.h"
#include "qnet/network.h"
#include "quantizer/app/report.h"
#include "quantizer/import/onnx_import.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"

namespace shiftsim::quantizer {

struct QuantizeRequest {
  std::filesystem::path model;           ///< ONNX
  std::string output_tensor;             ///< which of the model's values is meant; empty: the only output
  ImageSource calibration;               ///< what is learned from
  std::optional<ImageSource> test;       ///< what accuracy is measured on, with labels
  std::optional<ImageSize> input_shape;  ///< where the model leaves height or width open
  RecipeSources recipe;
  std::optional<double> budget_minutes;             ///< decides the iterations in place of the effort
  int threads = 0;                                  ///< 0: one per processor
  std::optional<std::filesystem::path> output;      ///< the .qnet folder to write
  std::optional<std::filesystem::path> checkpoint;  ///< where finished units are kept until the end
  bool diagnose = false;
};

/// Model, recipe and images of a request, read and checked before the long work.
struct QuantizeInputs {
  Recipe recipe;
  Graph graph;
  Plan plan;
  ImageSet calibration, test;
  std::vector<std::size_t> chosen;  ///< of the calibration images
  int threads = 1;
};

/// Throws UserError for what cannot be read or does not fit.
QuantizeInputs read_inputs(const QuantizeRequest& request);

struct Quantization {
  QuantizedNetwork quantized;
  std::optional<qnet::Network> network;  ///< layer by layer as the plan; none with free scales
  std::optional<Diagnosis> diagnosis;    ///< where it was asked for
  RunResult result;

  /// The network as it is written: functions stand as tables in the layers in front of them. There must be one.
  qnet::Network written() const;
};

/// Quantizes and, with test images, evaluates both networks; writes the .qnet folder where the request names one. The
/// inputs are used up, but for graph and recipe. Throws UserError.
Quantization quantize_model(QuantizeInputs& inputs, const QuantizeRequest& request);

}  // namespace shiftsim::quantizer
