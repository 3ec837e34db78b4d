// Reconstruction: what every method leaves is legal and exact, never worse than before, and the same however the work
// was done (threads, memory, stops on the way).
#include "quantizer/learn/reconstruct.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <regex>
#include <sstream>

#include "qnet/network.h"
#include "quantizer/app/checkpoint.h"
#include "quantizer/app/quantize.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/evaluate/fake_quantized.h"
#include "quantizer/export/integer_export.h"
#include "quantizer/import/onnx_import.h"
#include "quantizer/learn/learned.h"
#include "quantizer/learn/unit_model.h"
#include "quantizer/plan/legality.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/bit_exact.h"
#include "tests/quantizer/models.h"
#include "tests/quantizer/unit_builder.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

bool same_quantizers(const std::vector<WeightQuantizer>& a, const std::vector<WeightQuantizer>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const WeightQuantizer& x, const WeightQuantizer& y) {
    return x.bits == y.bits && x.exponent == y.exponent && x.offset == y.offset && x.mantissa == y.mantissa;
  });
}

/// Bit for bit.
void expect_same(const QuantizedNetwork& a, const QuantizedNetwork& b, const std::string& what) {
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_TRUE(same_quantizers(a.layers[i].quantizers, b.layers[i].quantizers)) << what << ": layer " << i;
    EXPECT_EQ(a.layers[i].integer_weights, b.layers[i].integer_weights) << what << ": layer " << i;
    EXPECT_EQ(a.layers[i].bias, b.layers[i].bias) << what << ": layer " << i;
    EXPECT_EQ(a.layers[i].learned_bias, b.layers[i].learned_bias) << what << ": layer " << i;
    EXPECT_EQ(a.layers[i].searched_exponents, b.layers[i].searched_exponents) << what << ": layer " << i;
  }
  EXPECT_EQ(a.exponents, b.exponents) << what;
  EXPECT_EQ(a.mantissas, b.mantissas) << what;
  EXPECT_EQ(a.searched_exponents, b.searched_exponents) << what;
}

bool differs(const QuantizedNetwork& a, const QuantizedNetwork& b) {
  for (std::size_t i = 0; i < a.layers.size(); ++i)
    if (a.layers[i].integer_weights != b.layers[i].integer_weights) return true;
  return a.exponents != b.exponents;
}

// ---- one unit ----

/// A unit with activations made from random ones, and a target near what it computes in float.
struct UnitCase {
  static constexpr std::size_t kImages = 8;

  explicit UnitCase(unsigned seed, int weight_bits = 2) : builder({6, 5, 5}, seed, weight_bits) {
    const int middle = builder.conv(0, ConvOptions::same(8, 3));
    ConvOptions last = ConvOptions::same(6, 3);
    last.residual = 0;
    builder.conv(middle, last);
    unit = partition(builder.plan(), Granularity::kNetwork).front();
    std::normal_distribution<float> normal(0.0f, 1.0f);
    const Plan& plan = builder.plan();
    exact.resize(kImages * plan.tensor(0).shape.size());
    for (float& value : exact) value = std::max(normal(builder.random()), 0.0f);
    quantized = exact;
    for (float& value : quantized) value = std::floor(value * 4 + 0.5f) / 4;
    UnitModel in_float(plan, unit, kImages, 1, UnitModel::Use::kInference);
    for (std::size_t i = 0; i < plan.layers.size(); ++i)
      in_float.set_weights(static_cast<int>(i), plan.layers[i].weight, plan.layers[i].bias);
    const float* y = in_float.forward(0, {exact.data()}, kImages, 0);
    target.assign(y, y + kImages * plan.tensor(unit.output).shape.size());
    recipe.method = "qdrop";
    recipe.weight_bits = weight_bits;
    recipe.reconstruction.batch = kImages;  // every batch is all images
    recipe.reconstruction.drop = 0;
    recipe.reconstruction.rounding_weight = 1e-3;
    task.iterations = 400;
    task.rounding_rate = 0.02;
  }

  const Plan& plan() const { return builder.plan(); }

