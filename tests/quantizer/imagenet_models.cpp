#include "tests/quantizer/imagenet_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numbers>

namespace shiftsim::quantizer {

namespace {

constexpr int kClasses = 1000;

/// An activation, and what BatchNorm's statistics are chosen by: each channel's expected mean and variance over images
/// and pixels, channels and pixels taken as independent.
struct Map {
  std::string value;
  std::vector<double> mean, variance;

  int channels() const { return static_cast<int>(mean.size()); }
};

struct ConvShape {
  int out = 1, kernel = 1, stride = 1, groups = 1;
};

/// Writes modules as torch.onnx.export does. 'module' is the qualified name ("layer1.0.conv1"), empty for what the
/// network's own forward() calls.
class TorchExport {
public:
  TorchExport(int size, unsigned seed) : builder_(17) {
    builder_.generator.seed(seed);
    builder_.input("input", {0, 3, size, size});
    auto* type = builder_.model.mutable_graph()->mutable_input(0)->mutable_type();
    type->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param("batch");
  }

  /// The image, normalized.
  static Map image() { return {"input", std::vector<double>(3, 0.0), std::vector<double>(3, 1.0)}; }

  Map conv(const std::string& module, const Map& x, const ConvShape& shape) {
    const int group_in = x.channels() / shape.groups, group_out = shape.out / shape.groups;
    const int taps = shape.kernel * shape.kernel;
    const auto weight = builder_.random(module + ".weight", {shape.out, group_in, shape.kernel, shape.kernel},
                                        std::sqrt(2.0f / static_cast<float>(group_in * taps)));
    Map y;
    auto next = weight.begin();
    for (int k = 0; k < shape.out; ++k) {
      double mean = 0, variance = 0;
      for (int c = 0; c < group_in; ++c) {
        const auto from = static_cast<std::size_t>(k / group_out * group_in + c);
        for (int tap = 0; tap < taps; ++tap, ++next) {
          const double w = *next;
          mean += w * x.mean[from];
          variance += w * w * x.variance[from];
        }
      }
      y.mean.push_back(mean);
      y.variance.push_back(variance);
    }
    const std::int64_t kernel = shape.kernel, stride = shape.stride, pad = shape.kernel / 2;
    y.value = emit(module, "Conv", {x.value, module + ".weight"},
                   {{"dilations", Ints{1, 1}},
                    {"group", std::int64_t{shape.groups}},
                    {"kernel_shape", Ints{kernel, kernel}},
                    {"pads", Ints{pad, pad, pad, pad}},
                    {"strides", Ints{stride, stride}}});
    return y;
  }

  /// 'gamma': around which the scales are. 'momentum' as ONNX counts it (1 minus PyTorch's).
  Map batch_norm(const std::string& module, Map x, float gamma = 1.0f, float momentum = 0.9f) {
    std::normal_distribution<float> normal(0.0f, 1.0f);
    std::vector<float> scales, shifts, means, variances;
    for (std::size_t c = 0; c < x.mean.size(); ++c) {
      const auto deviation = static_cast<float>(std::sqrt(x.variance[c]));
      scales.push_back(gamma * std::clamp(1 + 0.2f * normal(builder_.generator), 0.4f, 1.6f));
      shifts.push_back(0.2f * normal(builder_.generator));
      means.push_back(static_cast<float>(x.mean[c]) + 0.1f * deviation * normal(builder_.generator));
      variances.push_back(deviation * deviation * std::exp(0.2f * normal(builder_.generator)));
      const double factor = scales[c] / std::sqrt(variances[c] + 1e-5);
      x.mean[c] = (x.mean[c] - means[c]) * factor + shifts[c];
      x.variance[c] *= factor * factor;
    }
    const Ints dims{x.channels()};
    builder_.floats(module + ".weight", dims, scales);
    builder_.floats(module + ".bias", dims, shifts);
    builder_.floats(module + ".running_mean", dims, means);
    builder_.floats(module + ".running_var", dims, variances);
    x.value = emit(module, "BatchNormalization",
                   {x.value, module + ".weight", module + ".bias", module + ".running_mean", module + ".running_var"},
                   {{"epsilon", 1e-5f}, {"momentum", momentum}, {"training_mode", std::int64_t{0}}});
    return x;
  }

