#include "tests/qnet/random_geometry.h"

namespace shiftsim::qnet {
namespace {

/// Kernel, stride, dilation and padding of one axis that leave at least one output.
void axis(const RandomNetworkOptions& options, RandomSource& random, int input, int& kernel, int& stride, int& dilation,
          int& before, int& after, int& output) {
  for (;;) {
    kernel = random.in(1, options.max_kernel);
    stride = random.chance(60) ? 1 : random.in(1, options.max_stride);
    dilation = random.chance(70) ? 1 : random.in(1, options.max_dilation);
    const int reach = dilation * (kernel - 1);
    before = random.chance(50) ? reach / 2 : random.in(0, reach);
    after = !options.asymmetric_pads ? before : random.chance(50) ? reach - reach / 2 : random.in(0, reach);
    const int room = input + before + after - reach - 1;
    if (room < 0) continue;
    output = room / stride + 1;
    return;
  }
}

}  // namespace

void any_geometry(const Tensor& in, const RandomNetworkOptions& options, RandomSource& random, Layer& layer,
                  Tensor& output) {
  axis(options, random, in.height, layer.kernel_h, layer.stride_h, layer.dilation_h, layer.pad_top, layer.pad_bottom,
       output.height);
  axis(options, random, in.width, layer.kernel_w, layer.stride_w, layer.dilation_w, layer.pad_left, layer.pad_right,
       output.width);
}

void same_geometry(const Tensor& in, const RandomNetworkOptions& options, RandomSource& random, Layer& layer,
                   Tensor& output) {
  const auto odd = [&] { return 1 + 2 * random.in(0, (options.max_kernel - 1) / 2); };
  layer.kernel_h = odd();
  layer.kernel_w = odd();
  layer.pad_top = layer.pad_bottom = layer.kernel_h / 2;
  layer.pad_left = layer.pad_right = layer.kernel_w / 2;
  output.height = in.height;
  output.width = in.width;
}

}  // namespace shiftsim::qnet