  UnitLoss run(QuantizedNetwork& network, int threads = 1) const {
    ThreadPool workers(threads);
    return reconstruct(unit, {{quantized}, {exact}, target, kImages}, recipe, task, workers, network);
  }

  /// The hard model's loss over all images: mean over images and pixels, summed over channels.
  double loss(const QuantizedNetwork& network) const {
    UnitModel model(plan(), unit, kImages, 1, UnitModel::Use::kInference);
    for (std::size_t i = 0; i < plan().layers.size(); ++i) {
      model.set_weights(static_cast<int>(i), network.layers[i].weights(), network.layers[i].learned_bias);
      const int tensor = plan().layers[i].output;
      model.set_quantizer(tensor, {task.quantized_inside, 1, network.steps(tensor)});
    }
    const float* y = model.forward(0, {quantized.data()}, kImages, 0);
    double sum = 0;
    for (std::size_t i = 0; i < target.size(); ++i)
      sum += std::pow(std::abs(static_cast<double>(y[i]) - static_cast<double>(target[i])), task.norm);
    return sum / (kImages * 25);
  }

  UnitBuilder builder;
  Unit unit;
  std::vector<float> exact, quantized, target;
  Recipe recipe;
  UnitTask task;
};

/// Small units are soon as good as they get: what the least bits of a sum decide, other processors decide otherwise. So
/// learning has to help over several seeds, and may not harm with any.
TEST(ReconstructUnit, LearnsAndReportsTheHardModelsLoss) {
  for (const bool quantized_inside : {false, true}) {
    SCOPED_TRACE(quantized_inside ? "activations quantized and learned" : "weights only");
    constexpr unsigned kSeeds = 8;
    double left = 0;  ///< of the losses, in parts of what they were
    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
      SCOPED_TRACE(fmt::format("seed {}", seed));
      UnitCase of(seed);
      of.task.norm = seed % 2 == 0 ? 2 : 1.1;
      of.task.activations = of.task.quantized_inside = quantized_inside;
      of.recipe.reconstruction.learn_bias = seed % 2 == 0;
      QuantizedNetwork network = nearest_network(of.plan(), -2);
      const double start = of.loss(network);
      const UnitLoss loss = of.run(network);
      EXPECT_NEAR(loss.before, start, 1e-4 * start);
      EXPECT_NEAR(loss.after, of.loss(network), 1e-4 * start);
      EXPECT_LE(loss.after, loss.before);
      left += loss.after / loss.before / kSeeds;
    }
    EXPECT_LT(left, quantized_inside ? 0.95 : 0.8);
  }
}

/// With rates that wreck everything, what was there before stays.
TEST(ReconstructUnit, NeverLeavesAWorseModel) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    for (const bool weights : {true, false}) {
      SCOPED_TRACE(fmt::format("seed {} weights {}", seed, weights));
      UnitCase of(seed, 4);
      of.task.weights = weights;
      of.task.activations = true;
      of.task.iterations = 3;
      of.task.rounding_rate = of.task.activation_rate = 10;
      of.recipe.reconstruction.learn_bias = true;
      of.recipe.reconstruction.bias_rate = 10;
      QuantizedNetwork network = nearest_network(of.plan(), -2);
      const QuantizedNetwork before = network;
      const UnitLoss loss = of.run(network);
      EXPECT_EQ(loss.after, loss.before);
      expect_same(before, network, "restored");
    }
  }
}

TEST(ReconstructUnit, HardensRelaxedExponents) {
  bool moved = false;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    UnitCase of(seed);
    of.recipe.reconstruction.relax_exponents = true;
    of.recipe.reconstruction.exponent_share = 0.5;
    of.task.activations = true;
    QuantizedNetwork network = nearest_network(of.plan(), -2);
    // Quantizers that are not the best, so that there is something to move.
    for (QuantizedLayer& layer : network.layers)
      for (WeightQuantizer& quantizer : layer.quantizers) quantizer.exponent += 1;
    const QuantizedNetwork before = network;
    const UnitLoss loss = of.run(network);
    EXPECT_LT(loss.after, loss.before);
    for (std::size_t i = 0; i < network.layers.size(); ++i)
      for (std::size_t k = 0; k < network.layers[i].quantizers.size(); ++k) {
        const WeightQuantizer& quantizer = network.layers[i].quantizers[k];
        EXPECT_TRUE(quantizer.power_of_two());
        EXPECT_EQ(quantizer.step(), std::exp2(std::round(std::log2(quantizer.step()))));
        moved = moved || quantizer.exponent != before.layers[i].quantizers[k].exponent;
      }
    for (const auto& mantissas : network.mantissas) EXPECT_TRUE(mantissas.empty());
  }
  EXPECT_TRUE(moved);
}

