// An ONNX file with QuantizeLinear and DequantizeLinear, or with QONNX's Quant: its graph, and beside it the
// quantizers.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "quantizer/exchange/legal_scales.h"
#include "quantizer/graph/graph.h"
#include "quantizer/import/onnx_import.h"

namespace shiftsim::quantizer {

/// Where a quantized activation may lie: code * 2^exponent.
struct CodeQuantizer {
  int low = 0, high = 255;
  std::vector<int> exponents;  ///< one, or one per channel
  bool operator==(const CodeQuantizer&) const = default;
};

/// What the graph's nodes do not hold, by the index of the node.
struct QuantizedGraph {
  /// Not simplified. A quantization is a clamp without bounds.
  Graph graph;
  std::map<int, CodeQuantizer> quantizers;           ///< of quantizations
  std::map<int, std::vector<int>> weight_exponents;  ///< of convolutions: one per output channel; weights are integers
  std::map<int, std::vector<Clamp>> channel_clamps;  ///< of clamps with bounds of their own for each channel
  std::map<int, double> pad_values;                  ///< of padding with something else than 0
  std::map<int, float> divisors;                     ///< of affine nodes that divide by one value
  std::map<int, std::vector<float>> lookups;         ///< of functions that pick one of these by their argument
  std::set<int> truncations;                         ///< functions that drop the fraction
  std::map<int, std::string> labels;                 ///< the file's names: of nodes, of quantized tensors
  LegalScales scales{false};                         ///< the file's rule, for what the graph's readers find
};

/// Reads a file. Convolutions have integers for weights. Throws UserError naming file and node: what the importer
/// refuses, scales that are no powers of two, zero points that are not 0 (unless 'take_nearest'), weights that are not
/// quantized or have other axes than the output channels, codes of more than 8 bits.
QuantizedGraph read_quantized_file(const std::filesystem::path& file, const ImageSizeOf& image_size, bool take_nearest);

}  // namespace shiftsim::quantizer