  Map relu(const std::string& module, Map x) {
    x.value = emit(module, "Relu", {x.value});
    rectify(x);
    return x;
  }

  /// nn.ReLU6: Clip, its limits Constant nodes (opset 11 and later).
  Map relu6(const std::string& module, Map x) {
    const std::string low = constant(module, 0), high = constant(module, 6);
    x.value = emit(module, "Clip", {x.value, low, high});
    rectify(x);
    return x;
  }

  /// 3x3, stride 2.
  Map max_pool(const std::string& module, Map x) {
    x.value = emit(module, "MaxPool", {x.value},
                   {{"ceil_mode", std::int64_t{0}},
                    {"dilations", Ints{1, 1}},
                    {"kernel_shape", Ints{3, 3}},
                    {"pads", Ints{1, 1, 1, 1}},
                    {"strides", Ints{2, 2}}});
    // Roughly what the largest of nine related pixels has.
    for (std::size_t c = 0; c < x.mean.size(); ++c) x.mean[c] += 0.8 * std::sqrt(x.variance[c]);
    return x;
  }

  Map add(const std::string& module, const Map& a, Map b) {
    b.value = emit(module, "Add", {a.value, b.value});
    for (std::size_t c = 0; c < b.mean.size(); ++c) {
      b.mean[c] += a.mean[c];
      b.variance[c] += a.variance[c];
    }
    return b;
  }

  /// nn.AdaptiveAvgPool2d(1) or its function, then torch.flatten(x, 1).
  Map pool_and_flatten(const std::string& module, Map x) {
    x.value = emit(module, "GlobalAveragePool", {x.value});
    x.value = emit("", "Flatten", {x.value}, {{"axis", std::int64_t{1}}});
    return x;
  }

  /// x.mean([2, 3])
  Map mean(Map x) {
    x.value = emit("", "ReduceMean", {x.value}, {{"axes", Ints{2, 3}}, {"keepdims", std::int64_t{0}}});
    return x;
  }

  /// The classifier, and with it the network's output.
  OnnxBuilder linear(const std::string& module, const Map& x) {
    builder_.random(module + ".weight", {kClasses, x.channels()}, 1 / std::sqrt(static_cast<float>(x.channels())));
    builder_.random(module + ".bias", {kClasses}, 0.1f);
    auto& gemm = builder_.node("Gemm", {x.value, module + ".weight", module + ".bias"}, "output",
                               {{"alpha", 1.0f}, {"beta", 1.0f}, {"transB", std::int64_t{1}}});
    gemm.set_name(scope(module) + "/Gemm");
    builder_.output("output");
    return std::move(builder_);
  }

private:
  /// "layer1.0.conv1" as the exporter writes it: "/layer1/layer1.0/conv1". Of each enclosing module the name from its
  /// last part that is no number.
  static std::string scope(const std::string& module) {
    std::string result, part;
    std::size_t start = 0;
    while (start < module.size()) {
      const std::size_t end = std::min(module.find('.', start), module.size());
      const std::string atom = module.substr(start, end - start);
      const bool number = atom.find_first_not_of("0123456789") == std::string::npos;
      part = number && !part.empty() ? fmt::format("{}.{}", part, atom) : atom;
      result += '/';
      result += part;
      start = end + 1;
    }
    return result;
  }

  /// Adds a node; returns the name of its output.
  std::string emit(const std::string& module, const std::string& op, const std::vector<std::string>& inputs,
                   const Attributes& attributes = {}) {
    std::string name = scope(module) + "/" + op;
    if (const int copy = used_[name]++; copy > 0) name += fmt::format("_{}", copy);
    std::string output = name + "_output_0";
    builder_.node(op, inputs, output, attributes).set_name(name);
    return output;
  }

  std::string constant(const std::string& module, float value) {
    std::string output = emit(module, "Constant", {});
    auto& attribute = *builder_.model.mutable_graph()->mutable_node()->rbegin()->add_attribute();
    attribute.set_name("value");
    attribute.set_type(onnx::AttributeProto::TENSOR);
    attribute.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
    attribute.mutable_t()->set_raw_data(&value, sizeof value);
    return output;
  }

