// QDQ files of int8 codes as embedded flows write them.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/quantizer/onnx_builder.h"

namespace shiftsim::quantizer {

class Int8Builder {
public:
  explicit Int8Builder(unsigned seed, int opset = 13) : model(opset) { model.generator.seed(seed); }

  void quantize(const std::string& from, const std::string& to, int exponent, int type = onnx::TensorProto::INT8) {
    scale(to + "_scale", exponent);
    codes(to + "_zero", {}, {0}, type);
    model.node("QuantizeLinear", {from, to + "_scale", to + "_zero"}, to + "_codes");
    model.node("DequantizeLinear", {to + "_codes", to + "_scale", to + "_zero"}, to);
  }

  /// Random weights, and biases with scales of their own.
  void conv(const std::string& from, const std::string& to, int in, int out, int kernel, int exponent) {
    const auto draw = [&](std::size_t count, int reach) {
      Ints values;
      std::uniform_int_distribution<int> code(-reach, reach);
      while (values.size() < count) values.push_back(code(model.generator));
      return values;
    };
    codes(to + "_w", {out, in, kernel, kernel}, draw(static_cast<std::size_t>(out * in * kernel * kernel), 127));
    scale(to + "_w_scale", exponent);
    model.node("DequantizeLinear", {to + "_w", to + "_w_scale"}, to + "_weight");
    // Finer than the accumulator's step, and odd: no tie is left.
    Ints bias = draw(static_cast<std::size_t>(out), 5000);
    for (auto& value : bias) value |= 1;
    codes(to + "_b", {out}, bias, onnx::TensorProto::INT32);
    scale(to + "_b_scale", -17);
    model.node("DequantizeLinear", {to + "_b", to + "_b_scale"}, to + "_bias");
    model.node("Conv", {from, to + "_weight", to + "_bias"}, to, {{"pads", Ints(4, kernel / 2)}});
  }

  /// Codes by numbers, as protobuf has them.
  static void int8s(onnx::TensorProto& tensor, const std::string& name, const Ints& dims, const Ints& codes, int type) {
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const auto size : dims) tensor.add_dims(size);
    for (const auto code : codes) tensor.add_int32_data(static_cast<std::int32_t>(code));
  }

  OnnxBuilder model;

private:
  void scale(const std::string& name, int exponent) { model.floats(name, {}, {std::ldexp(1.0f, exponent)}); }
  void codes(const std::string& name, const Ints& dims, const Ints& values, int type = onnx::TensorProto::INT8) {
    int8s(*model.model.mutable_graph()->add_initializer(), name, dims, values, type);
  }
};

}  // namespace shiftsim::quantizer
