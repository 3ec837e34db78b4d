// oneDNN convolution and the other float operations against double loops, on random shapes.
#include "quantizer/float/float_engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "common/thread_pool.h"
#include "quantizer/float/layer_op.h"
#include "tests/quantizer/naive_float.h"

namespace shiftsim::quantizer {
namespace {

class Shapes {
public:
  explicit Shapes(unsigned seed) : random_(seed) {}
  int in(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  std::vector<float> values(std::size_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> result(count);
    for (float& value : result) value = normal(random_);
    return result;
  }

private:
  std::mt19937 random_;
};

/// A graph of an input and one node over it.
Graph random_graph(Shapes& shapes, NodeKind kind) {
  for (;;) {
    Graph graph;
    Node input;
    input.shape = {1, shapes.in(1, 9), shapes.in(1, 9)};
    Node node;
    node.kind = kind;
    node.inputs = {0};
    const bool conv = kind == NodeKind::kConv;
    node.groups = conv && shapes.in(0, 2) == 0 ? shapes.in(1, 20) : 1;
    const int group_in = node.groups > 1 && shapes.in(0, 1) == 0 ? 1 : shapes.in(1, 9);
    const int group_out = node.groups > 1 && group_in == 1 ? 1 : shapes.in(1, 9);
    input.shape.channels = group_in * node.groups;
    Window& w = node.window;
    w.kernel_h = shapes.in(1, 4);
    w.kernel_w = shapes.in(1, 4);
    w.stride_h = shapes.in(1, 3);
    w.stride_w = shapes.in(1, 3);
    w.dilation_h = shapes.in(1, 2);
    w.dilation_w = shapes.in(1, 2);
    w.pad_top = shapes.in(0, w.kernel_h - 1);
    w.pad_left = shapes.in(0, w.kernel_w - 1);
    w.pad_bottom = shapes.in(0, w.kernel_h - 1);
    w.pad_right = shapes.in(0, w.kernel_w - 1);
    node.shape = {conv ? group_out * node.groups : input.shape.channels, w.out_height(input.shape.height),
                  w.out_width(input.shape.width)};
    if (node.shape.height < 1 || node.shape.width < 1) continue;
    if (conv) {
      node.weight = shapes.values(static_cast<std::size_t>(node.shape.channels * group_in * w.kernel_h * w.kernel_w));
      node.bias = shapes.values(static_cast<std::size_t>(node.shape.channels));
    }
    graph.input_scale.assign(static_cast<std::size_t>(input.shape.channels), 1);
    graph.input_shift.assign(static_cast<std::size_t>(input.shape.channels), 0);
    graph.nodes = {input, node};
    return graph;
  }
}

TEST(FloatEngine, ConvolutionEqualsDoubleLoops) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    Shapes shapes(seed);
    const Graph graph = random_graph(shapes, NodeKind::kConv);
    const Node& node = graph.nodes[1];
    const auto images = static_cast<std::size_t>(shapes.in(1, 3));
    const std::size_t in = graph.input().shape.size(), out = node.shape.size();
    const auto source = shapes.values(images * in);
    LayerOp op(FloatLayer::of(graph, node).value(), 3);
    op.set_weights(node.weight, node.bias);
    std::vector<float> result(images * out);
    ConvScratch scratch;
    op.forward(source.data(), nullptr, result.data(), images, scratch);
    for (std::size_t i = 0; i < images; ++i) {
      const std::vector<double> image(source.begin() + static_cast<std::ptrdiff_t>(i * in),
                                      source.begin() + static_cast<std::ptrdiff_t>((i + 1) * in));
      const auto expected = naive_run(graph, image)[1];
      for (std::size_t j = 0; j < out; ++j)
        ASSERT_NEAR(result[i * out + j], expected[j], 1e-4 * (1 + std::abs(expected[j])))
            << "seed " << seed << " element " << j;
    }
  }
}

TEST(FloatEngine, ConvolutionTakesNewWeights) {
  Shapes shapes(3);
  Graph graph = random_graph(shapes, NodeKind::kConv);
  const auto source = shapes.values(graph.input().shape.size());
  LayerOp op(FloatLayer::of(graph, graph.nodes[1]).value(), 4);
  std::vector<float> first(graph.nodes[1].shape.size()), second = first;
  op.set_weights(graph.nodes[1].weight, graph.nodes[1].bias);
  ConvScratch scratch;
  op.forward(source.data(), nullptr, first.data(), 1, scratch);
  for (float& weight : graph.nodes[1].weight) weight *= 2;
  for (float& bias : graph.nodes[1].bias) bias *= 2;
  op.set_weights(graph.nodes[1].weight, graph.nodes[1].bias);
  op.forward(source.data(), nullptr, second.data(), 1, scratch);
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_FLOAT_EQ(second[i], 2 * first[i]);
}

TEST(FloatEngine, PoolsEqualDoubleLoops) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    Shapes shapes(seed);
    Graph graph = random_graph(shapes, NodeKind::kMaxPool);
    Node& node = graph.nodes[1];
    node.window.dilation_h = node.window.dilation_w = 1;  // or a window may lie in the padding as a whole
    node.shape.height = node.window.out_height(graph.input().shape.height);
    node.shape.width = node.window.out_width(graph.input().shape.width);
    const auto source = shapes.values(graph.input().shape.size());
    const std::vector<double> image(source.begin(), source.end());
    std::vector<float> result(node.shape.size());
    ConvScratch scratch;
    LayerOp(FloatLayer::of(graph, node).value(), 1).forward(source.data(), nullptr, result.data(), 1, scratch);
    const auto largest = naive_run(graph, image)[1];
    for (std::size_t i = 0; i < result.size(); ++i)
      ASSERT_EQ(static_cast<double>(result[i]), largest[i]) << "seed " << seed;

