// Every figure of the diagnosis on layers small enough to know it by hand, and the whole on real structures.
#include "quantizer/evaluate/diagnosis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "qnet/bounds.h"
#include "qnet/golden.h"
#include "qnet/probe.h"
#include "quantizer/app/quantize.h"
#include "quantizer/calibrate/calibration.h"
#include "quantizer/evaluate/diagnosis_report.h"
#include "quantizer/export/integer_export.h"
#include "quantizer/import/onnx_import.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/models.h"

namespace shiftsim::quantizer {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A layer of nearest integer weights with these quantizers.
QuantizedLayer rounded(const std::vector<float>& weights, const std::vector<WeightQuantizer>& quantizers) {
  QuantizedLayer layer;
  layer.quantizers = quantizers;
  const std::size_t fan = weights.size() / quantizers.size();
  for (std::size_t i = 0; i < weights.size(); ++i)
    layer.integer_weights.push_back(static_cast<std::int8_t>(quantizers[i / fan].quantize(weights[i])));
  return layer;
}

TEST(WeightDiagnosis, SplitsNoiseIntoClippingAndRounding) {
  // Levels -2, -1, 0, 1. 1.25 rounds to a code there is, 1.75 does not, nor -3; 0.25 and -1 are inside.
  const std::vector<float> weights{1.25f, 1.75f, -3.0f, 0.25f, -1.0f};
  const WeightDiagnosis d = diagnose_weights(weights, rounded(weights, {WeightQuantizer{2, 0, 0}}));
  EXPECT_EQ(d.noise.rounding, 0.0625 + 0.0625);
  EXPECT_EQ(d.noise.clipping, 0.5625 + 1.0);
  EXPECT_EQ(d.noise.signal, 1.5625 + 3.0625 + 9 + 0.0625 + 1);
  EXPECT_EQ(d.clipped, 2u);
  EXPECT_EQ(d.saturated, 3u);
  EXPECT_EQ(d.moved, 0u);
  EXPECT_EQ(d.dead_codes, 0u);
  EXPECT_DOUBLE_EQ(d.noise.sqnr_db(), 10 * std::log10(14.6875 / 1.6875));
  EXPECT_DOUBLE_EQ(d.noise.clipping_share(), 1.5625 / 1.6875);
}

TEST(WeightDiagnosis, CountsTiesDeadCodesAndZeroChannels) {
  // Mid-rise levels -1.5, -0.5, 0.5, 1.5: ties at -1, 0 and 1; 2 is half way to a code there is not. Then levels
  // -4, -2, 0, 2, of which only 0 is used.
  const std::vector<float> weights{0.0f, 1.0f, 2.0f, 0.3f, -1.0f, 0.5f, 0.5f, -0.5f, 0.25f, 0.0f, 0.0f, 0.0f};
  QuantizedLayer layer = rounded(weights, {WeightQuantizer{2, 0, 1}, WeightQuantizer{2, 1, 0}});
  layer.searched_exponents = {0, 0};
  const WeightDiagnosis d = diagnose_weights(weights, layer);
  EXPECT_EQ(d.ties, 3u);
  EXPECT_EQ(d.codes, 8u);
  EXPECT_EQ(d.dead_codes, 1u + 3u);  // -1.5 in the first channel
  EXPECT_EQ(d.zero_channels, 1u);
  EXPECT_EQ(d.exponents_searched, (std::vector<int>{0, 0}));
  EXPECT_EQ(d.exponents, (std::vector<int>{0, 1}));
}

TEST(WeightDiagnosis, ChannelsOfFewWeightsNeedNotUseEveryCode) {
  const std::vector<float> weights{-0.5f, 0.25f, 0.25f};
  const WeightDiagnosis d = diagnose_weights(weights, rounded(weights, {WeightQuantizer{8, -2, 0}}));
  EXPECT_EQ(d.codes, 3u);
  EXPECT_EQ(d.dead_codes, 1u);
  EXPECT_EQ(d.noise.sqnr_db(), kInfinity);
  EXPECT_EQ(d.power_of_two_loss_db, 0);
}

TEST(WeightDiagnosis, LearnedIntegersAreJudgedAsTheyAre) {
  const std::vector<float> weights{0.25f, 1.0f, 2.0f};
  QuantizedLayer layer = rounded(weights, {WeightQuantizer{4, 0, 0}});
  layer.integer_weights[0] = 1;
  const WeightDiagnosis d = diagnose_weights(weights, layer);
  EXPECT_EQ(d.moved, 1u);
  EXPECT_EQ(d.noise.rounding, 0.5625);
  EXPECT_EQ(d.noise.clipping, 0);
}

TEST(WeightDiagnosis, PowerOfTwoLossIsAgainstTheBestFreeStep) {
  // Multiples of 2^0.5 on powers of two; a step of 2^(10/20) is among those tried.
  const float unit = std::sqrt(2.0f);
  const std::vector<float> off{-2 * unit, -unit, 0, unit};
  const WeightDiagnosis d = diagnose_weights(off, rounded(off, {WeightQuantizer{2, 0, 0}}));
  EXPECT_GT(d.power_of_two_loss_db, 100);
  EXPECT_EQ(d.power_of_two_loss_db, d.worst_power_of_two_loss_db);
  // With a second channel that fits, the layer loses as much, and no channel more.
  const std::vector<float> on{-2, -1, 0, 1};
  EXPECT_EQ(diagnose_weights(on, rounded(on, {WeightQuantizer{2, 0, 0}})).power_of_two_loss_db, 0);
  // In general: squared errors, added up over the channels before the ratio is taken.
  const std::vector<float> some{0.3f, -1.2f, 0.8f, 0.1f, 2.6f, -2.0f, 0.7f, 1.3f};
  const std::vector<WeightQuantizer> quantizers{WeightQuantizer{2, 0, 1}, WeightQuantizer{2, 1, 0}};
  double noise = 0, best = 0, worst = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    const auto channel = std::span(some).subspan(4 * k, 4);
    const double here = quantization_error(channel, quantizers[k], 2);
    const WeightQuantizer stepped =
        WeightQuantizer::free(2, best_free_step(channel, quantizers[k], 2), quantizers[k].offset);
    const double free = std::min(quantization_error(channel, stepped, 2),
                                 quantization_error(channel, search_free_quantizer(channel, 2, 2), 2));
    EXPECT_LT(free, here);
    noise += here;
    best += free;
    worst = std::max(worst, 10 * std::log10(here / free));
  }
  const WeightDiagnosis general = diagnose_weights(some, rounded(some, quantizers));
  EXPECT_NEAR(general.power_of_two_loss_db, 10 * std::log10(noise / best), 1e-9);
  EXPECT_NEAR(general.worst_power_of_two_loss_db, worst, 1e-9);
  // Learned integer weights do not count: the loss is the quantizer's.
  QuantizedLayer moved = rounded(on, {WeightQuantizer{2, 0, 0}});
  moved.integer_weights[1] = 1;
  EXPECT_EQ(diagnose_weights(on, moved).power_of_two_loss_db, 0);
}

