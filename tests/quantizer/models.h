// Random small networks of every structure the quantizer knows, as ONNX.
#pragma once

#include "tests/quantizer/onnx_builder.h"

namespace shiftsim::quantizer {

/// Residual blocks: an identity shortcut and a convolution shortcut, max pool, global average pool, linear.
inline OnnxBuilder residual_model(unsigned seed, int channels = 1, int size = 9) {
  OnnxBuilder b;
  b.generator.seed(seed);
  const Attributes same{{"pads", Ints{1, 1, 1, 1}}};
  b.input("x", {0, channels, size, size});
  b.conv("x", "stem", channels, 6, 3, 1, same);
  b.node("Relu", {"stem"}, "stem_r");
  b.conv("stem_r", "a1", 6, 6, 3, 1, same);
  b.node("Relu", {"a1"}, "a1_r");
  b.conv("a1_r", "a2", 6, 6, 3, 1, same);
  b.node("Add", {"a2", "stem_r"}, "a_sum");
  b.node("Relu", {"a_sum"}, "a");
  b.node("MaxPool", {"a"}, "pooled",
         {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
  b.conv("pooled", "b1", 6, 10, 3, 1, {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 2}}});
  b.node("Relu", {"b1"}, "b1_r");
  b.conv("b1_r", "b2", 10, 10, 3, 2, same);
  b.conv("pooled", "b_short", 6, 10, 1, 1, {{"strides", Ints{2, 2}}});
  b.node("Add", {"b2", "b_short"}, "b_sum");
  b.node("Relu", {"b_sum"}, "b");
  b.node("GlobalAveragePool", {"b"}, "gap");
  b.node("Flatten", {"gap"}, "flat");
  b.random("fc.weight", {5, 10}, 0.5f);
  b.random("fc.bias", {5}, 0.5f);
  b.node("Gemm", {"flat", "fc.weight", "fc.bias"}, "logits", {{"transB", std::int64_t{1}}});
  b.output("logits");
  return b;
}

/// Inverted residuals with ReLU6, depthwise and linear bottlenecks, an average pool, asymmetric pads, dilation, an
/// addition that cannot be merged, a linear layer over a whole map.
inline OnnxBuilder mobile_model(unsigned seed, int channels = 3, int size = 10) {
  OnnxBuilder b;
  b.generator.seed(seed);
  b.input("x", {0, channels, size, size});
  b.floats("zero", {}, {0});
  b.floats("six", {}, {6});
  const auto relu6 = [&](const std::string& x) { b.node("Clip", {x, "zero", "six"}, x + "_6"); };
  b.conv("x", "stem", channels, 8, 3, 1, {{"pads", Ints{0, 0, 1, 1}}, {"strides", Ints{2, 2}}});
  relu6("stem");
  b.conv("stem_6", "dw1", 8, 8, 3, 8, {{"pads", Ints{2, 2, 2, 2}}, {"dilations", Ints{2, 2}}});
  relu6("dw1");
  b.conv("dw1_6", "p1", 8, 4, 1);
  b.conv("p1", "e2", 4, 12, 1, 1, {}, false, true);
  relu6("e2");
  b.conv("e2_6", "dw2", 12, 12, 3, 12, {{"pads", Ints{1, 1, 1, 1}}});
  relu6("dw2");
  b.conv("dw2_6", "p2", 12, 4, 1);
  b.node("Add", {"p1", "p2"}, "sum2");
  b.conv("sum2", "e3", 4, 6, 1);
  relu6("e3");
  b.node("AveragePool", {"e3_6"}, "avg", {{"kernel_shape", Ints{2, 2}}});
  b.node("AveragePool", {"avg"}, "avg3",
         {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}, {"count_include_pad", std::int64_t{1}}});
  b.node("Add", {"avg", "avg3"}, "both");   // avg has another reader; avg3 is merged
  b.node("Add", {"both", "avg"}, "again");  // neither operand is a convolution
  b.node("Flatten", {"again"}, "flat");
  const int features = 6 * ((size + 1 - 3) / 2 + 1 - 1) * ((size + 1 - 3) / 2 + 1 - 1);
  b.random("fc.weight", {features, 7}, 0.2f);
  b.random("fc.bias", {7}, 0.5f);
  b.node("MatMul", {"flat", "fc.weight"}, "product");
  b.node("Add", {"fc.bias", "product"}, "logits");
  b.output("logits");
  return b;
}