TEST(ReconstructUnit, MovesExponentsOnlyWhereItHelps) {
  UnitCase of(1);
  of.task.weights = false;
  of.task.iterations = 0;
  of.recipe.reconstruction.exponent_moves = true;
  QuantizedNetwork network = nearest_network(of.plan(), -2);
  network.set_steps(1, {std::exp2(-8)});  // clips nearly everything
  const UnitLoss loss = of.run(network);
  EXPECT_LT(loss.after, loss.before);
  EXPECT_NEAR(loss.after, of.loss(network), 1e-4 * loss.after);
  EXPECT_EQ(network.exponents[1], std::vector<int>{-7});
}

TEST(ReconstructUnit, FreeScalesAreLearnedFreely) {
  UnitCase of(2);
  of.recipe.scales = Scales::kFree;
  of.task.activations = true;
  of.task.activation_rate = 1e-2;
  QuantizedNetwork network = nearest_network(of.plan(), -2);
  const UnitLoss loss = of.run(network);
  EXPECT_LT(loss.after, loss.before);
  EXPECT_FALSE(network.mantissas[1].empty());
}

// ---- RAPQ's norm ----

TEST(LossNorm, FollowsRapqsRule) {
  const std::vector<float> ones(4, 1.0f), zeros(10, 0.0f), large(3, 100.0f);
  EXPECT_NEAR(batch_norm_loss_norm(ones, 0.1), 1.1, 1e-12);   // 1 + 0.1 * sigmoid(3/4) = 1.068
  EXPECT_NEAR(batch_norm_loss_norm(ones, 0.9), 1.6, 1e-12);   // 1.611
  EXPECT_NEAR(batch_norm_loss_norm(zeros, 0.9), 1.4, 1e-12);  // sigmoid(-1/10) = 0.475: 1.428
  EXPECT_NEAR(batch_norm_loss_norm(large, 0.9), 1.9, 1e-12);
  EXPECT_NEAR(batch_norm_loss_norm(large, 0), 1.0, 1e-12);
}

// ---- whole networks ----

class ReconstructNetwork : public TemporaryFolder {
protected:
  /// Few iterations, but everything takes part.
  static Recipe recipe(const std::string& method, std::vector<std::string> more = {}) {
    std::vector<std::string> settings{"method=" + method,
                                      "weight_bits=2",
                                      "calibration.images=12",
                                      "input={mean: [0.4], std: [0.3], scale: 255}",
                                      "reconstruction.iterations=12",
                                      "reconstruction.batch=6",
                                      "reconstruction.rounding_rate=0.1",
                                      "reconstruction.activation_iterations=6",
                                      "reconstruction.activation_rate=0.05"};
    settings.insert(settings.end(), more.begin(), more.end());
    return load_recipe({{}, {}, settings, {}});
  }

  Graph import(const OnnxBuilder& builder) const { return import_onnx(builder.save(folder_ / "m.onnx")); }

  static QuantizedNetwork run(const Graph& graph, const Recipe& recipe, const QuantizeOptions& options = {}) {
    const ImageSet images = random_images(graph.input().shape, 16, 3);
    const auto chosen = choose_images(images.count, static_cast<std::size_t>(recipe.calibration_images), 1);
    return quantize(make_plan(graph, recipe, "m.onnx"), recipe, images, chosen, options);
  }

