// What a sweep file says: conditions, axes, points. What is made of rows: the front, and where more is worse.
#include "sim/sweep/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "sim/config/settings.h"
#include "sim/sweep/metrics.h"
#include "sim/sweep/more_is_worse.h"
#include "sim/sweep/pareto.h"
#include "sim/sweep/points.h"
#include "sim/sweep/sweep_plan.h"
#include "tests/common/temporary_folder.h"

namespace shiftsim::sim {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

bool holds(const std::string& text, const std::vector<std::string>& values = {}) {
  const Expression expression(text);
  std::vector<ExpressionValue> found;
  for (const std::string& value : values) found.push_back(expression_value(value));
  std::vector<const ExpressionValue*> pointers;
  for (const ExpressionValue& value : found) pointers.push_back(&value);
  return expression.holds(pointers);
}

TEST(Expression, BindsAsArithmeticDoes) {
  EXPECT_TRUE(holds("1 + 2 * 3 == 7"));
  EXPECT_TRUE(holds("(1 + 2) * 3 == 9"));
  EXPECT_TRUE(holds("10 - 4 - 3 == 3"));
  EXPECT_TRUE(holds("16 / 4 / 2 == 2"));
  EXPECT_TRUE(holds("7 / 2 == 3.5"));
  EXPECT_TRUE(holds("-3 + 5 == 2 and 17 % 5 == 2"));
  EXPECT_TRUE(holds("1 < 2 or 1 / 0 == 1")) << "'or' looks no further than it must";
  EXPECT_FALSE(holds("1 > 2 and 1 / 0 == 1"));
  EXPECT_TRUE(holds("not 1 > 2 and 2 >= 2 and 2 <= 2 and 1 != 2"));
  EXPECT_TRUE(holds("1 == 1 or 1 == 1 and 1 == 2")) << "'and' binds more than 'or'";
}

TEST(Expression, TakesKeysAndTexts) {
  EXPECT_EQ(Expression("array.rows % array.lanes == 0 and array.rows > 4").keys(),
            (std::vector<std::string>{"array.rows", "array.lanes"}));
  EXPECT_TRUE(holds("array.rows % array.lanes == 0", {"16", "4"}));
  EXPECT_FALSE(holds("array.rows % array.lanes == 0", {"16", "3"}));
  EXPECT_TRUE(holds("array.lanes == 'auto' or array.lanes > 2", {"auto"}));
  EXPECT_TRUE(holds("quantize.bits != \"w2a4\"", {"w4a4"}));
  EXPECT_FALSE(holds("array.lanes == 4", {"auto"}));
}

TEST(Expression, SaysWhatIsWrong) {
  expect_user_error([] { Expression("1 +"); }, {"the end at column 4", "expected a key"});
  expect_user_error([] { Expression("array.rows = 4"); }, {"'= 4' at column 12", "operator"});
  expect_user_error([] { Expression("(1 == 1"); }, {"expected ')'"});
  expect_user_error([] { Expression("system('rm')"); }, {"'('rm')' at column 7"});
  expect_user_error([] { Expression("x == 'auto"); }, {"closing quote"});
  expect_user_error([] { Expression(std::string(5000, '(')); }, {"brackets deep"});
  expect_user_error([] { holds("1 / 0 == 1"); }, {"division by zero"});
  expect_user_error([] { holds("1.5 % 2 == 1"); }, {"1.5 % 2", "integers"});
  expect_user_error([] { holds("a + 1 == 2", {"auto"}); }, {"a is the text 'auto', expected a number"});
  expect_user_error([] { holds("1 + 1"); }, {"the number 2, expected a condition"});
  expect_user_error([] { holds("a and 1 == 1", {"3"}); }, {"expected a condition"});
}

class SweepFile : public TemporaryFolder {
protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    put("base.yaml", "name: b\nnetwork: base.qnet\narray: {rows: 16, cols: 16, lanes: 4}\n");
  }

