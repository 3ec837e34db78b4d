// Pages of runs in headless Chromium: nothing in the console, the numbers of the JSON, and names that do no harm.
#include "sim/pages/pages.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "quantizer/pages/quantization_page.h"
#include "sim/report/report_files.h"
#include "tests/cli/command.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr int kSkipped = 77;
constexpr int kSide = 12;  // of the made-up sweep: points a side
constexpr const char* kHostile[] = {"</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>",
                                    "\"quoted\" & 'single' <!-- {{data}} \\u003c", "a, b\nc"};

class PagesTest : public test::CommandTest {
protected:
  /// What the script says of the folder's page.
  test::Outcome look(const std::string& script) const {
    return run_program("python3", {std::string(SHIFTSIM_SOURCE_DIR) + "/tests/pages/" + script, folder_.string()});
  }

  void expect_good(const std::string& script) const {
    const test::Outcome outcome = look(script);
    if (outcome.status == kSkipped) GTEST_SKIP() << outcome.out;
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  }

  void expect_told(const std::string& script, const std::string& words) const {
    const test::Outcome outcome = look(script);
    if (outcome.status == kSkipped) GTEST_SKIP() << outcome.out;
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.out, HasSubstr(words));
  }

  /// A run of models/'s residual network with two test images, into the test's folder.
  void simulate(const std::vector<std::string>& more) const {
    const std::string network = SHIFTSIM_PINNED_NETWORKS "/resnet_w4a4.qnet";
    const std::string config = SHIFTSIM_SOURCE_DIR "/configs/pe16x16.yaml";
    std::vector<std::string> arguments = {"--network",  network,         "--config", config,
                                          "--fidelity", "transaction",   "--set",    "dataset.test_images=2",
                                          "--output",   folder_.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const test::Outcome run = run_program(SHIFTSIM_SIMRUN, arguments);
    ASSERT_EQ(run.status, 0) << run.err;
  }

  /// A page or a JSON with 'from' replaced once.
  void spoil(const std::string& file, const std::string& from, const std::string& to) const {
    std::string text = test::read_text(folder_ / file);
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write(file, text.replace(at, from.size(), to));
  }
};

/// points.json of a made-up sweep: rows x columns of an array, of which every fifth does not fit. Names are hostile.
std::string points_json() {
  const auto text = [](const nlohmann::ordered_json& json) { return json.dump(); };
  nlohmann::ordered_json head = {
      {"format", 1}, {"sweep", kHostile[0]}, {"keys", {"network", "array.rows", "array.cols", "run.seed"}}};
  head["metrics"] = {{{"name", "cycles"}, {"unit", ""}, {"better", "less"}, {"meaning", "cycles an image"}},
                     {{"name", "energy"}, {"unit", "pJ"}, {"better", "less"}, {"meaning", "energy an image"}},
                     {{"name", "fps"}, {"unit", "images/s"}, {"better", "more"}, {"meaning", "images a second"}},
                     {{"name", "accuracy"}, {"unit", "%"}, {"better", "more"}, {"meaning", "not known"}}};
  head["pareto"] = {{{"metric", "cycles"}, {"better", "less"}}, {{"metric", "energy"}, {"better", "less"}}};
  std::string json = text(head);
  json.back() = ',';
  json += "\n\"points\":[";
  for (int i = 0; i < kSide * kSide; ++i) {
    const int rows = i / kSide + 1, cols = i % kSide + 1;
    nlohmann::ordered_json point = {{"point", i},
                                    {"values", {kHostile[i % 4], std::to_string(rows), std::to_string(cols), "1"}}};
    point["metrics"] = nullptr;
    if (i % 5 != 0) {
      point["metrics"] = {
          {"cycles", 1000000 / (rows * cols)}, {"energy", 1e6 / 3 * (rows + cols)}, {"fps", 0.7 * rows * cols}};
    }
    point["front"] = i % 5 != 0 && rows == cols;
    if (i % 5 == 0) point["reason"] = fmt::format("{} does not fit", kHostile[1]);
    point["command"] = fmt::format("simrun --set 'network={}' --set array.rows={}", kHostile[i % 4], rows);
    json += fmt::format("{}{}", i == 0 ? "\n" : ",\n", text(point));
  }
  return json + "\n],\n\"verified\":0,\"disagreements\":[],\"more_is_worse\":[]}\n";
}