  /// The loss norms that a run of the 'weights' pass reports, unit by unit.
  static std::vector<double> norms(const Graph& graph, const Recipe& recipe) {
    std::ostringstream text;
    const auto before = spdlog::default_logger();
    auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
    logger->set_level(spdlog::level::debug);
    spdlog::set_default_logger(logger);
    run(graph, recipe);
    spdlog::set_default_logger(before);
    std::vector<double> result;
    const std::string all = text.str();
    const std::regex wanted("weights loss .*norm ([0-9.]+)");
    for (std::sregex_iterator i(all.begin(), all.end(), wanted), end; i != end; ++i)
      result.push_back(std::stod((*i)[1]));
    return result;
  }
};

constexpr const char* kMethods[] = {"adaround", "brecq", "qdrop", "rapq"};

TEST_F(ReconstructNetwork, IsLegalAndExactWithEveryMethod) {
  for (const char* method : kMethods) {
    unsigned seed = 1;
    for (const OnnxBuilder& model : {residual_model(4), mobile_model(4), preactivation_model(4)}) {
      SCOPED_TRACE(fmt::format("{}, model {}", method, seed));
      const Graph graph = import(model);
      const Recipe recipe = this->recipe(method, {fmt::format("weight_bits={}", seed % 2 == 0 ? 4 : 2),
                                                  fmt::format("reconstruction.learn_bias={}", seed % 2 == 0)});
      const QuantizedNetwork network = run(graph, recipe);
      EXPECT_TRUE(is_legal(network, recipe));
      for (const auto& mantissas : network.mantissas)
        for (const double mantissa : mantissas) EXPECT_EQ(mantissa, 1.0);
      for (const QuantizedLayer& layer : network.layers)
        for (const WeightQuantizer& quantizer : layer.quantizers) EXPECT_TRUE(quantizer.power_of_two());
      const qnet::Network integers = to_integers(network);
      qnet::validate(integers, "model");
      expect_bit_exact(integers, random_images(graph.input().shape, 4, 9), 4, method);
      // Something was learned.
      Recipe nearest = recipe;
      nearest.method = "nearest";
      EXPECT_TRUE(differs(run(graph, nearest), network));
      ++seed;
    }
  }
}

TEST_F(ReconstructNetwork, RunsWithFreeScales) {
  const Graph graph = import(residual_model(5));
  for (const char* method : kMethods) {
    SCOPED_TRACE(method);
    const QuantizedNetwork network = run(graph, recipe(method, {"scales=free"}));
    bool free = false;
    for (const QuantizedLayer& layer : network.layers)
      for (const WeightQuantizer& quantizer : layer.quantizers) free = free || !quantizer.power_of_two();
    EXPECT_TRUE(free);
    for (const float logit : run_fake_quantized(network, random_images(graph.input().shape, 4, 9), 4, 1))
      EXPECT_TRUE(std::isfinite(logit));
  }
}

TEST_F(ReconstructNetwork, IsTheSameAtAnyNumberOfThreads) {
  for (const char* method : kMethods) {
    const Graph graph = import(std::string(method) == "qdrop" ? mobile_model(6) : residual_model(6));
    const Recipe recipe = this->recipe(method, {"reconstruction.learn_bias=true"});
    const QuantizedNetwork one = run(graph, recipe, {1, {}, ""});
    expect_same(one, run(graph, recipe, {2, {}, ""}), std::string(method) + " with 2 threads");
    expect_same(one, run(graph, recipe, {3, {}, ""}), std::string(method) + " with 3 threads");
  }
}

TEST_F(ReconstructNetwork, DependsOnTheSeed) {
  const Graph graph = import(residual_model(6));
  EXPECT_TRUE(differs(run(graph, recipe("qdrop")), run(graph, recipe("qdrop", {"calibration.seed=2"}))));
}