  Sweep read(const std::string& text, const std::vector<std::string>& set = {}) const {
    const std::filesystem::path file = put("sweep.yaml", text);
    return read_sweep(file, file, set);
  }
  void expect_error(const std::string& text, std::initializer_list<std::string> words) const {
    expect_user_error([&] { SweepPlan(read(text), folder_ / "results"); }, words);
  }
  /// The values of all points.
  std::vector<std::vector<std::string>> values(const Sweep& sweep) const {
    const Points points(sweep);
    std::vector<std::vector<std::string>> all;
    for (std::size_t point = 0; point < points.size(); ++point) {
      all.push_back(written_values(sweep, points.steps(point)));
    }
    return all;
  }
};

using Values = std::vector<std::vector<std::string>>;

TEST_F(SweepFile, PointsAreTheProductOfTheAxesTheLastOneFastest) {
  const Sweep sweep =
      read("base: base.yaml\naxes:\n  array.rows: [8, 16]\n  dram.bytes_per_cycle: {from: 4, to: 16, times: 2}\n");
  EXPECT_EQ(sweep.name, "sweep");
  EXPECT_EQ(values(sweep), (Values{{"8", "4"}, {"8", "8"}, {"8", "16"}, {"16", "4"}, {"16", "8"}, {"16", "16"}}));
  // Those of a range of decimals are the decimals.
  EXPECT_EQ(values(read("axes: {clock_mhz: {from: 0.1, to: 0.7, step: 0.1}}\n")),
            (Values{{"0.1"}, {"0.2"}, {"0.3"}, {"0.4"}, {"0.5"}, {"0.6"}, {"0.7"}}));
}

TEST_F(SweepFile, ZipMovesKeysTogether) {
  const Sweep sweep = read("zip: [{array.rows: [8, 16], array.cols: [4, 32]}]\naxes: {array.lanes: [1, 2]}\n");
  EXPECT_EQ(sweep.keys(), (std::vector<std::string>{"array.lanes", "array.rows", "array.cols"}));
  EXPECT_EQ(values(sweep), (Values{{"1", "8", "4"}, {"1", "16", "32"}, {"2", "8", "4"}, {"2", "16", "32"}}));
}

TEST_F(SweepFile, WhereTakesKeysOfAxesAndOfTheBase) {
  EXPECT_EQ(values(read("base: base.yaml\naxes: {array.lanes: [auto, 3, 4, 8]}\nwhere: "
                        "array.lanes == 'auto' or array.rows % array.lanes == 0\n")),
            (Values{{"auto"}, {"4"}, {"8"}}));
  expect_error("axes: {array.lanes: [auto, 3]}\n\nwhere:\n- array.rows % array.lanes == 0\n",
               {"sweep.yaml:3: where:", "array.lanes is the text 'auto'"});
  expect_error("axes: {array.rows: [8]}\nwhere: array.rows % array.lanes == 0\n", {"array.lanes is the text 'auto'"});
  expect_error("axes: {array.rows: [8]}\nwhere: array.rwos == 8\n",
               {"sweep.yaml:2: where: array.rwos: unknown key; did you mean 'array.rows'?"});
  expect_error("axes: {array.rows: [8]}\nwhere: array.rows == 9\n", {"no point meets"});
}

TEST_F(SweepFile, RandomDrawsWithoutRepetition) {
  const std::string axes = "axes: {array.rows: {from: 4, to: 64, step: 1}, array.cols: {from: 4, to: 64, step: 1}}\n";
  const auto drawn = [&](const std::string& random) { return values(read(axes + "random: " + random + "\n")); };
  const Values some = drawn("{points: 50, seed: 3}");
  EXPECT_EQ(some.size(), 50u);
  EXPECT_EQ(std::set<std::vector<std::string>>(some.begin(), some.end()).size(), 50u);
  EXPECT_EQ(some, drawn("{points: 50, seed: 3}"));
  EXPECT_NE(some, drawn("{points: 50, seed: 4}"));
  EXPECT_EQ(drawn("{points: 100000}").size(), 61u * 61u) << "all there are";
  // More combinations than can be gone through.
  const std::string many =
      "axes: {array.rows: {from: 4, to: 64, step: 1}, array.cols: {from: 4, to: 64, step: 1}, dram.latency_cycles: "
      "{from: 1, to: 100000, step: 25}}\nwhere: array.rows % 2 == 0\nrandom: {points: 20}\n";
  const Values few = values(read(many));
  EXPECT_EQ(few.size(), 20u);
  for (const auto& point : few) EXPECT_EQ(std::stoi(point[0]) % 2, 0);
}