/// The JSON that a page holds.
nlohmann::json data_of(const std::string& page) {
  const std::string open = "id=\"data\">";
  const std::size_t from = page.find(open) + open.size();
  return nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from));
}

/// A made-up run whose layers have these names.
sim::Report hostile_report() {
  const sim::RunConfig config = sim::load_config("", {});
  sim::RunResult result;
  std::int64_t macs = 1000;
  for (const char* name : kHostile) {
    sim::LayerResult layer;
    layer.name = name;
    layer.kind = "conv";
    layer.weight_bits = 4;
    layer.digits = 2;
    layer.macs = macs *= 7;
    layer.cycles = layer.macs / 50;
    layer.cause(sim::Cause::kRun) = layer.cycles - 7;
    layer.cause(sim::Cause::kWeights) = 7;
    layer.events.mac_digit_adds_active = layer.macs;
    layer.events.dram_read_bytes = 12345;
    layer.events.cycles = layer.cycles;
    result.cycles += layer.cycles;
    result.layers.push_back(layer);
  }
  result.images = 3;
  qnet::Network network;
  network.name = "</title><script>alert(3)</script>";
  return {config, sim::load_technology(config.technology), sim::summarize(network), result};
}

TEST_F(PagesTest, JsonCannotLeaveItsScript) {
  const std::string page = sim::report_page(R"({"name": "</script><script>alert(1)</script>{{page.css}}"})");
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr(R"({"name": "\u003c/script>\u003cscript>alert(1)\u003c/script>{{page.css}}"})"));
}

TEST_F(PagesTest, NothingIsLeftToFill) {
  const std::string page = sim::report_page("{}");
  EXPECT_THAT(page, HasSubstr("Chart.js v"));
  EXPECT_THAT(page, HasSubstr("Released under the MIT License"));
  for (const char* file : {"{{page.css}}", "{{report.js}}", "{{data}}"}) EXPECT_THAT(page, Not(HasSubstr(file)));
}

TEST_F(PagesTest, NamesOfLayersDoNoHarm) {
  sim::write_report(hostile_report(), folder_);
  expect_good("check_report_page.py");
}

TEST_F(PagesTest, NumbersOfARunAreThoseOfItsJson) {
  simulate({"--set", "run.images=2", "--set", "run.batch=2"});
  expect_good("check_report_page.py");
}

TEST_F(PagesTest, NumbersOfTheSecondLevelBufferAreThoseOfItsJson) {
  simulate({"--set", "l2.kib=64"});
  expect_good("check_report_page.py");
}

TEST_F(PagesTest, AGoldenRunHasAPageWithoutTiming) {
  sim::RunResult result;
  result.accuracy.quantized_percent = 90;
  const sim::RunConfig config = sim::load_config("", {"run.fidelity=golden"});
  sim::write_report({config, sim::load_technology(config.technology), {}, result}, folder_);
  expect_good("check_report_page.py");
}

TEST_F(PagesTest, NumbersOfASweepAreThoseOfItsJson) {
  write("points.json", points_json());
  write("index.html", sim::sweep_page(folder_ / "points.json"));
  expect_good("check_sweep_page.py");
}

TEST_F(PagesTest, SimrunWritesThePageOfASweep) {
  const std::string network = SHIFTSIM_PINNED_NETWORKS "/resnet_w4a4.qnet";
  const std::string base = SHIFTSIM_SOURCE_DIR "/configs/pe16x16.yaml";
  write("s.yaml", "base: " + base + "\naxes: {network: [" + network +
                      "], array.rows: [8, 16], array.lanes: [4, 5], dataset.test_images: [2]}\n");
  const test::Outcome run = run_program(SHIFTSIM_SIMRUN, {"sweep", "s.yaml", "--output", folder_.string() + "/out"});
  ASSERT_EQ(run.status, 0) << run.err;
  for (const char* file : {"points.json", "index.html"}) fs::copy_file(folder_ / "out" / file, folder_ / file);
  expect_good("check_sweep_page.py");
}

