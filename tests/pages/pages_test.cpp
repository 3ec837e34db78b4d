// Pages of runs in headless Chromium: nothing in the console, the numbers of the JSON, and names that do no harm.
#include "sim/pages/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/report/report.h"
#include "tests/cli/command.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr int kSkipped = 77;
constexpr const char* kHostile[] = {"</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>",
                                    "\"quoted\" & 'single' <!-- {{data}} \\u003c", "a, b\nc"};

class PagesTest : public test::CommandTest {
protected:
  /// What the script says of the folder's page.
  test::Outcome look(const std::string& script) const {
    return run_program("python3", {SHIFTSIM_SOURCE_DIR "/tests/pages/" + script, folder_.string()});
  }

  void expect_good(const std::string& script) const {
    const test::Outcome outcome = look(script);
    if (outcome.status == kSkipped) GTEST_SKIP() << outcome.out;
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  }

  /// A run of models/'s residual network with two test images, into the test's folder.
  void simulate(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"--network",  SHIFTSIM_PINNED_NETWORKS "/resnet_w4a4.qnet",
                                          "--config",   SHIFTSIM_SOURCE_DIR "/configs/pe16x16.yaml",
                                          "--fidelity", "transaction",
                                          "--set",      "dataset.test_images=2",
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
  hostile_report().write(folder_);
  expect_good("check_report_page.py");
}

TEST_F(PagesTest, NumbersOfARunAreThoseOfItsJson) {
  simulate({"--set", "run.images=2"});
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
  sim::Report(config, sim::load_technology(config.technology), {}, result).write(folder_);
  expect_good("check_report_page.py");
}

TEST_F(PagesTest, TheCheckSeesAWrongNumberAndAnError) {
  hostile_report().write(folder_);
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
