// A network that another tool has quantized, as a .qnet of the same integers. docs/onnx-exchange.md says what is taken.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "quantizer/exchange/legal_scales.h"
#include "quantizer/exchange/sum_layer.h"
#include "quantizer/import/onnx_import.h"

namespace shiftsim::quantizer {

struct QuantizedImport {
  qnet::Network network;
  ImportCounts counts;
  std::vector<Replacement> replacements;  ///< none without 'take_nearest'
};

/// Reads an ONNX file with QuantizeLinear and DequantizeLinear, or with QONNX's Quant nodes. The network's images are
/// the codes of its quantized input, less its least code. Throws UserError naming file and node for what the machine
/// does not hold; scales that are no powers of two and zero points that are not 0 are replaced where 'take_nearest'.
QuantizedImport import_quantized(const std::filesystem::path& file, const ImageSizeOf& image_size, bool take_nearest);

/// The counts and the replacements, in sentences.
std::string import_text(const QuantizedImport& imported);

}  // namespace shiftsim::quantizer
