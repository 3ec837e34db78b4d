// The network stage: distillation and exponent moves against the float network's output.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "quantizer/app/quantize.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/export/integer_export.h"
#include "quantizer/import/onnx_import.h"
#include "quantizer/learn/distillation.h"
#include "quantizer/learn/divergence.h"
#include "quantizer/learn/exponent_moves.h"
#include "quantizer/learn/held_out_divergence.h"
#include "quantizer/learn/latent_weights.h"
#include "quantizer/learn/learned.h"
#include "quantizer/plan/image_input.h"
#include "quantizer/plan/legality.h"
#include "quantizer/recipe/image_roles.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/bit_exact.h"
#include "tests/quantizer/models.h"

namespace shiftsim::quantizer {
namespace {

class NetworkStageTest : public TemporaryFolder {
protected:
  static Recipe recipe(std::vector<std::string> more = {}) {
    std::vector<std::string> settings{"weight_bits=2",
                                      "calibration.images=16",
                                      "input={mean: [0.4], std: [0.3], scale: 255}",
                                      "network.images=32",
                                      "network.iterations=40",
                                      "network.batch=6",
                                      "network.weight_rate=0.03",
                                      "network.activation_rate=0.02",
                                      "network.bias_rate=0.01"};
    settings.insert(settings.end(), more.begin(), more.end());
    return load_recipe({{}, {}, settings, {}});
  }

  Graph import(const OnnxBuilder& builder) const { return import_onnx(builder.save(folder_ / "m.onnx")); }

  QuantizedNetwork run(const Graph& graph, const Recipe& recipe, const QuantizeOptions& options = {}) const {
    const ImageSet images = random_images(graph.input().shape, 40, 3);
    return quantize(make_plan(graph, recipe, "m.onnx"), recipe, images, choose_images(images.count, 32, 1), options);
  }

  /// As the network stage finds it: quantizers searched, nothing learned, corrected biases to start from.
  QuantizedNetwork searched(const Graph& graph, Recipe recipe) const {
    recipe.network.iterations = 0;
    QuantizedNetwork network = run(graph, recipe);
    for (QuantizedLayer& layer : network.layers) layer.learned_bias.assign(layer.bias.begin(), layer.bias.end());
    return network;
  }
};

void expect_same(const QuantizedNetwork& a, const QuantizedNetwork& b) {
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_EQ(a.layers[i].integer_weights, b.layers[i].integer_weights) << "layer " << i;
    EXPECT_EQ(a.layers[i].bias, b.layers[i].bias) << "layer " << i;
  }
  EXPECT_EQ(a.exponents, b.exponents);
}

TEST_F(NetworkStageTest, PlacesImages) {
  const Recipe recipe = this->recipe();
  const Graph graph = import(residual_model(4));
  const Plan plan = make_plan(graph, recipe, "m.onnx");
  const ImageSet images = random_images(graph.input().shape, 1, 3);
  const Shape& shape = plan.tensor(0).shape;
  const auto width = static_cast<int>(shape.width), height = static_cast<int>(shape.height);
  ASSERT_EQ(shape.channels, 1);
  const auto pixel = [&](int y, int x) {
    return static_cast<float>(images.image(0)[y * width + x] - plan.pad_values[0]);
  };
  std::vector<float> plain(shape.size()), moved(shape.size()), mirrored(shape.size());
  place_image(plan, images.image(0), 0, 0, false, plain.data());
  place_image(plan, images.image(0), 1, -2, false, moved.data());
  place_image(plan, images.image(0), 0, 0, true, mirrored.data());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto at = static_cast<std::size_t>(y * width + x);
      EXPECT_EQ(plain[at], pixel(y, x));
      EXPECT_EQ(mirrored[at], pixel(y, width - 1 - x));
      EXPECT_EQ(moved[at], y >= 1 && x + 2 < width ? pixel(y - 1, x + 2) : 0.0f) << y << " " << x;
    }
  // Calibration shows mirrored images behind the others.
  ThreadPool workers(1);
  MemoryBudget budget(std::size_t{1} << 30);
  ActivationMemory memory(budget, "/tmp");
  TensorValues values(plan, workers, memory);
  values.load(images, {0}, {0});
  ASSERT_EQ(values.images(), 2u);
  const auto shown = values.of(0).values();
  EXPECT_TRUE(std::ranges::equal(shown.first(plain.size()), plain));
  EXPECT_TRUE(std::ranges::equal(shown.subspan(plain.size()), mirrored));
}