TEST_F(SweepFile, PathsCountFromTheFileAndCommandsWorkAnywhere) {
  const Sweep sweep = read("base: base.yaml\naxes: {network: [a.qnet, sub/b.qnet], array.rows: [8]}\nengine: cycle\n",
                           {"clock_mhz=250"});
  const SweepPlan plan(sweep, folder_ / "results");
  EXPECT_EQ(plan.config(1).network, (folder_ / "sub/b.qnet").string());
  EXPECT_EQ(plan.config(1).accelerator.clock_mhz, 250);
  EXPECT_EQ(plan.config(1).accelerator.array.rows, 8);
  EXPECT_EQ(plan.command(1), fmt::format("simrun --config {0}/base.yaml --set clock_mhz=250 --set run.fidelity=cycle "
                                         "--set network={0}/sub/b.qnet --set array.rows=8",
                                         folder_.string()));
  EXPECT_EQ(plan.accuracies().size(), 2u) << "one a network, whatever the array";
  EXPECT_EQ(plan.accuracies()[plan.accuracy_of(1)].network, (folder_ / "sub/b.qnet").string());
}

TEST_F(SweepFile, BaseKeysInPlace) {
  const SweepPlan plan(read("base:\n  include: base.yaml\n  array: {rows: 32}\n  dataset: {images: i.npy}\n"
                            "axes: {array.cols: [8]}\n"),
                       folder_ / "results");
  EXPECT_EQ(plan.config(0).accelerator.array.rows, 32);
  EXPECT_EQ(plan.config(0).accelerator.array.lanes, 4);
  EXPECT_EQ(plan.config(0).images, (folder_ / "i.npy").string());
  expect_error("base:\n  array:\n    rwos: 32\naxes: {array.cols: [8]}\n",
               {"sweep.yaml:3: base.array.rwos: unknown key; did you mean 'rows'?"});
  const SweepPlan fixed(read("base:\n  mapping: {objective: cycles, layers: {features.3.conv1: {rows: 4, held: 2}}}\n"
                             "axes: {array.cols: [8]}\n"),
                        folder_ / "results");
  EXPECT_EQ(fixed.config(0).mapping.layers.at("features.3.conv1").held, 2);
  expect_error("base:\n  mapping:\n    objective: [cycles, energy]\naxes: {array.cols: [8]}\n",
               {"sweep.yaml:3: base.mapping.objective: found 2 values, expected one"});
  expect_error("base:\n  array:\n    rows: [8, 16]\naxes: {array.cols: [8]}\n",
               {"sweep.yaml:3:", "2 values, expected one"});
}

TEST_F(SweepFile, NetworksToMakeAreMadeOnceEach) {
  put("q.yaml", "quantize: {model: m.onnx, calibration: c.npy, recipe: nearest}\n");
  const SweepPlan plan(read("base: q.yaml\naxes: {array.rows: [8, 16], quantize.bits: [w2a4, w4a4]}\n"),
                       folder_ / "results");
  ASSERT_EQ(plan.networks().size(), 2u);
  EXPECT_EQ(plan.networks()[1].network, folder_ / "results/networks/m_nearest_w4a4.qnet");
  EXPECT_EQ(plan.networks()[1].quantize.bits, "w4a4");
  EXPECT_EQ(plan.config(3).network, plan.networks()[1].network.string());
  EXPECT_EQ(plan.command(3).find("quantize"), std::string::npos);
  EXPECT_EQ(plan.accuracies().size(), 2u);
  expect_error("base: base.yaml\naxes: {quantize.bits: [w2a4]}\n", {"quantize.model", "missing"});
  expect_error("base: q.yaml\naxes: {quantize.bits: [w2a4], network: [a.qnet]}\n", {"exclude each other"});
}