TEST(TensorDiagnosis, SplitsNoiseIntoClippingAndRounding) {
  const ActivationRange range{2, false, {}};  // 0 to 3
  const std::vector<float> values{0, 0.25f, 3.25f, 3.5f, 5};
  std::size_t clipped = 0;
  const Noise noise = tensor_noise(values, 1, range, std::vector<double>{1.0}, clipped);
  EXPECT_EQ(noise.rounding, 0.0625 * 2);
  EXPECT_EQ(noise.clipping, 0.25 + 4);
  EXPECT_EQ(clipped, 2u);
  // A step per channel: channels of 1 and of 2.
  clipped = 0;
  const Noise two = tensor_noise(std::vector<float>{3, 3, 4, 4}, 2, range, std::vector<double>{1.0, 2.0}, clipped);
  EXPECT_EQ(two.clipping, 1);
  EXPECT_EQ(two.rounding, 1);  // 3 / 2 rounds up
  EXPECT_EQ(clipped, 1u);
}

TEST(TensorDiagnosis, PowerOfTwoLossIsAgainstTheBestFreeStep) {
  const ActivationRange range{2, false, {}};
  const float unit = std::sqrt(2.0f);  // 2^(8/16)
  const std::vector<float> off{0, unit, 2 * unit, 3 * unit};
  EXPECT_GT(tensor_power_of_two_loss_db(off, 1, range, std::vector<double>{1.0}), 100);
  EXPECT_EQ(tensor_power_of_two_loss_db(std::vector<float>{0, 1, 2, 3}, 1, range, std::vector<double>{1.0}), 0);
  // Each channel by itself, and far apart: 1 and 8 fit.
  EXPECT_EQ(tensor_power_of_two_loss_db(std::vector<float>{1, 8, 3, 24}, 2, range, std::vector<double>{1.0, 8.0}), 0);
}