  /// The moments of max(x, 0), x normally distributed.
  static void rectify(Map& x) {
    for (std::size_t c = 0; c < x.mean.size(); ++c) {
      const double m = x.mean[c], s = std::sqrt(x.variance[c]) + 1e-12, z = m / s;
      const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
      const double positive = std::erfc(-z / std::numbers::sqrt2) / 2;
      x.mean[c] = m * positive + s * density;
      x.variance[c] = std::max((m * m + s * s) * positive + m * s * density - x.mean[c] * x.mean[c], 1e-6);
    }
  }

  OnnxBuilder builder_;
  std::map<std::string, int> used_;
};

/// The last BatchNorm of a residual branch: small, so that sums do not grow with the depth.
constexpr float kBranchGamma = 0.5f;

// ---- ResNet ----

Map resnet_block(TorchExport& net, const std::string& name, const Map& x, int width, int stride, bool bottleneck) {
  const int out = bottleneck ? 4 * width : width;
  Map y;
  if (bottleneck) {
    y = net.relu(name + ".relu", net.batch_norm(name + ".bn1", net.conv(name + ".conv1", x, {width})));
    y = net.batch_norm(name + ".bn2", net.conv(name + ".conv2", y, {width, 3, stride}));
    y = net.relu(name + ".relu", y);
    y = net.batch_norm(name + ".bn3", net.conv(name + ".conv3", y, {out}), kBranchGamma);
  } else {
    y = net.batch_norm(name + ".bn1", net.conv(name + ".conv1", x, {width, 3, stride}));
    y = net.relu(name + ".relu", y);
    y = net.batch_norm(name + ".bn2", net.conv(name + ".conv2", y, {out, 3}), kBranchGamma);
  }
  Map shortcut = x;
  if (stride != 1 || x.channels() != out)
    shortcut = net.batch_norm(name + ".downsample.1", net.conv(name + ".downsample.0", x, {out, 1, stride}));
  return net.relu(name + ".relu", net.add(name, y, shortcut));
}

OnnxBuilder resnet(int size, unsigned seed, const std::vector<int>& depths, bool bottleneck) {
  TorchExport net(size, seed);
  Map x = net.relu("relu", net.batch_norm("bn1", net.conv("conv1", TorchExport::image(), {64, 7, 2})));
  x = net.max_pool("maxpool", x);
  int width = 64;
  for (std::size_t stage = 0; stage < depths.size(); ++stage, width *= 2)
    for (int i = 0; i < depths[stage]; ++i)
      x = resnet_block(net, fmt::format("layer{}.{}", stage + 1, i), x, width, stage > 0 && i == 0 ? 2 : 1, bottleneck);
  return net.linear("fc", net.pool_and_flatten("avgpool", x));
}

}  // namespace

OnnxBuilder resnet18_model(int size, unsigned seed) {
  return resnet(size, seed, {2, 2, 2, 2}, false);
}

OnnxBuilder resnet50_model(int size, unsigned seed) {
  return resnet(size, seed, {3, 4, 6, 3}, true);
}

OnnxBuilder mobilenet_v2_model(int size, unsigned seed) {
  struct Stage {
    int expansion, channels, blocks, stride;
  };
  TorchExport net(size, seed);
  /// Conv2dNormActivation
  const auto unit = [&](const std::string& name, const Map& x, const ConvShape& shape) {
    return net.relu6(name + ".2", net.batch_norm(name + ".1", net.conv(name + ".0", x, shape)));
  };
  Map x = unit("features.0", TorchExport::image(), {32, 3, 2});
  int feature = 0;
  for (const Stage& stage : {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2}, Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
                             Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}})
    for (int i = 0; i < stage.blocks; ++i) {
      const std::string name = fmt::format("features.{}", ++feature);
      const int stride = i == 0 ? stage.stride : 1, hidden = x.channels() * stage.expansion;
      const bool residual = stride == 1 && x.channels() == stage.channels;
      int part = 0;
      const auto next = [&] { return fmt::format("{}.conv.{}", name, part++); };
      Map y = x;
      if (stage.expansion != 1) y = unit(next(), y, {hidden});
      y = unit(next(), y, {hidden, 3, stride, hidden});
      y = net.conv(next(), y, {stage.channels});
      y = net.batch_norm(next(), y, residual ? kBranchGamma : 1.0f);
      x = residual ? net.add(name, x, y) : y;
    }
  x = unit(fmt::format("features.{}", ++feature), x, {1280});
  return net.linear("classifier.1", net.pool_and_flatten("", x));
}