/// Pre-activation: BatchNorm and ReLU in front of convolutions, read by more than one node.
inline OnnxBuilder preactivation_model(unsigned seed) {
  OnnxBuilder b;
  b.generator.seed(seed);
  const Attributes same{{"auto_pad", std::string("SAME_UPPER")}};
  b.input("x", {0, 1, 8, 8});
  b.conv("x", "stem", 1, 6, 3, 1, same, false);
  b.batch_norm("stem", "n1", 6);
  b.node("Relu", {"n1"}, "r1");
  b.conv("r1", "c1", 6, 6, 3, 1, same);
  b.node("Relu", {"c1"}, "c1_r");
  b.conv("c1_r", "c2", 6, 6, 3, 1, same, false);
  b.node("Add", {"c2", "stem"}, "s1");
  b.batch_norm("s1", "n2", 6);
  b.node("Relu", {"n2"}, "r2");
  b.node("GlobalAveragePool", {"r2"}, "gap");
  b.conv("gap", "fc", 6, 4, 1, 1, {}, false, true);
  b.node("Flatten", {"fc"}, "logits");
  b.output("logits");
  return b;
}

/// Views: a dense block (a prefix shared by two joins), a pass-through half with a channel shuffle, repeated pixels
/// joined to others, channels by number, signed joined to unsigned ones.
inline OnnxBuilder view_model(unsigned seed, int channels = 3, int size = 8) {
  OnnxBuilder b;
  b.generator.seed(seed);
  const Attributes same{{"pads", Ints{1, 1, 1, 1}}};
  const auto axis = [](std::int64_t a) { return Attributes{{"axis", a}}; };
  b.input("x", {0, channels, size, size});
  b.conv("x", "stem", channels, 6, 3, 1, same);
  b.node("Relu", {"stem"}, "stem_r");
  // DenseNet: what is made stays, linear.
  b.conv("stem_r", "d1", 6, 4, 3, 1, same);
  b.node("Concat", {"stem_r", "d1"}, "cat1", axis(1));
  b.batch_norm("cat1", "n2", 10);
  b.node("Relu", {"n2"}, "n2_r");
  b.conv("n2_r", "d2", 10, 4, 3, 1, same);
  b.node("Concat", {"stem_r", "d1", "d2"}, "cat2", axis(1));
  b.conv("cat2", "t", 14, 8, 1);
  b.node("Relu", {"t"}, "t_r");
  b.node("MaxPool", {"t_r"}, "half", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  // ShuffleNetV2: one half passes.
  b.ints("halves", {2}, {4, 4});
  b.node("Split", {"half", "halves"}, "left", axis(1)).add_output("right");
  b.conv("right", "r1", 4, 4, 1);
  b.node("Relu", {"r1"}, "r1_r");
  b.node("Concat", {"left", "r1_r"}, "cat3", axis(1));
  b.ints("five", {5}, {0, 2, 4, size / 2, size / 2});
  b.ints("four", {4}, {0, -1, size / 2, size / 2});
  b.node("Reshape", {"cat3", "five"}, "split3");
  b.node("Transpose", {"split3"}, "swapped", {{"perm", Ints{0, 2, 1, 3, 4}}});
  b.node("Reshape", {"swapped", "four"}, "shuffled");
  // U-Net: a small map repeated, joined to the large one.
  b.floats("no_roi", {0}, {});
  b.floats("twice", {4}, {1, 1, 2, 2});
  b.node("Resize", {"shuffled", "no_roi", "twice"}, "large", {{"mode", std::string("nearest")}});
  b.node("Concat", {"large", "t_r"}, "cat4", axis(1));
  b.ints("from", {1}, {-1});
  b.ints("to", {1}, {-100});
  b.ints("axis_1", {1}, {1});
  b.ints("step", {1}, {-2});
  b.node("Slice", {"cat4", "from", "to", "axis_1", "step"}, "backwards");
  b.conv("backwards", "u", 8, 5, 3, 1, same);
  b.ints("chosen", {4}, {4, 0, -3, 0});
  b.node("Gather", {"u", "chosen"}, "gathered", axis(1));
  b.node("Relu", {"gathered"}, "gathered_r");
  b.node("GlobalAveragePool", {"gathered_r"}, "gap");
  b.node("Flatten", {"gap"}, "flat");
  b.random("fc.weight", {5, 4}, 0.5f);
  b.random("fc.bias", {5}, 0.5f);
  b.node("Gemm", {"flat", "fc.weight", "fc.bias"}, "logits", {{"transB", std::int64_t{1}}});
  b.output("logits");
  return b;
}

/// Views of pixels: a map cut into rows and put together in another order, every second pixel of the image and of a map
/// (YOLO's focus layer), maps side by side; average pools whose divisor differs at the border.
inline OnnxBuilder pixel_view_model(unsigned seed) {
  OnnxBuilder b;
  b.generator.seed(seed);
  const Attributes same{{"pads", Ints{1, 1, 1, 1}}};
  const auto axis = [](std::int64_t a) { return Attributes{{"axis", a}}; };
  const auto every_second = [&b](const std::string& from, const std::string& to, std::int64_t y, std::int64_t x) {
    b.ints(to + "_from", {2}, {y, x});
    b.ints(to + "_to", {2}, {100, 100});
    b.ints(to + "_axes", {2}, {2, -1});
    b.ints(to + "_steps", {2}, {2, 2});
    b.node("Slice", {from, to + "_from", to + "_to", to + "_axes", to + "_steps"}, to);
  };
  b.input("x", {0, 2, 18, 16});
  every_second("x", "f0", 0, 0);
  every_second("x", "f1", 1, 0);
  every_second("x", "f2", 0, 1);
  every_second("x", "f3", 1, 1);
  b.node("Concat", {"f0", "f1", "f2", "f3"}, "focus", axis(1));
  b.conv("focus", "stem", 8, 6, 3, 1, same);
  b.node("Relu", {"stem"}, "stem_r");
  b.node("AveragePool", {"stem_r"}, "mean", {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}});
  b.conv("mean", "c", 6, 6, 1);
  b.ints("parts", {2}, {4, 5});
  b.node("Split", {"c", "parts"}, "top", axis(2)).add_output("bottom");
  b.conv("top", "t", 6, 5, 1);
  b.node("Relu", {"t"}, "t_r");
  b.conv("bottom", "u", 6, 5, 3, 1, same);
  b.node("Concat", {"u", "t_r"}, "swapped", axis(2));
  // Windows over the end, wider padding than half of them.
  b.node("AveragePool", {"swapped"}, "ends",
         {{"kernel_shape", Ints{3, 4}},
          {"strides", Ints{2, 3}},
          {"pads", Ints{2, 1, 0, 0}},
          {"ceil_mode", std::int64_t{1}}});
  b.conv("ends", "v", 5, 4, 1);
  b.node("Relu", {"v"}, "v_r");
  every_second("swapped", "s", 1, 0);  // 4 x 4
  b.conv("s", "w", 5, 4, 1);
  b.ints("skip", {1}, {-4});
  b.ints("end", {1}, {1000});
  b.ints("rows", {1}, {2});
  b.node("Slice", {"v_r", "skip", "end", "rows"}, "last");  // 4 x 3
  b.node("Concat", {"last", "w"}, "wide", axis(3));         // 4 x 7
  b.node("AveragePool", {"wide"}, "counted",
         {{"kernel_shape", Ints{2, 2}},
          {"strides", Ints{2, 2}},
          {"pads", Ints{1, 0, 0, 0}},
          {"ceil_mode", std::int64_t{1}},
          {"count_include_pad", std::int64_t{1}}});
  b.conv("counted", "z", 4, 6, 1);
  b.node("Relu", {"z"}, "z_r");
  b.node("GlobalAveragePool", {"z_r"}, "gap");
  b.node("Flatten", {"gap"}, "flat");
  b.random("fc.weight", {5, 6}, 0.5f);
  b.random("fc.bias", {5}, 0.5f);
  b.node("Gemm", {"flat", "fc.weight", "fc.bias"}, "logits", {{"transB", std::int64_t{1}}});
  b.output("logits");
  return b;
}