TEST(TensorDiagnosis, CountsCodes) {
  CodeUse use;
  const std::vector<double> step{1.0};
  use.add(std::vector<std::int32_t>{0, 0, 3, 0, 1, 0}, 3, ActivationRange{2, false, {}}, step);
  EXPECT_EQ(use.counts, (std::vector<std::size_t>{4, 1, 0, 1}));
  EXPECT_EQ(use.saturated, 1u);
  EXPECT_EQ(use.dead_channels(), 1u) << "the first";
  CodeUse more;
  more.add(std::vector<std::int32_t>{2, 0, 0}, 3, ActivationRange{2, false, {}}, step);
  use += more;
  EXPECT_EQ(use.dead_channels(), 0u);
  EXPECT_EQ(use.counts, (std::vector<std::size_t>{6, 1, 1, 1}));
  // Signed: both ends. ReLU6's 6 is no end of the range, unless it is the range's end.
  CodeUse both;
  both.add(std::vector<std::int32_t>{-2, 1, 0}, 1, ActivationRange{2, true, {}}, step);
  EXPECT_EQ(both.saturated, 2u);
  CodeUse six;
  six.add(std::vector<std::int32_t>{6, 6}, 1, ActivationRange{4, false, {6}}, step);
  EXPECT_EQ(six.saturated, 0u);
  CodeUse end;
  end.add(std::vector<std::int32_t>{3, 3}, 1, ActivationRange{2, false, {6}}, step);
  EXPECT_EQ(end.saturated, 2u);
}

TEST(TensorDiagnosis, CountsTiesThatDecideACode) {
  const std::vector<std::int8_t> shifts{2, 0};
  const std::vector<std::uint8_t> highs{3, 3};
  // Pairs of channels; the second shifts nothing. 2, 6, 10 are ties; 14 is one beyond the clamp, -2 one below it.
  const std::vector<std::int32_t> sums{2, 2, 6, 2, 10, 2, 14, 2, -2, 2, 3, 2, 4, 2};
  EXPECT_EQ(count_ties(sums, shifts, 0, highs), 3u);
  EXPECT_EQ(count_ties(sums, shifts, -4, highs), 4u);
}

TEST(DiagnosisOrder, WorstFirst) {
  Diagnosis d;
  for (const double total : {1.0, 3.0, 2.0, 3.0}) {
    LayerDiagnosis layer;
    layer.error = {10, 1, 1, total};
    d.layers.push_back(layer);
  }
  EXPECT_EQ(d.worst_first(), (std::vector<std::size_t>{1, 3, 2, 0}));
}

