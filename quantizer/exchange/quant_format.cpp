#include "quantizer/exchange/quant_format.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "qnet/bounds.h"

namespace shiftsim::quantizer {

namespace {

using Dims = OnnxWriter::Dims;

constexpr int kOnnxInt8 = 3;  // TensorProto::INT8

std::vector<float> powers_of_two(const std::vector<int>& exponents) {
  std::vector<float> values;
  values.reserve(exponents.size());
  for (const int exponent : exponents) values.push_back(std::ldexp(1.0f, exponent));
  return values;
}

class Qdq final : public QuantFormat {
public:
  explicit Qdq(int opset) : opset_(opset) {}

  std::vector<OnnxWriter::Opset> opsets() const override { return {{"", opset_}}; }
  int smallest(const ActivationQuantizer& quantizer) const override { return smallest_code(type_of(quantizer)); }
  int largest(const ActivationQuantizer& quantizer) const override { return largest_code(type_of(quantizer)); }

  std::string weights(OnnxWriter& writer, const std::string& layer, const Dims& dims,
                      const WidenedWeights& weights) const override {
    const auto [low, high] = std::minmax_element(weights.codes.begin(), weights.codes.end());
    const auto holds = [low = *low, high = *high](CodeType type) {
      return low >= smallest_code(type) && high <= largest_code(type);
    };
    if (!holds(CodeType::kInt8))
      fail(
          "layer '{}': its weights with their half-step offsets are codes from {} to {}, expected -128 to 127, which "
          "int8 holds: export with --export-qonnx, or quantize the layer to 4 bits or without offsets",
          layer, *low, *high);
    const CodeType type = opset_ >= kInt4Opset && holds(CodeType::kInt4) ? CodeType::kInt4 : CodeType::kInt8;
    const std::string codes = writer.codes(layer + "/weight_codes", dims, type, weights.codes);
    return dequantize(writer, codes, layer + "/weight", weights.exponents, type, 0);
  }

  std::string activation(OnnxWriter& writer, const std::string& value, const std::string& name,
                         const ActivationQuantizer& quantizer) const override {
    const CodeType type = type_of(quantizer);
    std::vector<std::string> more_inputs{scales(writer, name, quantizer.exponents)};
    const auto axis = axis_of(quantizer.exponents, 1);
    auto attributes = axis;
    // Opset 21 names the type. A zero point beside it is what ONNX Runtime 1.30's optimizer gives the wrong type where
    // it quantizes behind a Slice once more.
    if (opset_ >= kInt4Opset && type == CodeType::kInt8)
      attributes.emplace_back("output_dtype", std::int64_t{kOnnxInt8});
    else
      more_inputs.push_back(zeros(writer, name, quantizer.exponents, type));
    const auto with = [&](const std::string& first) {
      std::vector<std::string> inputs{first};
      inputs.insert(inputs.end(), more_inputs.begin(), more_inputs.end());
      return inputs;
    };
    const std::string codes =
        writer.node("QuantizeLinear", name + "/quantize", with(value), writer.unique(name + "/codes"), attributes);
    return writer.node("DequantizeLinear", name + "/dequantize", with(codes), writer.unique(name), axis);
  }

private:
  /// Of 4 bits are weights alone. ONNX Runtime 1.30 quantizes larger tensors to wrong codes of uint4, and its optimizer
  /// refuses their Clip and MaxPool.
  static CodeType type_of(const ActivationQuantizer& quantizer) {
    return quantizer.is_signed || quantizer.in_signed_type ? CodeType::kInt8 : CodeType::kUint8;
  }

  static Dims dims_of(const std::vector<int>& exponents) {
    if (exponents.size() == 1) return {};
    return {static_cast<std::int64_t>(exponents.size())};
  }

  static std::string scales(OnnxWriter& writer, const std::string& name, const std::vector<int>& exponents) {
    return writer.floats(name + "/scale", dims_of(exponents), powers_of_two(exponents));
  }