TEST_F(ReconstructNetwork, IsTheSameWithActivationsOnDisk) {
  const Graph graph = import(residual_model(7));
  const QuantizedNetwork in_memory = run(graph, recipe("rapq"));
  Recipe small = recipe("rapq", {"memory.limit_gb=0"});
  small.spill_folder = folder_;
  expect_same(in_memory, run(graph, small), "all activations in files");
  // The files leave nothing behind.
  for (const auto& entry : fs::directory_iterator(folder_)) EXPECT_EQ(entry.path().filename(), "m.onnx");
  Recipe nowhere = recipe("rapq", {"memory.limit_gb=0"});
  nowhere.spill_folder = folder_ / "none";
  expect_user_error([&] { run(graph, nowhere); }, {(folder_ / "none").string(), "calibration activations"});
}

/// Units stay where they are better than the search on images that they have not seen, and only there.
TEST_F(ReconstructNetwork, UnitsThatAreNoBetterAreDropped) {
  const Graph graph = import(residual_model(7));
  int kept = 0, dropped = 0;
  for (int seed = 1; seed <= 12; ++seed) {
    // A single image to learn from: some of the runs learn nothing else.
    const Recipe recipe = this->recipe("qdrop", {"reconstruction.judge=true", "weight_bits=4", "calibration.images=1",
                                                 "network.images=16", fmt::format("calibration.seed={}", seed)});
    const ImageSet images = random_images(graph.input().shape, 16, 3);
    const auto chosen = choose_images(images.count, 16, seed);
    const auto quantized = [&](const Recipe& asked, LearningRecord* record) {
      QuantizeOptions options;
      options.record = record;
      return quantize(make_plan(graph, asked, "m.onnx"), asked, images, chosen, options);
    };
    LearningRecord record;
    const QuantizedNetwork found = quantized(recipe, &record);
    ASSERT_EQ(record.stages.size(), 2u);
    EXPECT_EQ(record.held_out, 3u);
    EXPECT_EQ(record.stages[0].stage, "search");
    EXPECT_EQ(record.stages[1].kept, record.stages[1].divergence < record.stages[0].divergence);
    EXPECT_EQ(record.units.size(), partition(*found.plan, Granularity::kBlock).size() - 1) << "all but the stem";
    for (const UnitRecord& unit : record.units) EXPECT_LE(unit.after, unit.before) << unit.unit;
    Recipe without = recipe;  // the same images, nothing learned, nothing judged
    without.method = "nearest";
    const QuantizedNetwork searched = quantized(without, nullptr);
    if (record.stages[1].kept) {
      EXPECT_TRUE(differs(searched, found));
      ++kept;
    } else {
      expect_same(searched, found, "dropped");
      EXPECT_NE(learning_text(record).find("(no better: dropped)"), std::string::npos);
      ++dropped;
    }
    EXPECT_TRUE(is_legal(found, recipe));
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(dropped, 0);
}

TEST_F(ReconstructNetwork, TakesTheNormFromBatchNorm) {
  const Graph graph = import(residual_model(8));
  const Recipe recipe =
      this->recipe("rapq", {"reconstruction.norm_gain=0.9", "reconstruction.norm=2.2", "reconstruction.iterations=2"});
  const Plan plan = make_plan(graph, recipe, "m.onnx");
  std::vector<double> expected;
  for (const Unit& unit : partition(plan, Granularity::kBlock)) {
    if (unit.first == 0) continue;
    int last = unit.last;
    while (plan.layers[static_cast<std::size_t>(last)].kind != qnet::LayerKind::kConv) --last;
    const auto& gamma = plan.layers[static_cast<std::size_t>(last)].gamma;
    expected.push_back(gamma.empty() ? 2.2 : batch_norm_loss_norm(gamma, 0.9));  // the classifier's is the recipe's
  }
  EXPECT_EQ(norms(graph, recipe), expected);
  EXPECT_EQ(expected.back(), 2.2);
}

/// Where BatchNorm came folded, each channel's deviation in the float network stands for gamma.
TEST_F(ReconstructNetwork, TakesTheNormFromDeviationsWhereBatchNormIsFolded) {
  const auto network = [&](float deviation) {
    OnnxBuilder b;
    b.generator.seed(3);
    b.input("x", {0, 1, 6, 6});
    b.conv("x", "stem", 1, 8, 3, 1, {{"pads", Ints{1, 1, 1, 1}}}, false, true);
    b.node("Relu", {"stem"}, "stem_r");
    b.random("c.weight", {10, 8, 1, 1}, deviation);
    b.node("Conv", {"stem_r", "c.weight"}, "c");
    b.node("Relu", {"c"}, "c_r");
    b.node("GlobalAveragePool", {"c_r"}, "gap");
    b.node("Flatten", {"gap"}, "flat");
    b.random("fc.weight", {3, 10}, 0.5f);
    b.node("Gemm", {"flat", "fc.weight"}, "logits", {{"transB", std::int64_t{1}}});
    b.output("logits");
    return import(b);
  };
  const Recipe recipe = this->recipe("rapq", {"reconstruction.norm_gain=0.9", "reconstruction.iterations=2"});
  EXPECT_EQ(norms(network(1e-4f), recipe).front(), 1.4);   // as of gammas 0
  EXPECT_EQ(norms(network(100.0f), recipe).front(), 1.9);  // as of large ones
}

/// The first layer has 8 bits and stays as it is, also where a max pool makes it a unit of two layers.
TEST_F(ReconstructNetwork, LeavesTheStemUnlessToldOtherwise) {
  OnnxBuilder b;
  b.generator.seed(4);
  b.input("x", {0, 1, 8, 8});
  b.conv("x", "stem", 1, 6, 3);
  b.node("Relu", {"stem"}, "stem_r");
  b.node("MaxPool", {"stem_r"}, "p", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  b.conv("p", "c", 6, 6, 3);
  b.node("Flatten", {"c"}, "flat");
  b.random("fc.weight", {3, 6}, 0.5f);
  b.node("Gemm", {"flat", "fc.weight"}, "logits", {{"transB", std::int64_t{1}}});
  b.output("logits");
  for (const OnnxBuilder& model : {b, residual_model(9)}) {
    const Graph graph = import(model);
    const Recipe recipe = this->recipe(
        "adaround", {"reconstruction.units=block", "first_weight_bits=2", "reconstruction.iterations=100"});
    Recipe nearest = recipe, with_stem = recipe;
    nearest.method = "nearest";
    with_stem.reconstruction.stem = true;
    const auto found = run(graph, nearest).layers[0].integer_weights;
    EXPECT_EQ(run(graph, recipe).layers[0].integer_weights, found);
    EXPECT_NE(run(graph, with_stem).layers[0].integer_weights, found);
  }
}

// ---- stops ----

class Stops : public ReconstructNetwork {
protected:
  /// Runs until the checkpoint of that name cannot be written: a folder is in its place.
  void stop_at(const Graph& graph, const Recipe& recipe, const std::string& step, const std::string& print = "f") {
    fs::create_directories(checkpoint() / step);
    expect_user_error([&] { run(graph, recipe, {2, checkpoint(), print}); }, {step});
    fs::remove(checkpoint() / step);
  }

  fs::path checkpoint() const { return folder_ / "out.partial"; }
};

TEST_F(Stops, ResumeBehindTheLastFinishedUnit) {
  const Graph graph = import(residual_model(10));
  const Recipe recipe = this->recipe("rapq", {"reconstruction.learn_bias=true"});
  const QuantizedNetwork whole = run(graph, recipe);
  stop_at(graph, recipe, "pass0-unit2");
  ASSERT_TRUE(fs::exists(checkpoint() / "pass0-unit1"));
  // What is finished is not done again: its file stays as old as it is.
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(24);
  fs::last_write_time(checkpoint() / "pass0-unit1", old);
  stop_at(graph, recipe, "pass1-unit2");
  EXPECT_LT(fs::last_write_time(checkpoint() / "pass0-unit1"), old + std::chrono::hours(1));
  for (const char* step : {"pass0-unit2", "pass0-unit3", "pass1-unit1"}) EXPECT_TRUE(fs::exists(checkpoint() / step));
  expect_same(whole, run(graph, recipe, {3, checkpoint(), "f"}), "resumed twice");
  EXPECT_FALSE(fs::exists(checkpoint()));
}

TEST_F(Stops, IgnoreDamagedAndForeignCheckpoints) {
  const Graph graph = import(residual_model(11));
  const Recipe recipe = this->recipe("qdrop");
  const QuantizedNetwork whole = run(graph, recipe);
  stop_at(graph, recipe, "pass0-unit3");
  std::string bytes;
  {
    std::ifstream in(checkpoint() / "pass0-unit1", std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  bytes[bytes.size() - 40] = static_cast<char>(bytes[bytes.size() - 40] ^ 1);
  std::ofstream(checkpoint() / "pass0-unit1", std::ios::binary) << bytes;
  std::ofstream(checkpoint() / "pass0-unit2", std::ios::binary) << "nonsense";
  expect_same(whole, run(graph, recipe, {1, checkpoint(), "f"}), "damaged");
  // Another run's checkpoints in the same folder.
  stop_at(graph, recipe, "pass0-unit3", "f");
  const Recipe other = this->recipe("qdrop", {"calibration.seed=7"});
  expect_same(run(graph, other), run(graph, other, {1, checkpoint(), "g"}), "foreign");
}

class CheckpointFile : public TemporaryFolder {
protected:
  CheckpointFile() : of(1), network(nearest_network(of.plan(), -2)), blank(undecided(of.plan())) {}

  bool loads(const std::string& print) {
    blank = undecided(of.plan());
    return Checkpoint(folder_ / "c", print).load("s", of.unit, blank);
  }

  UnitCase of;
  QuantizedNetwork network, blank;
};

TEST_F(CheckpointFile, BringsEverythingBack) {
  network.set_steps(1, {0.3});
  network.layers[0].quantizers[0] = WeightQuantizer::free(2, 0.7, 1);
  network.layers[1].learned_bias[0] = 5;
  network.layers[0].searched_exponents = {-4, 2};
  network.searched_exponents[2] = {-3};
  Checkpoint(folder_ / "c", "print").save("s", of.unit, network, {0.5, 0.25});
  std::vector<double> figures;
  ASSERT_TRUE(Checkpoint(folder_ / "c", "print").load("s", of.unit, blank, &figures));
  EXPECT_EQ(figures, (std::vector<double>{0.5, 0.25}));
  ASSERT_TRUE(loads("print"));
  blank.exponents[0] = network.exponents[0];  // made outside the unit
  expect_same(network, blank, "loaded");
  Checkpoint(folder_ / "c", "print").remove();
  EXPECT_FALSE(fs::exists(folder_ / "c"));
  EXPECT_FALSE(loads("print"));
}

TEST_F(CheckpointFile, CountsAsMissingWhereItIsNotWhole) {
  Checkpoint(folder_ / "c", "print").save("s", of.unit, network);
  EXPECT_FALSE(loads("other"));
  std::string bytes;
  {
    std::ifstream in(folder_ / "c/s", std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto with = [&](const std::string& content) {
    put("c/s", content);
    return loads("print");
  };
  EXPECT_TRUE(with(bytes));
  for (const std::size_t at : {std::size_t{3}, bytes.size() / 2, bytes.size() - 1}) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    EXPECT_FALSE(with(damaged)) << at;
    EXPECT_FALSE(with(bytes.substr(0, at))) << at;
  }
  EXPECT_FALSE(with(bytes + "x"));
  EXPECT_FALSE(with(""));
}

TEST_F(CheckpointFile, IsNotWrittenWithoutAFolder) {
  const Checkpoint none(std::nullopt, "print");
  none.save("s", of.unit, network);
  EXPECT_FALSE(none.load("s", of.unit, blank));
  none.remove();
}

// ---- activations in memory and on disk ----

TEST(DrawBatch, IsDifferentIndicesBySeed) {
  auto batch = draw_batch(10, 10, 3);
  std::sort(batch.begin(), batch.end());
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(batch[i], i);
  EXPECT_EQ(draw_batch(100, 5, 3), draw_batch(100, 5, 3));
  EXPECT_NE(draw_batch(100, 5, 3), draw_batch(100, 5, 4));
}

}  // namespace
}  // namespace shiftsim::quantizer
