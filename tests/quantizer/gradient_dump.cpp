// One step of reconstruction on a random unit, written as .npy files: scripts/check_gradients computes the same with
// PyTorch and compares. Usage: gradient_dump SEED FOLDER
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>

#include "common/atomic_file.h"
#include "common/npy.h"
#include "quantizer/kernels/learning_kernels.h"
#include "quantizer/learn/unit_model.h"
#include "tests/quantizer/unit_builder.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kImages = 3;

class Dump {
public:
  Dump(unsigned seed, fs::path folder) : folder_(std::move(folder)), builder_(input_shape(seed), seed, 4, 4) {}

  void run() {
    build();
    const Plan& plan = builder_.plan();
    const Unit unit = partition(plan, Granularity::kNetwork).front();
    UnitModel model(plan, unit, kImages, 1);
    const std::vector<float> input = normal(kImages * plan.tensor(0).shape.size(), 1);
    write("input", plan.tensor(0).shape, input);
    std::string text = fmt::format("{{\"images\": {}, \"layers\": [\n", kImages);
    std::map<int, std::vector<kernels::SoftChannel>> channels;
    std::map<int, std::vector<float>> rounding;
    for (std::size_t i = 0; i < plan.layers.size(); ++i) {
      const int index = static_cast<int>(i);
      const PlannedLayer& layer = plan.layers[i];
      if (layer.kind == qnet::LayerKind::kConv) soft_weights(model, index, rounding[index], channels[index]);
      // As in reconstruction: what a max pool makes is quantized already, the others mostly are.
      const bool quantized = layer.kind != qnet::LayerKind::kMaxPool && draw(0, 3) > 0;
      if (quantized) quantize(model, layer);
      text += describe(layer, quantized) + (i + 1 < plan.layers.size() ? ",\n" : "\n");
    }
    const float* y = model.forward(0, {input.data()}, kImages, 1);
    const Shape& out = plan.tensor(unit.output).shape;
    const std::vector<float> target = normal(kImages * out.size(), 1);
    write("target", out, target);
    const float norm = std::vector<float>{1.1f, 2.0f, 2.4f}[static_cast<std::size_t>(draw(0, 2))];
    const double pixels = static_cast<double>(kImages) * out.height * out.width;
    std::vector<float> gradient(target.size());
    const double loss =
        kernels::norm_loss(y, target.data(), gradient.data(), target.size(), norm, static_cast<float>(1 / pixels)) /
        pixels;
    model.backward(0, gradient.data(), true);
    const kernels::RoundingRegularizer pull{0.01f, static_cast<float>(draw(2, 20))};
    for (std::size_t i = 0; i < plan.layers.size(); ++i) {
      const int index = static_cast<int>(i);
      const PlannedLayer& layer = plan.layers[i];
      write(fmt::format("raw{}", layer.output), plan.tensor(layer.output).shape, model.values(0, layer.output, true));
      write(fmt::format("value{}", layer.output), plan.tensor(layer.output).shape,
            model.values(0, layer.output, false));
      if (model.quantizer(layer.output).enabled)
        write_flat(fmt::format("step_gradient{}", layer.output), model.step_gradient(0, layer.output));
      if (layer.kind != qnet::LayerKind::kConv) continue;
      const auto weight_gradient = model.weight_gradient(0, index);
      std::vector<float> rounding_gradient(weight_gradient.size());
      for (std::size_t k = 0; k < channels[index].size(); ++k)
        kernels::soft_weights_backward(channels[index][k], weight_gradient.data() + k * channels[index][k].count, pull,
                                       rounding_gradient.data() + k * channels[index][k].count);
      write_flat(fmt::format("rounding_gradient{}", i), rounding_gradient);
      write_flat(fmt::format("bias_gradient{}", i), model.bias_gradient(0, index));
    }
    text += fmt::format("], \"norm\": {}, \"regularizer\": [{}, {}], \"loss\": {}}}\n", norm, pull.weight, pull.power,
                        loss);
    write_file_atomically(folder_ / "unit.json", text);
  }

private:
  static Shape input_shape(unsigned seed) {
    return {static_cast<int>(2 + seed % 5 * 3), static_cast<int>(6 + seed % 4), static_cast<int>(6 + seed % 3)};
  }