/// The held-out divergence sees what quantization costs: nothing for the float network, more with fewer bits.
TEST_F(NetworkStageTest, DivergenceRanksWidths) {
  const Graph graph = import(residual_model(4));
  double previous = 0;
  for (const int bits : {8, 4, 2}) {
    const Recipe recipe =
        this->recipe({fmt::format("weight_bits={}", bits), "activation_bits=8", "network.iterations=0"});
    const Plan plan = make_plan(graph, recipe, "m.onnx");
    const ImageSet images = random_images(graph.input().shape, 40, 3);
    ThreadPool workers(2);
    HeldOutDivergence held_out(plan, images, choose_images(40, 20, 1), workers);
    EXPECT_EQ(held_out.loss(), 0);
    held_out.set(run(graph, recipe));
    EXPECT_GT(held_out.loss(), previous);
    previous = held_out.loss();
  }
}

TEST_F(NetworkStageTest, LearnsLegallyAndStaysExact) {
  unsigned seed = 1;
  for (const auto& [model, rounding] : {std::pair{residual_model(4), "straight_through"},
                                        {mobile_model(4), "straight_through"},
                                        {preactivation_model(4), "straight_through"},
                                        {residual_model(4), "soft"},
                                        {mobile_model(4), "soft"}}) {
    SCOPED_TRACE(fmt::format("model {}, {}", seed, rounding));
    const Graph graph = import(model);
    const Recipe recipe = this->recipe({fmt::format("network.rounding={}", rounding), "network.iterations=100"});
    const Plan plan = make_plan(graph, recipe, "m.onnx");
    const ImageSet images = random_images(graph.input().shape, 40, 3);
    QuantizedNetwork network = searched(graph, recipe);
    const QuantizedNetwork before = network;
    ThreadPool workers(2);
    HeldOutDivergence held_out(plan, images, choose_images(40, 8, 2), workers);
    held_out.set(network);
    const DistillationResult found =
        distill(images, choose_images(40, 32, 1), recipe, seed, workers, held_out, network);
    EXPECT_LT(found.after, found.before);
    HeldOutDivergence again(plan, images, choose_images(40, 8, 2), workers);
    again.set(network);
    EXPECT_EQ(again.loss(), found.after);
    EXPECT_TRUE(is_legal(network, recipe));
    bool weights_moved = false;
    for (std::size_t i = 0; i < network.layers.size(); ++i)
      weights_moved = weights_moved || network.layers[i].integer_weights != before.layers[i].integer_weights;
    EXPECT_TRUE(weights_moved);
    const qnet::Network integers = to_integers(network);
    qnet::validate(integers, "model");
    expect_bit_exact(integers, random_images(graph.input().shape, 4, 9), 4, "network stage");
    expect_judged_as_exported(network, random_images(graph.input().shape, 4, 9), "network stage");
    ++seed;
  }
}

/// What is learned with soft weights is worth as much once they are hard: with a curve that stayed as it starts it
/// would not be.
TEST_F(NetworkStageTest, HardensWhatItLearnsSoftly) {
  constexpr unsigned kSeeds = 6;
  double left = 0;  // of the divergences, in parts of what they were
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    const Graph graph = import(residual_model(seed));
    const Recipe recipe = this->recipe({"network.rounding=soft", "network.iterations=150"});
    const Plan plan = make_plan(graph, recipe, "m.onnx");
    const ImageSet images = random_images(graph.input().shape, 40, 3);
    QuantizedNetwork network = searched(graph, recipe);
    ThreadPool workers(2);
    HeldOutDivergence held_out(plan, images, choose_images(40, 32, 1), workers);
    held_out.set(network);
    const DistillationResult found =
        distill(images, choose_images(40, 32, 1), recipe, seed, workers, held_out, network);
    left += found.after / found.before / kSeeds;
  }
  EXPECT_LT(left, 0.5);
}