TEST(DiagnosisAdvice, SaysOnlyWhatIsFounded) {
  LayerDiagnosis layer;
  layer.channels = 4;
  layer.error = {100, 10, 10.9, 10.9};
  layer.weights = WeightDiagnosis{};
  layer.weights->noise = {100, 9, 1};
  EXPECT_TRUE(advice(layer).empty()) << "0.9 % of the signal";
  layer.error = {100, 10, 20, 21};
  ASSERT_EQ(advice(layer).size(), 1u);
  EXPECT_EQ(advice(layer)[0], "lost to weights: clipping dominates (90 % of their noise)");
  layer.weights->noise = {100, 1, 9};
  layer.weights->power_of_two_loss_db = 2;
  EXPECT_EQ(advice(layer)[0], "lost to weights: rounding dominates (90 % of their noise), powers of two cost 2.0 dB");
  layer.error = {100, 10, 11, 21};
  EXPECT_TRUE(advice(layer).empty()) << "no codes to blame";
  layer.codes = CodeDiagnosis{};
  layer.codes->codes = 4;
  layer.codes->use.alive.assign(4, true);
  layer.error = {100, 10, 15.5, 21};
  EXPECT_TRUE(advice(layer).empty()) << "half by weights, half by codes";
  layer.error = {100, 10, 11, 21};
  layer.codes->local = {100, 5, 5};
  layer.codes->use.alive = {true, true, false, true};
  layer.codes->codes = 4;
  layer.codes->dead_codes = 2;
  EXPECT_EQ(advice(layer),
            (std::vector<std::string>{"lost to output codes: neither clipping nor rounding dominates",
                                      "2 of 4 output codes dead", "1 channel always 0, but not in the float network"}));
}

TEST(DiagnosisText, ShowsWhatLearningMovedWithinTheWidth) {
  Diagnosis d;
  d.images = 8;
  for (const char* name : {"first", "a.layer.with.a.name.too.long.for.a.table"}) {
    LayerDiagnosis layer;
    layer.name = name;
    layer.channels = 128;
    layer.error = {1000, 1, 2, d.layers.empty() ? 3.0 : 53.0};
    layer.weights = WeightDiagnosis{};
    layer.weights->exponents_searched.assign(128, -10);
    layer.weights->exponents.assign(128, -11);
    layer.weights->exponents[0] = -10;
    layer.codes = CodeDiagnosis{};
    layer.codes->exponents_searched = {-10};
    layer.codes->exponents = {-11};
    layer.codes->codes = 256;
    layer.codes->use.counts.assign(256, 1);
    layer.codes->use.alive.assign(128, false);
    layer.sums = SumDiagnosis{0, 24, 24, 24};
    d.layers.push_back(layer);
  }
  const std::string text = diagnosis_text(d);
  EXPECT_NE(text.find("-10 > -11..-10 (127)"), std::string::npos) << text;
  EXPECT_NE(text.find("-10 > -11 (1)"), std::string::npos) << text;
  EXPECT_LT(text.find("too.long.for.a.table "), text.find("\nfirst ")) << text;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line.rfind("Advice", 0) != 0;) {
    EXPECT_LE(line.size(), 130u) << line;
    EXPECT_TRUE(line.empty() || line.back() != ' ') << line;
  }
}

/// One convolution 1x1, two channels to two, on a given image.
TEST(LayerProbe, GivesSumsAndAccumulators) {
  qnet::Network network;
  network.tensors = {{"image", 1, 1, 2, 8, false, {0}}, {"r", 1, 1, 2, 8, true, {0}}, {"y", 1, 1, 2, 4, false, {3}}};
  qnet::Layer layer;
  layer.name = "l";
  layer.input = 0;
  layer.residual = 1;
  layer.output = 2;
  layer.weight_bits = 2;
  layer.weights = {1, -2, -1, 1};
  layer.weight_exponents = {0, 0};
  layer.offsets = {1, 0};
  layer.bias = {100, -7};
  layer.shifts = {4, 4};
  layer.residual_shifts = {1, -1};
  layer.hi = {15, 15};
  network.layers = {layer};
  const std::vector<std::int32_t> input{10, 3}, residual{5, -5};
  const auto result = qnet::LayerProbe(network, 0).run(input, residual);
  // A = 4 and -7, S = 13.
  EXPECT_EQ(result.sums, (std::vector<std::int32_t>{2 * 4 + 13 + 100 + 10, 2 * -7 - 7 - 2}));
  EXPECT_EQ(result.accumulator.low, -7);
  EXPECT_EQ(result.accumulator.high, 13);
  network.layers[0].offsets = {0, 0};
  const auto plain = qnet::LayerProbe(network, 0).run(input, residual);
  EXPECT_EQ(plain.sums, (std::vector<std::int32_t>{4 + 100 + 10, -7 - 7 - 2}));
  EXPECT_EQ(plain.accumulator.low, -7);
  EXPECT_EQ(plain.accumulator.high, 4);
}

