#include "quantizer/exchange/max_pool_nodes.h"

#include <algorithm>
#include <cmath>

#include "common/index.h"
#include "quantizer/exchange/clamp_nodes.h"

namespace shiftsim::quantizer {

void write_max_pool(ExportState& state, const qnet::Layer& layer) {
  const qnet::Tensor& input = state.network.in(layer);
  std::string x = state.values[index(layer.input)];
  OnnxWriter::Dims padding = pads_of(layer);
  // ONNX Runtime refuses padding as wide as the kernel, which dilation allows.
  if (std::max(layer.pad_top, layer.pad_bottom) >= layer.kernel_h ||
      std::max(layer.pad_left, layer.pad_right) >= layer.kernel_w) {
    const OnnxWriter::Dims wide{0, 0, padding[0], padding[1], 0, 0, padding[2], padding[3]};
    const int widest = *std::max_element(input.exponents.begin(), input.exponents.end());
    // A step below all codes: padding of 0 is what ONNX Runtime's optimizer would put back into the pool.
    const float lowest = std::ldexp(static_cast<float>(input.low() - 1), widest);
    x = state.writer.node("Pad", layer.name + "/pad",
                          {x, state.writer.ints(layer.name + "/pads", wide),
                           state.writer.floats(layer.name + "/pad_value", {}, {&lowest, 1})},
                          state.writer.unique(layer.name + "/padded"));
    padding = {0, 0, 0, 0};
  }
  const std::string y = state.writer.node("MaxPool", layer.name, {x}, state.writer.unique(layer.name + "/maximum"),
                                          window_attributes(layer, padding));
  state.define(layer, clamped(state, layer, y));
}

}  // namespace shiftsim::quantizer
