#include "quantizer/import/operators/window.h"

#include <algorithm>
#include <tuple>

namespace shiftsim::quantizer {

Window read_window(const OnnxNode& op, const std::vector<std::int64_t>& kernel, const Shape& in) {
  const auto pair = [&](const char* name, std::vector<std::int64_t> fallback, std::int64_t low) {
    const auto list = op.attribute_ints(name, std::move(fallback));
    if (list.size() != 2) op.fail("{} has {} values, expected 2 (only 2-D is supported)", name, list.size());
    return std::pair{op.small(list[0], low, name), op.small(list[1], low, name)};
  };
  Window result;
  if (kernel.size() != 2) op.fail("kernel_shape has {} values, expected 2 (only 2-D is supported)", kernel.size());
  result.kernel_h = op.small(kernel[0], 1, "kernel_shape");
  result.kernel_w = op.small(kernel[1], 1, "kernel_shape");
  std::tie(result.stride_h, result.stride_w) = pair("strides", {1, 1}, 1);
  std::tie(result.dilation_h, result.dilation_w) = pair("dilations", {1, 1}, 1);
  const auto pads = op.attribute_ints("pads", {0, 0, 0, 0});
  if (pads.size() != 4) op.fail("pads has {} values, expected 4", pads.size());
  result.pad_top = op.small(pads[0], 0, "pads");
  result.pad_left = op.small(pads[1], 0, "pads");
  result.pad_bottom = op.small(pads[2], 0, "pads");
  result.pad_right = op.small(pads[3], 0, "pads");

  const std::string auto_pad = op.attribute_string("auto_pad", "NOTSET");
  if (auto_pad == "VALID") {
    result.pad_top = result.pad_left = result.pad_bottom = result.pad_right = 0;
  } else if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    const auto same = [&](int size, int kernel_size, int stride, int dilation, int& before, int& after) {
      const int out = (size + stride - 1) / stride;
      const int total = std::max(0, (out - 1) * stride + dilation * (kernel_size - 1) + 1 - size);
      before = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      after = total - before;
    };
    same(in.height, result.kernel_h, result.stride_h, result.dilation_h, result.pad_top, result.pad_bottom);
    same(in.width, result.kernel_w, result.stride_w, result.dilation_w, result.pad_left, result.pad_right);
  } else if (auto_pad != "NOTSET") {
    op.fail("auto_pad '{}', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto_pad);
  }
  return result;
}

Shape windowed_shape(const OnnxNode& op, const Window& window, const Shape& in, int channels) {
  const Shape result{channels, window.out_height(in.height), window.out_width(in.width)};
  if (result.height < 1 || result.width < 1)
    op.fail("a window of {}x{} does not fit the {}x{} map", window.kernel_h, window.kernel_w, in.height, in.width);
  return result;
}

}  // namespace shiftsim::quantizer