/// With 8 bits everywhere there is nothing to round softly.
TEST_F(NetworkStageTest, RoundsSoftlyBelowEightBits) {
  const Graph graph = import(residual_model(4));
  for (const int bits : {2, 8}) {
    const auto learned = [&](const char* rounding) {
      return run(graph, recipe({fmt::format("weight_bits={}", bits), fmt::format("network.rounding={}", rounding),
                                "network.iterations=160"}));
    };
    const QuantizedNetwork straight = learned("straight_through"), soft = learned("soft");
    if (bits == 8) {
      expect_same(soft, straight);
      continue;
    }
    bool differ = false;
    for (std::size_t i = 0; i < soft.layers.size(); ++i)
      differ = differ || soft.layers[i].integer_weights != straight.layers[i].integer_weights;
    EXPECT_TRUE(differ);
  }
}

/// A steeper curve at first lets other weights move; straight through, there is no curve.
TEST_F(NetworkStageTest, StartsSoftRoundingAsSteepAsTheRecipeSays) {
  const Graph graph = import(residual_model(4));
  const auto learned = [&](const char* rounding, int slope) {
    return run(graph, recipe({"weight_bits=2", fmt::format("network.rounding={}", rounding),
                              fmt::format("network.slope={}", slope)}));
  };
  expect_same(learned("straight_through", 4), learned("straight_through", 20));
  const QuantizedNetwork flat = learned("soft", 4), steep = learned("soft", 20);
  bool differ = false;
  for (std::size_t i = 0; i < flat.layers.size(); ++i)
    differ = differ || flat.layers[i].integer_weights != steep.layers[i].integer_weights;
  EXPECT_TRUE(differ);
}

TEST_F(NetworkStageTest, KeepsWhatWasThereWhereLearningWrecksIt) {
  const Graph graph = import(residual_model(4));
  const Recipe wild = recipe({"network.weight_rate=10", "network.bias_rate=10", "network.iterations=4"});
  Recipe search = wild;
  search.network.iterations = 0;
  QuantizedNetwork before = run(graph, search);
  // The stage starts at the biases as float.
  for (QuantizedLayer& layer : before.layers)
    for (double& bias : layer.bias) bias = static_cast<double>(static_cast<float>(bias));
  expect_same(run(graph, wild), before);
}

TEST_F(NetworkStageTest, IsTheSameAtAnyNumberOfThreads) {
  const Graph graph = import(mobile_model(6));
  const Recipe recipe = this->recipe(
      {"method=qdrop", "reconstruction.iterations=6", "network.exponent_moves=true", "network.rounding=soft"});
  const QuantizedNetwork one = run(graph, recipe, {1, {}, ""});
  expect_same(one, run(graph, recipe, {2, {}, ""}));
  expect_same(one, run(graph, recipe, {3, {}, ""}));
}

TEST_F(NetworkStageTest, RunsWithFreeScales) {
  const Graph graph = import(residual_model(5));
  const QuantizedNetwork network = run(graph, recipe({"scales=free"}));
  Recipe search = recipe({"scales=free", "network.iterations=0"});
  const QuantizedNetwork before = run(graph, search);
  bool differ = network.mantissas != before.mantissas;
  for (std::size_t i = 0; i < network.layers.size(); ++i)
    differ = differ || network.layers[i].integer_weights != before.layers[i].integer_weights;
  EXPECT_TRUE(differ);
}