TEST_F(SweepFile, BadInputNamesFileAndLine) {
  expect_error("axes:\n  array.rwos: [8]\n", {"sweep.yaml:2: axes.array.rwos: unknown key; did you mean 'rows'?"});
  expect_error("axes:\n  array.rows: []\n", {"sweep.yaml:2: axes.array.rows: found an empty list"});
  expect_error("axes:\n  array.rows: [8, eight]\n",
               {"sweep.yaml:2: axes.array.rows: found 'eight', expected an integer"});
  expect_error("axes:\n  array.rows: [8, 128]\n", {"sweep.yaml:2:", "found '128', expected an integer in [4, 64]"});
  expect_error("axes:\n  array.rows: {from: 4, to: 64}\n", {"sweep.yaml:2:", "one of 'times' and 'step'"});
  expect_error("axes:\n  array.rows: {from: 4, to: 64, times: 1}\n",
               {"sweep.yaml:2:", "found 1, expected more than 1"});
  expect_error("axes:\n  array.rows: {from: 8, to: 4, step: 1}\n", {"sweep.yaml:2:", "found 4, expected 'from' (8)"});
  expect_error("axes:\n  array.rows: {from: 4, to: 8, step: 1, spte: 2}\n", {"sweep.yaml:2:", "'step'?"});
  expect_error("axes: {array.rows: [8]}\nzip:\n- array.rows: [8]\n", {"sweep.yaml:3:", "has an axis already"});
  expect_error("zip:\n- {array.rows: [8, 16], array.cols: [8]}\n", {"found 1 values, expected 2, as array.rows has"});
  expect_error("base: base.yaml\n", {"no axes"});
  expect_error("base: none.yaml\naxes: {array.rows: [8]}\n", {"sweep.yaml:1: base: there is no file", "none.yaml"});
  expect_error("axes: {array.rows: [8]}\nengin: cycle\n", {"sweep.yaml:2: engin: unknown key; did you mean 'engine'?"});
  expect_error("axes: {array.rows: [8]}\nengine: cycel\n", {"sweep.yaml:2: engine:", "did you mean 'cycle'?"});
  expect_error("axes: {run.fidelity: [cycle]}\nengine: cycle\n", {"sweep.yaml:2:", "said twice"});
  expect_error("axes: {array.rows: [8]}\npareto: [cycles, enrgy]\n",
               {"sweep.yaml:2: pareto:", "did you mean 'energy'?"});
  expect_error("axes: {array.rows: [8]}\npareto: [cycles, max:cycles]\n", {"cycles stands there twice"});
  expect_error("axes: {array.rows: [8]}\npareto: [most:gops]\n", {"min:METRIC or max:METRIC"});
  expect_error("axes: {array.rows: [8]}\nverify: all\n", {"sweep.yaml:2: verify:", "none, front"});
  expect_error(
      "axes:\n  dram.latency_cycles: {from: 1, to: 5000, step: 1}\n  lockstep.wave_cycles: {from: 0, to: 2500, step: "
      "1}\n",
      {"sweep.yaml:1: axes: found 12505000 points, expected at most 10000000"});
}

TEST_F(SweepFile, ParetoMetricsHaveABetterWay) {
  const auto front = [&](const std::string& pareto) {
    return read("axes: {array.rows: [8]}\npareto: " + pareto + "\n").pareto;
  };
  EXPECT_FALSE(front("[cycles, accuracy]")[0].more_is_better);
  EXPECT_TRUE(front("[cycles, accuracy]")[1].more_is_better);
  EXPECT_TRUE(front("[max:cycles]")[0].more_is_better);
  EXPECT_FALSE(front("{gops: min}")[0].more_is_better);
  EXPECT_EQ(front("energy")[0].metric, metric_index("energy"));
}

