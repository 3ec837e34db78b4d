// quantrun --sensitivity and --assign-bits on the command line: what they write, and every kind of bad input.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "common/npy.h"
#include "quantizer/mixed/bit_assignment.h"
#include "quantizer/recipe/recipe.h"
#include "tests/cli/command.h"
#include "tests/quantizer/models.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class QuantrunMixed : public test::CommandTest {
protected:
  QuantrunMixed() {
    residual_model(1).save(folder_ / "m.onnx");
    std::vector<std::uint8_t> pixels(24 * 9 * 9);
    std::mt19937 random(1);
    for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random() % 256);
    const std::size_t shape[] = {24, 9, 9, 1};
    CommandTest::write("images.npy", encode_npy(DType::kUInt8, shape, pixels.data()));
    CommandTest::write("base.yaml", "weight_bits: 4\nlayers: {a2: {activation_bits: 8}, b1: {weight_bits: 2}}\n");
  }

  test::Outcome run(const std::vector<std::string>& arguments) const {
    return run_program(SHIFTSIM_QUANTRUN, arguments);
  }

  test::Outcome measure(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"--model",  "m.onnx",    "--calibration", "images.npy",
                                       "--recipe", "base.yaml", "--sensitivity", "s.json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }

  test::Outcome assign(const std::string& budget, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"--assign-bits", "out/mixed.yaml", "--sensitivity", "s.json",   "--costs",
                                       "c.json",        "--budget",       budget,          "--recipe", "base.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }

  /// A file like quantrun's, with divergences of our own choice: a1, a2, b2, b_short vary.
  Json sensitivity() const {
    Json json = {{"format", "shiftsim sensitivity 1"},
                 {"network", "m"},
                 {"model", "m.onnx"},
                 {"model_hash", ""},
                 {"recipe", "base.yaml"},
                 {"recipe_hash", ""},
                 {"search_images", 24},
                 {"divergence_images", 24}};
    double scale = 1;
    for (const char* name : {"stem", "a1", "a2", "b1", "b2", "b_short", "fc"}) {
      const bool fixed = std::string(name) == "stem" || std::string(name) == "b1" || std::string(name) == "fc";
      Json layer = {{"name", name},
                    {"weights", 10},
                    {"recipe_bits", std::string(name) == "b1" ? 2
                                    : fixed                   ? 8
                                                              : 4},
                    {"because", "x"},
                    {"varies", !fixed}};
      for (const int bits : kWeightWidths)
        layer["widths"].push_back({{"bits", bits},
                                   {"weight_sqnr_db", "exact"},
                                   {"output_sqnr_db", 1.5},
                                   {"divergence", scale / (bits * bits)}});
      scale *= 2;
      json["layers"].push_back(layer);
    }
    return json;
  }

  static Json costs() {
    Json json = {{"format", "shiftsim layer costs 1"}, {"network", "m"}, {"source", "test"}};
    for (const char* name : {"stem", "a1", "a2", "MaxPool_1", "b1", "b2", "b_short", "gap", "fc"}) {
      Json layer = {{"name", name}};
      const std::string n = name;
      for (const int bits : {0, 2, 4, 8}) {
        const bool pool = n == "MaxPool_1" || n == "gap", fixed = n == "stem" || n == "fc";
        if (pool != (bits == 0) || (fixed && bits != 8)) continue;
        layer["widths"].push_back({{"bits", bits}, {"costs", {{"cycles", 100 * bits}, {"energy_uj", 0.5 * bits}}}});
      }
      json["layers"].push_back(layer);
    }
    return json;
  }

  void put(const Json& sensitivities, const Json& cost) const {
    CommandTest::write("s.json", sensitivities.dump(1));
    CommandTest::write("c.json", cost.dump(1));
  }

  void expect_rejected(const test::Outcome& outcome, std::initializer_list<std::string> words) const {
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    for (const std::string& word : words)
      EXPECT_NE(outcome.err.find(word), std::string::npos) << "'" << word << "' is not in: " << outcome.err;
    EXPECT_FALSE(fs::exists(folder_ / "out"));
  }
};

TEST_F(QuantrunMixed, MeasuresAndWritesWhatItReadsBack) {
  const auto outcome = measure({"--sensitivity-images", "10"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (const char* word : {"W2", "SQNR W", "KL", "b_short", "W8, first", "W2, layers", "mean of 10 images"})
    EXPECT_NE(outcome.out.find(word), std::string::npos) << word << " is not in: " << outcome.out;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;
  const SensitivityFile file = read_sensitivity(folder_ / "s.json");
  EXPECT_EQ(file.network, "m");
  EXPECT_EQ(file.divergence_images, 10u);
  EXPECT_EQ(file.search_images, 24u);
  ASSERT_EQ(file.layers.size(), 7u);
  const auto json = Json::parse(test::read_text(folder_ / "s.json"));
  for (std::size_t i = 0; i < 7; ++i)
    for (std::size_t w = 0; w < 3; ++w)
      EXPECT_EQ(file.layers[i].widths[w].divergence, json["layers"][i]["widths"][w]["divergence"].get<double>());

  // What is measured can be searched with, and quantrun takes the recipe that comes out.
  CommandTest::write("c.json", costs().dump());
  const auto assigned = assign("cycles=4400", {"--report", "a.json"});
  ASSERT_EQ(assigned.status, 0) << assigned.err;
  const auto report = Json::parse(test::read_text(folder_ / "a.json"));
  EXPECT_LE(report["cost"].get<double>(), 4400);
  const auto quantized =
      run({"--model", "m.onnx", "--calibration", "images.npy", "--recipe", "out/mixed.yaml", "--output", "net.qnet"});
  EXPECT_EQ(quantized.status, 0) << quantized.err;
}

TEST_F(QuantrunMixed, AssignsTheBestWithinTheBudget) {
  put(sensitivity(), costs());
  // Fixed: stem and fc at 8 bits, b1 at 2: 1,800 cycles. Of a1, a2, b2, b_short, whose divergences rise so, one can
  // have 8 bits and one 4 within 1,600 more.
  const auto outcome = assign("cycles=3400", {"--report", "a.json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  RecipeSources sources;
  sources.file = folder_ / "out/mixed.yaml";
  const Recipe recipe = load_recipe(sources);
  ASSERT_EQ(recipe.layers.size(), 5u);
  EXPECT_EQ(recipe.layers.at("a1").weight_bits, 2);
  EXPECT_EQ(recipe.layers.at("a2").weight_bits, 2);
  EXPECT_EQ(recipe.layers.at("a2").activation_bits, 8) << "what the base says of a layer is kept";
  EXPECT_EQ(recipe.layers.at("b1").weight_bits, 2) << "the base's";
  EXPECT_EQ(recipe.layers.at("b2").weight_bits, 4);
  EXPECT_EQ(recipe.layers.at("b_short").weight_bits, 8);
  const auto report = Json::parse(test::read_text(folder_ / "a.json"));
  EXPECT_EQ(report["cost"], 3400);
  EXPECT_EQ(report["divergence"], 2 / 4. + 4 / 4. + 16 / 16. + 32 / 64.);
  EXPECT_EQ(report["uniform"].size(), 3u);
  EXPECT_EQ(report["uniform"][1]["cost"], 1800 + 4 * 400);

  // The other measure of the same file.
  ASSERT_EQ(assign("energy_uj=13.5", {"--report", "b.json"}).status, 0);
  EXPECT_EQ(Json::parse(test::read_text(folder_ / "b.json"))["cost"], 13) << "nothing costs 13.5";
}

TEST_F(QuantrunMixed, BadBudgets) {
  put(sensitivity(), costs());
  expect_rejected(assign("cycles=2599"), {"--budget", "cycles=2599", "cannot be met", "2600"});
  // What the message calls achievable is, though its digits are rounded.
  Json uneven = costs();
  for (Json& width : uneven["layers"][1]["widths"]) width["costs"]["cycles"] = 200 + 1 / 7.0;
  put(sensitivity(), uneven);
  expect_rejected(assign("cycles=2600"), {"the least achievable is 2600.15,"});
  ASSERT_EQ(assign("cycles=2600.15").status, 0);
  fs::remove_all(folder_ / "out");
  put(sensitivity(), costs());
  expect_rejected(assign("energy=10"), {"--budget", "'energy'", "cycles, energy_uj", "c.json"});
  expect_rejected(assign("cycle=10000"), {"did you mean 'cycles'?"});
  for (const char* text : {"cycles", "=5", "cycles=", "cycles=-1", "cycles=0", "cycles=1e400", "cycles=many"})
    expect_rejected(assign(text), {"--budget"});
}

TEST_F(QuantrunMixed, FilesOfOtherNetworks) {
  Json other = costs();
  other["layers"][1]["name"] = "a1x";
  put(sensitivity(), other);
  expect_rejected(assign("cycles=4000"), {"c.json", "layer 'a1'", "s.json", "did you mean 'a1x'?"});
  other = costs();
  other["network"] = "another";
  put(sensitivity(), other);
  expect_rejected(assign("cycles=4000"), {"c.json", "'another'", "s.json", "'m'"});
  other = sensitivity();
  other["layers"].erase(1);
  put(other, costs());
  expect_rejected(assign("cycles=4000"), {"c.json", "layer 'a1'", "s.json", "does not measure"});
  other = costs();
  other["layers"][0]["widths"][0]["bits"] = 4;
  put(sensitivity(), other);
  expect_rejected(assign("cycles=4000"), {"c.json", "layer 'stem'", "costs of 4 bits, expected 8"});
}

TEST_F(QuantrunMixed, MalformedFiles) {
  const auto change = [&](const auto& edit) {
    Json sensitivities = sensitivity(), cost = costs();
    edit(sensitivities, cost);
    put(sensitivities, cost);
    return assign("cycles=4000");
  };
  put(sensitivity(), costs());
  EXPECT_EQ(assign("cycles=4000", {"--assign-bits"}).status, 2);
  expect_rejected(change([](Json& s, Json&) { s["format"] = "x"; }), {"s.json:2", "format", "shiftsim sensitivity 1"});
  expect_rejected(change([](Json&, Json& c) { c["format"] = "x"; }), {"c.json:2", "format", "shiftsim layer costs 1"});
  expect_rejected(change([](Json& s, Json&) { s["layers"][1]["widths"][0]["divergence"] = -1; }),
                  {"s.json:", "divergence", "-1"});
  expect_rejected(change([](Json& s, Json&) { s["layers"][2]["name"] = "a1"; }), {"s.json:", "'a1'", "twice"});
  expect_rejected(change([](Json& s, Json&) { s["layers"][1].erase("varies"); }), {"s.json:", "varies"});
  expect_rejected(change([](Json& s, Json&) { s["layers"][0]["recipe_bits"] = 3; }), {"s.json:", "'stem'", "3 bits"});
  expect_rejected(change([](Json&, Json& c) { c["layers"][1]["widths"][0]["costs"]["cycles"] = "x"; }),
                  {"c.json:", "cycles"});
  expect_rejected(change([](Json&, Json& c) { c["layers"][1]["widths"][0]["costs"].erase("cycles"); }),
                  {"c.json:", "found energy_uj, expected cycles, energy_uj"});
  expect_rejected(change([](Json&, Json& c) { c["layers"][1]["widths"][1]["bits"] = 2; }), {"c.json:", "twice"});
  CommandTest::write("c.json", "{\n\"format\": ");
  expect_rejected(assign("cycles=4000"), {"c.json"});
  fs::remove(folder_ / "s.json");
  expect_rejected(assign("cycles=4000"), {"s.json"});
}

TEST_F(QuantrunMixed, BadCommandLines) {
  put(sensitivity(), costs());
  expect_rejected(run({"--assign-bits", "out/mixed.yaml", "--sensitivity", "s.json"}), {"--costs"});
  expect_rejected(run({"--costs", "c.json"}), {"--assign-bits"});
  expect_rejected(assign("cycles=4000", {"--set", "norm=2"}), {"--set", "base.yaml"});
  expect_rejected(run({"--assign-bits", "out/mixed.yaml", "--sensitivity", "s.json", "--costs", "c.json", "--budget",
                       "cycles=4000"}),
                  {"--recipe"});
  expect_rejected(measure({"--output", "out/net.qnet"}), {"--sensitivity", "--output"});
  expect_rejected(measure({"--sensitivity-images", "0"}), {"--sensitivity-images"});
}

}  // namespace
}  // namespace shiftsim::quantizer