OnnxBuilder mnasnet1_0_model(int size, unsigned seed) {
  struct Stack {
    int channels, kernel, stride, expansion, blocks;
  };
  TorchExport net(size, seed);
  /// Convolution and BatchNorm at 'first' and 'first' + 1 of the sequence, ReLU at 'first' + 2.
  const auto unit = [&](const std::string& sequence, int first, const Map& x, const ConvShape& shape, bool active,
                        float gamma = 1.0f) {
    const auto name = [&](int i) { return fmt::format("{}.{}", sequence, first + i); };
    const Map y = net.batch_norm(name(1), net.conv(name(0), x, shape), gamma, 0.9997f);
    return active ? net.relu(name(2), y) : y;
  };
  Map x = unit("layers", 0, TorchExport::image(), {32, 3, 2}, true);
  x = unit("layers", 3, x, {32, 3, 1, 32}, true);
  x = unit("layers", 6, x, {16}, false);
  int place = 8;
  for (const Stack& stack : {Stack{24, 3, 2, 3, 3}, Stack{40, 5, 2, 3, 3}, Stack{80, 5, 2, 6, 3}, Stack{96, 3, 1, 6, 2},
                             Stack{192, 5, 2, 6, 4}, Stack{320, 3, 1, 6, 1}}) {
    for (int i = 0; i < stack.blocks; ++i) {
      const std::string name = fmt::format("layers.{}.{}", place, i);
      const int stride = i == 0 ? stack.stride : 1, hidden = x.channels() * stack.expansion;
      const bool residual = stride == 1 && x.channels() == stack.channels;
      Map y = unit(name + ".layers", 0, x, {hidden}, true);
      y = unit(name + ".layers", 3, y, {hidden, stack.kernel, stride, hidden}, true);
      y = unit(name + ".layers", 6, y, {stack.channels}, false, residual ? kBranchGamma : 1.0f);
      x = residual ? net.add(name, y, x) : y;
    }
    ++place;
  }
  x = unit("layers", place, x, {1280}, true);
  return net.linear("classifier.1", net.mean(x));
}

OnnxBuilder regnet_x_600mf_model(int size, unsigned seed) {
  constexpr int kGroupWidth = 24;
  const std::vector<int> widths{48, 96, 240, 528}, depths{1, 3, 5, 7};
  TorchExport net(size, seed);
  Map x = net.relu("stem.2", net.batch_norm("stem.1", net.conv("stem.0", TorchExport::image(), {32, 3, 2})));
  for (std::size_t stage = 0; stage < widths.size(); ++stage)
    for (int i = 0; i < depths[stage]; ++i) {
      const std::string name = fmt::format("trunk_output.block{0}.block{0}-{1}", stage + 1, i);
      const int width = widths[stage], stride = i == 0 ? 2 : 1;
      Map shortcut = x;
      if (stride != 1 || x.channels() != width)
        shortcut = net.batch_norm(name + ".proj.1", net.conv(name + ".proj.0", x, {width, 1, stride}));
      Map y = net.relu(name + ".f.a.2", net.batch_norm(name + ".f.a.1", net.conv(name + ".f.a.0", x, {width})));
      y = net.batch_norm(name + ".f.b.1", net.conv(name + ".f.b.0", y, {width, 3, stride, width / kGroupWidth}));
      y = net.relu(name + ".f.b.2", y);
      y = net.batch_norm(name + ".f.c.1", net.conv(name + ".f.c.0", y, {width}), kBranchGamma);
      x = net.relu(name + ".activation", net.add(name, shortcut, y));
    }
  return net.linear("fc", net.pool_and_flatten("avgpool", x));
}

}  // namespace shiftsim::quantizer