  static std::string zeros(OnnxWriter& writer, const std::string& name, const std::vector<int>& exponents,
                           CodeType type) {
    return writer.codes(name + "/zero_point", dims_of(exponents), type, std::vector<int>(exponents.size(), 0));
  }

  static std::vector<OnnxWriter::Attribute> axis_of(const std::vector<int>& exponents, std::int64_t axis) {
    if (exponents.size() == 1) return {};
    return {{"axis", axis}};
  }

  static std::string dequantize(OnnxWriter& writer, const std::string& codes, const std::string& name,
                                const std::vector<int>& exponents, CodeType type, std::int64_t axis) {
    const std::string scale = scales(writer, name, exponents), zero = zeros(writer, name, exponents, type);
    return writer.node("DequantizeLinear", name + "/dequantize", {codes, scale, zero}, writer.unique(name),
                       axis_of(exponents, axis));
  }

  int opset_;
};

class Qonnx final : public QuantFormat {
public:
  std::vector<OnnxWriter::Opset> opsets() const override { return {{"", kInt8Opset}, {kDomain, 1}}; }
  int smallest(const ActivationQuantizer& quantizer) const override {
    return quantizer.is_signed ? -(1 << (quantizer.bits - 1)) : 0;
  }
  int largest(const ActivationQuantizer& quantizer) const override {
    return (1 << (quantizer.is_signed ? quantizer.bits - 1 : quantizer.bits)) - 1;
  }

  std::string weights(OnnxWriter& writer, const std::string& layer, const Dims& dims,
                      const WidenedWeights& weights) const override {
    std::vector<float> values;
    const std::size_t outputs = weights.exponents.size(), fan = weights.codes.size() / outputs;
    for (std::size_t i = 0; i < weights.codes.size(); ++i)
      values.push_back(std::ldexp(static_cast<float>(weights.codes[i]), weights.exponents[i / fan]));
    Dims scale_dims(dims.size(), 1);
    scale_dims[0] = dims[0];
    const int bits = std::max(2, qnet::Interval{weights.low, weights.high}.bits());  // of 1 bit, Quant's is -1 or 1
    return quant(writer, writer.floats(layer + "/weight_values", dims, values), layer + "/weight", weights.exponents,
                 scale_dims, {bits, true});
  }

  std::string activation(OnnxWriter& writer, const std::string& value, const std::string& name,
                         const ActivationQuantizer& quantizer) const override {
    const auto channels = static_cast<std::int64_t>(quantizer.exponents.size());
    return quant(writer, value, name, quantizer.exponents, channels == 1 ? Dims{} : Dims{1, channels, 1, 1},
                 {quantizer.bits, quantizer.is_signed});
  }

private:
  static constexpr const char* kDomain = "qonnx.custom_op.general";

  struct Width {
    int bits;
    bool is_signed;
  };

  static std::string quant(OnnxWriter& writer, const std::string& value, const std::string& name,
                           const std::vector<int>& exponents, const Dims& dims, const Width& width) {
    const std::string scale = writer.floats(name + "/scale", dims, powers_of_two(exponents));
    const float zero = 0, bits = static_cast<float>(width.bits);
    const std::string zero_point = writer.floats(name + "/zero_point", {}, {&zero, 1});
    const std::string bit_width = writer.floats(name + "/bit_width", {}, {&bits, 1});
    return writer.node("Quant", name + "/quant", {value, scale, zero_point, bit_width}, writer.unique(name),
                       {{"signed", std::int64_t{width.is_signed}},
                        {"narrow", std::int64_t{0}},
                        {"rounding_mode", std::string("ROUND")}},
                       kDomain);
  }
};

}  // namespace

std::unique_ptr<QuantFormat> make_quant_format(OnnxFormat format, int opset) {
  if (format == OnnxFormat::kQonnx) return std::make_unique<Qonnx>();
  return std::make_unique<Qdq>(opset);
}

}  // namespace shiftsim::quantizer