/// Activation functions by their operators and spelled out; behind convolutions of every kind, an addition, a max pool,
/// a global pool and a linear layer; of something that others read, too; one that is a layer of its own.
inline OnnxBuilder function_model(unsigned seed) {
  OnnxBuilder b(20);
  b.generator.seed(seed);
  const Attributes same{{"pads", Ints{1, 1, 1, 1}}};
  b.input("x", {0, 2, 9, 8});
  for (const auto& [name, value] : std::vector<std::pair<std::string, float>>{
           {"half", 0.5f}, {"one", 1.0f}, {"three", 3.0f}, {"six", 6.0f}, {"zero", 0.0f}, {"root", 1.41421356f}})
    b.floats(name, {}, {value});
  b.conv("x", "stem", 2, 6, 3, 1, same);
  b.node("HardSwish", {"stem"}, "a");
  b.conv("a", "dw", 6, 6, 3, 6, same);
  b.node("Sigmoid", {"dw"}, "dw_s");
  b.node("Mul", {"dw_s", "dw"}, "silu");
  b.conv("silu", "p", 6, 6, 1);
  b.node("Add", {"p", "a"}, "sum");
  // GELU: sum / 2 * (1 + erf(sum / sqrt(2)))
  b.node("Div", {"sum", "root"}, "scaled");
  b.node("Erf", {"scaled"}, "erf");
  b.node("Add", {"erf", "one"}, "erf1");
  b.node("Mul", {"sum", "erf1"}, "product");
  b.node("Mul", {"product", "half"}, "gelu");
  b.conv("gelu", "c", 6, 8, 3, 1, same);
  b.node("MaxPool", {"c"}, "pooled", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  b.node("Tanh", {"pooled"}, "tanh");
  b.conv("tanh", "d", 8, 8, 3, 2, same);
  b.node("LeakyRelu", {"d"}, "leaky", {{"alpha", 0.125f}});
  b.node("Softplus", {"leaky"}, "softplus");  // 'leaky' has another reader
  b.conv("softplus", "e", 8, 8, 1);
  b.node("Add", {"e", "leaky"}, "e_sum");
  // Hard swish as older exporters write it.
  b.node("Add", {"e_sum", "three"}, "plus3");
  b.node("Clip", {"plus3", "zero", "six"}, "clipped");
  b.node("Mul", {"e_sum", "clipped"}, "times");
  b.node("Div", {"times", "six"}, "swish");
  b.node("GlobalAveragePool", {"swish"}, "gap");
  b.node("Elu", {"gap"}, "elu", {{"alpha", 0.75f}});
  b.node("Flatten", {"elu"}, "flat");
  b.random("fc1.weight", {12, 8}, 0.5f);
  b.random("fc1.bias", {12}, 0.5f);
  b.node("Gemm", {"flat", "fc1.weight", "fc1.bias"}, "fc1", {{"transB", std::int64_t{1}}});
  b.node("Selu", {"fc1"}, "selu");
  b.random("fc2.weight", {5, 12}, 0.5f);
  b.random("fc2.bias", {5}, 0.5f);
  b.node("Gemm", {"selu", "fc2.weight", "fc2.bias"}, "logits", {{"transB", std::int64_t{1}}});
  b.output("logits");
  return b;
}

}  // namespace shiftsim::quantizer