class WholeDiagnosis : public TemporaryFolder {
protected:
  struct Outcome {
    QuantizedNetwork network;
    std::optional<qnet::Network> integers;
    Diagnosis diagnosis;
  };

  Outcome diagnose(const OnnxBuilder& builder, const Recipe& recipe, int threads = 2) {
    const Graph graph = import_onnx(builder.save(folder_ / "m.onnx"));
    const Plan plan = make_plan(graph, recipe, "model");
    images_.count = 70;
    images_.height = static_cast<std::size_t>(graph.input().shape.height);
    images_.width = static_cast<std::size_t>(graph.input().shape.width);
    images_.channels = static_cast<std::size_t>(graph.input().shape.channels);
    images_.pixels.clear();
    std::mt19937 random(3);
    for (std::size_t i = 0; i < images_.count * images_.image_size(); ++i)
      images_.pixels.push_back(static_cast<std::uint8_t>(random() % 256));
    const auto chosen = choose_images(images_.count, images_.count, 1);
    Outcome outcome;
    outcome.network = quantize(plan, recipe, images_, chosen, {threads, std::nullopt, ""});
    if (recipe.scales == Scales::kPowerOfTwo) outcome.integers = to_integers(outcome.network);
    outcome.diagnosis = quantizer::diagnose(outcome.network, outcome.integers, recipe, images_, chosen, threads);
    return outcome;
  }

  static Recipe w2a4() {
    Recipe recipe;
    recipe.weight_bits = 2;
    return recipe;
  }

  ImageSet images_;
};

TEST_F(WholeDiagnosis, FollowsTheIntegerNetwork) {
  for (const OnnxBuilder& builder : {residual_model(1), mobile_model(2), preactivation_model(3)}) {
    const Outcome outcome = diagnose(builder, w2a4());
    const Diagnosis& d = outcome.diagnosis;
    const qnet::Network& network = *outcome.integers;
    EXPECT_EQ(d.images, 64u);
    ASSERT_EQ(d.layers.size(), network.layers.size());
    // Of each layer's output codes, from the golden reference itself.
    std::vector<Moments> moments(d.layers.size());
    std::vector<CodeUse> uses(d.layers.size());
    const qnet::Golden golden(network);
    const auto chosen = choose_images(images_.count, images_.count, 1);
    for (std::size_t image = 0; image < d.images; ++image) {
      const auto trace = golden.trace(images_.image(chosen[image]));
      for (std::size_t i = 0; i < network.layers.size(); ++i) {
        const auto& codes = trace[static_cast<std::size_t>(network.layers[i].output)];
        const qnet::Tensor& tensor = network.out(network.layers[i]);
        for (std::size_t j = 0; j < codes.size(); ++j)
          moments[i].add(codes[j] * std::exp2(tensor.exponent(static_cast<int>(j) % tensor.channels)));
        if (d.layers[i].codes)
          uses[i].add(codes, static_cast<std::size_t>(tensor.channels),
                      outcome.network.plan->tensor(network.layers[i].output).range,
                      outcome.network.steps(network.layers[i].output));
      }
    }
    for (std::size_t i = 0; i < d.layers.size(); ++i) {
      const LayerDiagnosis& layer = d.layers[i];
      SCOPED_TRACE(layer.name);
      EXPECT_NEAR(layer.quantized_values.mean(), moments[i].mean(), 1e-6 * (1 + std::abs(moments[i].mean())));
      EXPECT_NEAR(layer.quantized_values.deviation(), moments[i].deviation(), 1e-5 * moments[i].deviation());
      EXPECT_GT(layer.error.signal, 0);
      EXPECT_NEAR(layer.error.added(), layer.error.added_by_weights() + layer.error.added_by_codes(), 1e-12);
      if (layer.codes) {
        EXPECT_EQ(layer.codes->use.counts, uses[i].counts);
        EXPECT_EQ(layer.codes->use.saturated, uses[i].saturated);
        EXPECT_EQ(layer.codes->exponents, layer.codes->exponents_searched) << "nothing was learned";
        EXPECT_GE(layer.codes->power_of_two_loss_db, 0);
        EXPECT_FALSE(layer.codes->exponents.empty());
      }
      if (layer.weights) {
        EXPECT_EQ(layer.weights->exponents, layer.weights->exponents_searched);
        EXPECT_EQ(layer.weights->moved, 0u);
        EXPECT_GE(layer.weights->power_of_two_loss_db, 0);
      }
      if (layer.sums) {
        EXPECT_LE(layer.sums->bits_seen, layer.sums->bits_proven);
        EXPECT_LE(layer.sums->bits_proven, layer.sums->bits_available);
        EXPECT_GT(layer.sums->bits_seen, 1);
      } else {
        EXPECT_EQ(layer.kind, qnet::LayerKind::kMaxPool);
        EXPECT_EQ(layer.error.added(), 0);
      }
    }
  }
}