  int draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(builder_.random()); }

  std::vector<float> normal(std::size_t count, float deviation) {
    std::normal_distribution<float> distribution(0.0f, deviation);
    std::vector<float> values(count);
    for (float& value : values) value = distribution(builder_.random());
    return values;
  }

  /// Four to eight layers, each with a shortcut from an earlier tensor of its shape where there is one.
  void build() {
    int x = 0;
    const int count = draw(4, 8);
    for (int i = 0; i < count; ++i) {
      const Shape in = builder_.plan().tensor(x).shape;
      const int least = std::min(in.height, in.width);
      if (least >= 4 && draw(0, 5) == 0) {
        x = builder_.max_pool(x, {3, 2, 2, 1, 1, 1, 1, 0, 1, 1});
        continue;
      }
      ConvOptions o;
      o.activation = std::vector{qnet::Activation::kNone, qnet::Activation::kRelu,
                                 qnet::Activation::kRelu6}[static_cast<std::size_t>(draw(0, 2))];
      o.out = draw(0, 1) == 0 ? in.channels : draw(3, 16);
      if (draw(0, 3) == 0) {
        o.out = o.groups = in.channels;
      } else if (in.channels % 2 == 0 && draw(0, 2) == 0) {
        o.groups = 2;
        o.out += o.out % 2;
      }
      o.kernel = least >= 3 ? draw(1, 3) : 1;
      o.dilation = o.kernel > 1 && least >= 6 ? draw(1, 2) : 1;
      const int reach = o.dilation * (o.kernel - 1);
      const bool same = draw(0, 1) == 0;
      o.stride = same || least < 4 ? 1 : draw(1, 2);
      o.pad_top = o.pad_left = reach / 2;
      o.pad_bottom = o.pad_right = reach - reach / 2;
      if (!same && reach > 0) {
        o.pad_top = draw(0, reach);
        o.pad_right = draw(0, reach);
      }
      for (int tensor = x - 1; tensor >= 0; --tensor) {
        const Shape& shape = builder_.plan().tensor(tensor).shape;
        if (same && shape.channels == o.out && shape.height == in.height && shape.width == in.width && draw(0, 2) > 0)
          o.residual = tensor;
      }
      x = builder_.conv(x, o);
    }
    if (draw(0, 1) == 0) {
      x = builder_.sum_pool(x);
      builder_.conv(x, ConvOptions::same(draw(3, 12), 1, 1, 1, qnet::Activation::kNone));
    }
  }

  void soft_weights(UnitModel& model, int index, std::vector<float>& rounding,
                    std::vector<kernels::SoftChannel>& channels) {
    const PlannedLayer& layer = builder_.plan().layers[static_cast<std::size_t>(index)];
    const std::size_t fan = layer.weight.size() / layer.bias.size();
    rounding = normal(layer.weight.size(), 1.5f);
    std::vector<float> weights(layer.weight.size()), steps, offsets;
    for (std::size_t k = 0; k < layer.bias.size(); ++k) {
      kernels::SoftChannel channel{fan, layer.weight.data() + k * fan, rounding.data() + k * fan, 0, 0, -2, 1};
      channel.step = std::exp2(std::round(std::log2(1.5f / std::sqrt(static_cast<float>(fan)))));
      channel.offset = 0.5f * static_cast<float>(draw(-1, 2));
      kernels::soft_weights(channel, weights.data() + k * fan);
      channels.push_back(channel);
      steps.push_back(channel.step);
      offsets.push_back(channel.offset);
    }
    model.set_weights(index, weights, layer.bias);
    write_flat(fmt::format("weight{}", index), layer.weight);
    write_flat(fmt::format("bias{}", index), layer.bias);
    write_flat(fmt::format("rounding{}", index), rounding);
    write_flat(fmt::format("weight_step{}", index), steps);
    write_flat(fmt::format("weight_offset{}", index), offsets);
  }

  void quantize(UnitModel& model, const PlannedLayer& layer) {
    const auto channels = static_cast<std::size_t>(layer.geometry.output.channels);
    std::vector<double> steps(draw(0, 1) == 0 ? 1 : channels);
    for (double& step : steps) step = std::uniform_real_distribution<double>(0.1, 0.6)(builder_.random());
    model.set_quantizer(layer.output, {true, 1, steps});
    std::vector<float> all, high;
    for (std::size_t c = 0; c < channels; ++c) {
      const double step = steps[steps.size() == 1 ? 0 : c];
      all.push_back(static_cast<float>(step));
      high.push_back(static_cast<float>(builder_.plan().tensor(layer.output).range.high_at(step, c)));
    }
    write_flat(fmt::format("step{}", layer.output), all);
    write_flat(fmt::format("high{}", layer.output), high);
  }

  std::string describe(const PlannedLayer& layer, bool quantized) const {
    const Window& w = layer.geometry.window;
    const char* kinds[] = {"conv", "max_pool", "sum_pool"};
    const char* kind = kinds[layer.kind == qnet::LayerKind::kConv      ? 0
                             : layer.kind == qnet::LayerKind::kMaxPool ? 1
                                                                       : 2];
    const char* activation = layer.activation == qnet::Activation::kNone   ? "none"
                             : layer.activation == qnet::Activation::kRelu ? "relu"
                                                                           : "relu6";
    return fmt::format(
        "  {{\"kind\": \"{}\", \"input\": {}, \"residual\": {}, \"output\": {}, \"groups\": {}, \"activation\": "
        "\"{}\", \"kernel\": [{}, {}], \"stride\": [{}, {}], \"dilation\": [{}, {}], \"pads\": [{}, {}, {}, {}], "
        "\"shape\": [{}, {}, {}], \"quantized\": {}, \"low\": {}}}",
        kind, layer.input, layer.residual, layer.output, layer.geometry.groups, activation, w.kernel_h, w.kernel_w,
        w.stride_h, w.stride_w, w.dilation_h, w.dilation_w, w.pad_top, w.pad_left, w.pad_bottom, w.pad_right,
        layer.geometry.output.channels, layer.geometry.output.height, layer.geometry.output.width, quantized,
        builder_.plan().tensor(layer.output).range.low());
  }

  void write(const std::string& name, const Shape& shape, std::span<const float> values) const {
    const std::size_t sizes[] = {kImages, static_cast<std::size_t>(shape.height), static_cast<std::size_t>(shape.width),
                                 static_cast<std::size_t>(shape.channels)};
    write_file_atomically(folder_ / (name + ".npy"), encode_npy(DType::kFloat32, sizes, values.data()));
  }

  void write_flat(const std::string& name, std::span<const float> values) const {
    const std::size_t sizes[] = {values.size()};
    write_file_atomically(folder_ / (name + ".npy"), encode_npy(DType::kFloat32, sizes, values.data()));
  }

  fs::path folder_;
  UnitBuilder builder_;
};

}  // namespace
}  // namespace shiftsim::quantizer

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: gradient_dump SEED FOLDER\n", stderr);
    return 2;
  }
  try {
    shiftsim::quantizer::Dump(static_cast<unsigned>(std::stoul(argv[1])), argv[2]).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "gradient_dump: {}\n", error.what());
    return 1;
  }
  return 0;
}
