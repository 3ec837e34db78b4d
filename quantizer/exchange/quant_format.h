// The two ways in which ONNX files say what is quantized.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "quantizer/exchange/layer_numbers.h"
#include "quantizer/exchange/onnx_writer.h"

namespace shiftsim::quantizer {

enum class OnnxFormat {
  kQdq,   ///< QuantizeLinear, DequantizeLinear: codes of 8 bits, weights from opset 21 on of 4 bits where they hold the
          ///< values
  kQonnx  ///< Quant nodes: floats that are integers times the scale, the exact bit widths beside them
};

inline constexpr int kInt8Opset = 13, kInt4Opset = 21;

/// The quantizer of an activation tensor.
struct ActivationQuantizer {
  int bits = 8;
  bool is_signed = false;
  std::vector<int> exponents;  ///< one, or one per channel
  /// Unsigned codes of at most 7 bits in a signed type. ONNX Runtime's optimizer quantizes what is joined in one type.
  bool in_signed_type = false;
};

class QuantFormat {
public:
  virtual ~QuantFormat() = default;

  virtual std::vector<OnnxWriter::Opset> opsets() const = 0;
  /// The codes that a quantized activation may take before the values behind are clamped by nodes of their own.
  virtual int smallest(const ActivationQuantizer& quantizer) const = 0;
  virtual int largest(const ActivationQuantizer& quantizer) const = 0;
  /// The layer's weights as real values. 'dims': output channels first. Throws UserError naming the layer where no type
  /// of the format holds the codes.
  virtual std::string weights(OnnxWriter& writer, const std::string& layer, const OnnxWriter::Dims& dims,
                              const WidenedWeights& weights) const = 0;
  /// 'value' quantized and kept within smallest() and largest(), as real values named 'name'.
  virtual std::string activation(OnnxWriter& writer, const std::string& value, const std::string& name,
                                 const ActivationQuantizer& quantizer) const = 0;
};

/// 'opset': 13 or 21; QONNX has none of 21.
std::unique_ptr<QuantFormat> make_quant_format(OnnxFormat format, int opset);

}  // namespace shiftsim::quantizer