TEST_F(WholeDiagnosis, TellsTheSearchFromWhatWasLearned) {
  Recipe recipe = w2a4();
  recipe.method = "brecq";
  recipe.reconstruction.units = Granularity::kLayer;
  recipe.reconstruction.iterations = 30;
  recipe.reconstruction.activations = ActivationLearning::kJoint;
  recipe.reconstruction.activation_rate = 1;  // so that 30 iterations move something
  recipe.reconstruction.rounding_rate = 0.1;
  recipe.reconstruction.warmup = 0;
  const Outcome learned = diagnose(residual_model(1), recipe);
  const Diagnosis searched = diagnose(residual_model(1), w2a4()).diagnosis;
  std::size_t moved_codes = 0, moved_exponents = 0;
  for (std::size_t i = 0; i < searched.layers.size(); ++i) {
    const LayerDiagnosis &layer = learned.diagnosis.layers[i], &before = searched.layers[i];
    SCOPED_TRACE(layer.name);
    if (layer.weights) {
      EXPECT_EQ(layer.weights->exponents_searched, before.weights->exponents)
          << "weights are searched on the float ones";
      moved_codes += layer.weights->moved;
    }
    if (!layer.codes) continue;
    const auto& exponents = learned.network.exponents[static_cast<std::size_t>(learned.network.plan->layers[i].output)];
    EXPECT_EQ(layer.codes->exponents, exponents);
    EXPECT_EQ(layer.codes->exponents_searched, before.codes->exponents) << "so are activations, by default";
    moved_exponents += layer.codes->exponents != layer.codes->exponents_searched ? 1 : 0;
  }
  EXPECT_GT(moved_codes, 0u);
  EXPECT_GT(moved_exponents, 0u);
}

TEST_F(WholeDiagnosis, ThreadsDoNotMatter) {
  const Diagnosis one = diagnose(residual_model(4), w2a4(), 1).diagnosis;
  const Diagnosis three = diagnose(residual_model(4), w2a4(), 3).diagnosis;
  EXPECT_EQ(diagnosis_text(one), diagnosis_text(three));
  for (std::size_t i = 0; i < one.layers.size(); ++i)
    EXPECT_EQ(diagnosis_json(one.layers[i]), diagnosis_json(three.layers[i]));
}

TEST_F(WholeDiagnosis, FreeScalesAreExecutedAsFakeQuantization) {
  Recipe recipe = w2a4();
  recipe.scales = Scales::kFree;
  const Diagnosis d = diagnose(residual_model(1), recipe).diagnosis;
  for (const LayerDiagnosis& layer : d.layers) {
    SCOPED_TRACE(layer.name);
    EXPECT_FALSE(layer.sums.has_value());
    EXPECT_NEAR(layer.float_values.mean(), layer.quantized_values.mean(), 0.2 * layer.float_values.deviation());
    if (layer.codes) {
      EXPECT_EQ(layer.codes->use.total(), layer.float_values.count);
      // Near the search's own optimum, which is of another norm.
      EXPECT_LT(layer.codes->power_of_two_loss_db, 1.5);
    }
  }
  EXPECT_NE(diagnosis_text(d).find("Output codes"), std::string::npos);
}

}  // namespace
}  // namespace shiftsim::quantizer