Row row(double cycles, double energy, double accuracy = kUnknown) {
  Row row{Row::State::kRun, std::vector<double>(metrics().size(), kUnknown), "", ""};
  row.metrics[metric_index("cycles")] = cycles;
  row.metrics[metric_index("energy")] = energy;
  row.metrics[metric_index("accuracy")] = accuracy;
  return row;
}

TEST(Pareto, FrontIsWhatNothingBeats) {
  const std::vector<ParetoMetric> both = {{metric_index("cycles"), false}, {metric_index("energy"), false}};
  std::vector<Row> rows = {row(5, 5), row(3, 7), row(3, 8), row(7, 3), row(6, 6), row(5, 5)};
  rows.push_back(Row{Row::State::kUnfit, {}, "", "too small"});
  rows.emplace_back();
  EXPECT_EQ(pareto_front(rows, both), (std::vector<std::size_t>{1, 0, 5, 3}));
  const std::vector<ParetoMetric> accurate = {{metric_index("cycles"), false}, {metric_index("accuracy"), true}};
  EXPECT_EQ(pareto_front({row(5, 0, 90), row(4, 0, 91), row(9, 0, 92), row(1, 0)}, accurate),
            (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(known_metrics(rows, accurate).size(), 1u) << "no row has an accuracy";
  EXPECT_TRUE(pareto_front({}, both).empty());
}

TEST(Row, LinesReadBack) {
  Row written = row(1.0 / 3, 1e300);
  written.digest = "00ff";
  const auto read = Row::parse(written.line(7), 7);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->metrics[0], 1.0 / 3);
  EXPECT_EQ(read->digest, "00ff");
  EXPECT_TRUE(std::isnan(read->metrics[metric_index("accuracy")]));
  EXPECT_FALSE(Row::parse(written.line(7), 8)) << "another row";
  EXPECT_FALSE(Row::parse(written.line(7).substr(0, 40), 7)) << "cut";
  EXPECT_FALSE(Row::parse("[]", 7));
  EXPECT_FALSE(Row::parse(std::string(30, '\0'), 7));
  EXPECT_EQ(Row::parse(Row{Row::State::kUnfit, {}, "", "no \"room\""}.line(0), 0)->reason, "no \"room\"");
}

TEST_F(SweepFile, MoreIsWorseNamesThePair) {
  const SweepPlan plan(
      read("axes: {scratchpad.weight_kib: [192, 48, 96], dram.latency_cycles: [60, 30], array.rows: [8]}\n"),
      folder_ / "results");
  // Points in the order of the axes: (192, 60), (192, 30), (48, 60), (48, 30), (96, 60), (96, 30).
  std::vector<Row> rows = {row(1000, 0), row(1030, 0), row(1000, 0), row(900, 0), row(1019, 0), row(910, 0)};
  const std::vector<MoreIsWorse> found = more_is_worse(plan, rows);
  // The latency 30 costs 3 % over 60 at 192 KiB; 192 KiB cost 14.4 % over 48 KiB at 30. 1.9 and 1.1 % are allowed.
  ASSERT_EQ(found.size(), 2u);
  for (const MoreIsWorse& pair : found) EXPECT_EQ(pair.richer, 1u);
  EXPECT_EQ(found[0].key, "scratchpad.weight_kib");
  EXPECT_EQ(found[0].poorer, 3u);
  EXPECT_NEAR(found[0].excess, 1030.0 / 900 - 1, 1e-12);
  EXPECT_EQ(found[1].key, "dram.latency_cycles");
  EXPECT_EQ(found[1].poorer, 0u);
  rows[1] = Row{Row::State::kUnfit, {}, "", "does not fit"};
  EXPECT_TRUE(more_is_worse(plan, rows).empty());
}

TEST(MoreIsWorse, ResourcesAreKeys) {
  for (const Resource& resource : resources()) {
    const auto known = std::count_if(settings().begin(), settings().end(),
                                     [&](const auto& setting) { return setting.path == resource.key; });
    EXPECT_EQ(known, 1) << resource.key;
  }
}

}  // namespace
}  // namespace shiftsim::sim