/// A step set alone moves the rounding of all that reads the tensor, as input or as residual.
TEST_F(NetworkStageTest, DivergenceOfATensorSetAloneIsThatOfAllAtOnce) {
  const Graph graph = import(residual_model(4));
  const Recipe recipe = this->recipe({"weight_bits=4", "activation_bits=4", "network.iterations=0"});
  const Plan plan = make_plan(graph, recipe, "m.onnx");
  const ImageSet images = random_images(graph.input().shape, 40, 3);
  const QuantizedNetwork network = run(graph, recipe);
  ThreadPool workers(2);
  HeldOutDivergence held_out(plan, images, choose_images(40, 20, 1), workers);
  HeldOutDivergence again(plan, images, choose_images(40, 20, 1), workers);
  for (const PlannedLayer& layer : plan.layers) {
    if (layer.kind == qnet::LayerKind::kMaxPool || plan.tensor(layer.output).is_logits) continue;
    for (const int by : {-6, -5, -4, -3, -2, 2}) {  // far enough to be finer than the accumulator
      QuantizedNetwork moved = network;
      std::vector<double> steps = network.steps(layer.output);
      for (double& step : steps) step = std::ldexp(step, by);
      moved.set_steps(layer.output, steps);
      held_out.set(network);
      held_out.set_tensor(moved, layer.output);
      again.set(moved);
      EXPECT_EQ(held_out.loss(), again.loss()) << layer.name << " by " << by;
    }
  }
}

/// What the layers in front make is kept and not computed again, wherever it starts, and whatever changes behind it.
TEST_F(NetworkStageTest, DivergenceThatStartsBehindLayersIsTheSame) {
  for (const auto& model : {residual_model(4), mobile_model(4)}) {
    const Graph graph = import(model);
    const Recipe recipe = this->recipe({"weight_bits=4", "activation_bits=4", "network.iterations=0"});
    const Plan plan = make_plan(graph, recipe, "m.onnx");
    const ImageSet images = random_images(graph.input().shape, 40, 3);
    const QuantizedNetwork network = run(graph, recipe);
    ThreadPool workers(2);
    MemoryBudget nothing(0);
    ActivationMemory memory(nothing, folder_);  // all of it in files
    HeldOutDivergence held_out(plan, images, choose_images(40, 20, 1), workers);
    HeldOutDivergence again(plan, images, choose_images(40, 20, 1), workers);
    held_out.set(network);
    const double wanted = held_out.loss();
    for (std::size_t i = 0; i < plan.layers.size(); ++i) {
      held_out.start_at(network, i, memory);
      EXPECT_EQ(held_out.loss(), wanted) << "start at layer " << i;
      const PlannedLayer& layer = plan.layers[i];
      if (layer.kind == qnet::LayerKind::kMaxPool || plan.tensor(layer.output).is_logits) continue;
      QuantizedNetwork moved = network;
      std::vector<double> steps = network.steps(layer.output);
      for (double& step : steps) step *= 4;
      moved.set_steps(layer.output, steps);
      held_out.set_tensor(moved, layer.output);
      again.set(moved);
      EXPECT_EQ(held_out.loss(), again.loss()) << layer.name;
      EXPECT_NE(held_out.loss(), wanted) << layer.name;
      held_out.set_tensor(network, layer.output);
    }
    EXPECT_THROW(held_out.set_layer(network, 0), InternalError);
    held_out.set(network);
    held_out.set_layer(network, 0);
    EXPECT_EQ(held_out.loss(), wanted);
  }
}