    node.kind = NodeKind::kGlobalPool;
    node.shape = {graph.input().shape.channels, 1, 1};
    const auto mean = naive_run(graph, image)[1];
    result.resize(mean.size());
    LayerOp(FloatLayer::of(graph, node).value(), 1).forward(source.data(), nullptr, result.data(), 1, scratch);
    for (std::size_t i = 0; i < mean.size(); ++i) ASSERT_NEAR(result[i], mean[i], 1e-6) << "seed " << seed;
  }
}

/// The residual is rounded half up to multiples of its channel's step, whatever the kind of layer; without steps it is
/// added as it is.
TEST(FloatEngine, ALayerAddsItsResidual) {
  for (const NodeKind kind : {NodeKind::kConv, NodeKind::kMaxPool}) {
    Shapes shapes(7);
    const Graph graph = random_graph(shapes, kind);
    const Node& node = graph.nodes[1];
    constexpr std::size_t kImages = 2;
    const std::size_t out = kImages * node.shape.size(), channels = static_cast<std::size_t>(node.shape.channels);
    const auto source = shapes.values(kImages * graph.input().shape.size()), residual = shapes.values(out);
    LayerOp op(FloatLayer::of(graph, node).value(), kImages);
    op.set_weights(node.weight, node.bias);
    ConvScratch scratch;
    std::vector<float> alone(out), exact(out), rounded(out);
    op.forward(source.data(), nullptr, alone.data(), kImages, scratch);
    op.forward(source.data(), residual.data(), exact.data(), kImages, scratch);
    std::vector<float> steps;
    for (std::size_t c = 0; c < channels; ++c) steps.push_back(c % 2 == 0 ? 0.25f : 0.5f);
    op.set_residual_steps(steps);
    op.forward(source.data(), residual.data(), rounded.data(), kImages, scratch);
    for (std::size_t i = 0; i < out; ++i) {
      EXPECT_EQ(exact[i], alone[i] + residual[i]);
      const float step = steps[i % channels];
      EXPECT_EQ(rounded[i], alone[i] + std::floor(residual[i] / step + 0.5f) * step);
    }
  }
}

TEST(FloatEngine, ParallelForDoesEachItemOnceAndPassesErrorsOn) {
  std::vector<int> done(1000, 0);
  parallel_for(done.size(), 4, [&](std::size_t i, std::size_t worker) {
    EXPECT_LT(worker, 4u);
    ++done[i];
  });
  EXPECT_EQ(done, std::vector<int>(1000, 1));
  EXPECT_THROW(parallel_for(10, 3,
                            [](std::size_t i, std::size_t) {
                              if (i == 5) throw std::runtime_error("five");
                            }),
               std::runtime_error);
}

}  // namespace
}  // namespace shiftsim::quantizer