TEST_F(PagesTest, ASweepIsFilteredSortedAndShownByAnyAxis) {
  write("points.json", points_json());
  write("index.html", sim::sweep_page(folder_ / "points.json"));
  expect_good("check_sweep_use.py");
}

TEST_F(PagesTest, NumbersOfAQuantizationAreThoseOfItsJson) {
  const fs::path fashion = "/usr/share/datasets/fashion-mnist";
  const test::Outcome run =
      run_program(SHIFTSIM_QUANTRUN, {"--model",       SHIFTSIM_SOURCE_DIR "/models/resnet_fmnist.onnx",
                                      "--recipe",      "best",
                                      "--bits",        "w2a2",
                                      "--set",         "calibration.images=32",
                                      "--set",         "network.images=60",
                                      "--set",         "reconstruction.iterations=4",
                                      "--set",         "network.iterations=4",
                                      "--set",         "integer_weights=nearest",
                                      "--calibration", fashion / "train-images-idx3-ubyte.gz",
                                      "--output",      folder_ / "n.qnet",
                                      "--report",      folder_ / "quantization.json"});
  ASSERT_EQ(run.status, 0) << run.err;
  expect_good("check_quantization_page.py");
  spoil("quantization.json", "\"loss_after\": ", "\"loss_after\": 1");
  expect_told("check_quantization_page.py", " after: found ");
}

TEST_F(PagesTest, NamesOfAQuantizationDoNoHarm) {
  const nlohmann::ordered_json report = {{"network", kHostile[0]}, {"note", kHostile[2]}};
  const std::string page = quantizer::quantization_page(report.dump());
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_EQ(data_of(page), nlohmann::json(report));
}

TEST_F(PagesTest, TheSweepCheckSeesAWrongNumber) {
  write("points.json", points_json());
  write("index.html", sim::sweep_page(folder_ / "points.json"));
  spoil("points.json", "\"cycles\":500000", "\"cycles\":500001");
  expect_told("check_sweep_page.py", "cycles of point 1");
}

TEST_F(PagesTest, APageOfAllPointsHoldsThemAsTheyAre) {
  write("points.json", points_json());
  nlohmann::json page = data_of(sim::sweep_page(folder_ / "points.json"));
  EXPECT_EQ(page.at("left_out"), 0);
  page.erase("left_out");
  EXPECT_EQ(page, nlohmann::json::parse(points_json()));
}

TEST_F(PagesTest, APageOfManyPointsKeepsTheFront) {
  write("points.json", points_json());
  const nlohmann::json all = nlohmann::json::parse(points_json()).at("points");
  const nlohmann::json page = data_of(sim::sweep_page(folder_ / "points.json", 20));
  const auto on_front = [](const nlohmann::json& points) {
    return std::count_if(points.begin(), points.end(),
                         [](const nlohmann::json& p) { return p.at("front").get<bool>(); });
  };
  EXPECT_GT(on_front(all), 0);
  EXPECT_EQ(on_front(page.at("points")), on_front(all));
  EXPECT_LE(page.at("points").size(), 20u + static_cast<std::size_t>(on_front(all)));
  EXPECT_EQ(page.at("left_out"), all.size() - page.at("points").size());
}

TEST_F(PagesTest, TheCheckSeesAWrongNumberAndAnError) {
  sim::write_report(hostile_report(), folder_);
  if (look("check_report_page.py").status == kSkipped) GTEST_SKIP() << "chromium is not installed";
  spoil("report.json", "\"dram_read_bytes\": 12345", "\"dram_read_bytes\": 12346");
  const test::Outcome number = look("check_report_page.py");
  EXPECT_EQ(number.status, 1);
  EXPECT_THAT(number.out, HasSubstr("DRAM read"));
  spoil("report.json", "12346", "12345");
  spoil("index.html", "showSummary();\n", "throw new Error(\"on purpose\");\n");
  const test::Outcome error = look("check_report_page.py");
  EXPECT_EQ(error.status, 1);
  EXPECT_THAT(error.out, HasSubstr("on purpose"));
}

}  // namespace
}  // namespace shiftsim