TEST_F(NetworkStageTest, DivergenceStopsAtALimit) {
  const Graph graph = import(residual_model(4));
  const Recipe recipe = this->recipe({"weight_bits=2", "network.iterations=0"});
  const Plan plan = make_plan(graph, recipe, "m.onnx");
  const ImageSet images = random_images(graph.input().shape, 40, 3);
  for (const int threads : {1, 2}) {
    ThreadPool workers(threads);
    HeldOutDivergence held_out(plan, images, choose_images(40, 40, 1), workers);
    held_out.set(run(graph, recipe));
    const double wanted = held_out.loss();
    for (const bool sorted : {false, true}) {
      if (sorted) held_out.hardest_first();
      const double whole = held_out.loss();
      EXPECT_NEAR(whole, wanted, 1e-12);  // summed in another order
      EXPECT_EQ(held_out.loss(1.001 * whole), whole);
      EXPECT_GE(held_out.loss(whole), whole);
      const double early = held_out.loss(0.3 * whole);
      EXPECT_GE(early, 0.3 * whole);
      EXPECT_LT(early, 0.8 * whole);  // not all images were looked at
    }
  }
}

TEST_F(NetworkStageTest, ExponentMovesAreTheSameAtAnyThreadCount) {
  const Graph graph = import(mobile_model(4));
  const Recipe recipe = this->recipe({"weight_bits=2", "network.iterations=0"});
  const Plan plan = make_plan(graph, recipe, "m.onnx");
  const ImageSet images = random_images(graph.input().shape, 40, 3);
  const QuantizedNetwork start = run(graph, recipe);
  std::vector<QuantizedNetwork> ends;
  std::vector<MovesResult> found;
  for (const int threads : {1, 3}) {
    ThreadPool workers(threads);
    MemoryBudget budget(1 << 20);
    ActivationMemory memory(budget, folder_);
    HeldOutDivergence held_out(plan, images, choose_images(40, 30, 1), workers);
    QuantizedNetwork network = start;
    held_out.set(network);
    found.push_back(move_exponents(held_out, memory, recipe, 2, network));
    ends.push_back(std::move(network));
  }
  expect_same(ends[0], ends[1]);
  EXPECT_EQ(found[0].after, found[1].after);
  EXPECT_EQ(found[0].tried, found[1].tried);
  EXPECT_GT(found[0].taken, 0);
}

/// An exponent that somebody spoiled is found and put right, a layer's as well as a tensor's.
TEST_F(NetworkStageTest, ExponentMovesRepair) {
  const Graph graph = import(residual_model(4));
  const Recipe recipe = this->recipe({"weight_bits=4", "network.iterations=0"});
  const Plan plan = make_plan(graph, recipe, "m.onnx");
  const ImageSet images = random_images(graph.input().shape, 40, 3);
  const QuantizedNetwork good = run(graph, recipe);
  ThreadPool workers(2);
  HeldOutDivergence held_out(plan, images, choose_images(40, 20, 1), workers);
  held_out.set(good);
  const double wanted = held_out.loss();
  const int tensor = plan.layers[1].output;
  QuantizedNetwork spoiled = good;
  std::vector<double> steps = good.steps(tensor);
  for (double& step : steps) step /= 8;
  spoiled.set_steps(tensor, steps);
  held_out.set(spoiled);
  ASSERT_GT(held_out.loss(), 1.5 * wanted);
  MemoryBudget budget(1 << 20);
  ActivationMemory memory(budget, folder_);
  const MovesResult found = move_exponents(held_out, memory, recipe, 4, spoiled);
  EXPECT_EQ(found.after, held_out.loss());
  EXPECT_LT(found.after, 1.2 * wanted);
  EXPECT_GT(found.taken, 0);
  EXPECT_GT(found.tried, found.taken);
  EXPECT_TRUE(is_legal(spoiled, recipe));
  HeldOutDivergence again(plan, images, choose_images(40, 20, 1), workers);
  again.set(spoiled);
  EXPECT_EQ(again.loss(), found.after);
  // A move of what a max pool hands on is one of what it reads.
  int pools = 0;
  for (const PlannedLayer& layer : plan.layers) {
    if (layer.kind != qnet::LayerKind::kMaxPool) continue;
    EXPECT_EQ(spoiled.steps(layer.output), spoiled.steps(layer.input)) << layer.name;
    ++pools;
  }
  EXPECT_GT(pools, 0);
}

}  // namespace
}  // namespace shiftsim::quantizer
