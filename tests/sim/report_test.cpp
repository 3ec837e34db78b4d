// Reports: the table's width, the summary, JSON and CSV of a made-up run.
#include "sim/report/report.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "common/error.h"
#include "sim/report/layer_table.h"
#include "sim/report/report_csv.h"
#include "sim/report/report_files.h"
#include "sim/report/report_json.h"
#include "sim/report/summary.h"
#include "sim/report/units.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

class ReportTest : public testing::Test {
protected:
  ReportTest() {
    technology_ = load_technology(SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml");
    network_.name = "made_up";
    network_.provenance.seed = 17;

    LayerResult conv;
    conv.name = "stage1.block0.conv1";
    conv.kind = "conv";
    conv.out_h = conv.out_w = 28;
    conv.out_c = 16;
    conv.kernel_h = conv.kernel_w = 3;
    conv.stride = 2;
    conv.weight_bits = 4;
    conv.digits = 2;
    conv.macs = 256000;
    conv.cycles = 4000;
    conv.cause(Cause::kRun) = 2000;
    conv.cause(Cause::kWeights) = 1900;
    conv.cause(Cause::kSetup) = 60;
    conv.cause(Cause::kDrain) = 40;
    conv.events.mac_digit_adds_active = 512000;
    conv.events.dram_read_bytes = 1000;
    conv.events.dram_write_bytes = 500;
    conv.events.cycles = conv.cycles;

    LayerResult pool;
    pool.name = "pool, \"max\"";
    pool.kind = "max_pool";
    pool.cycles = 1000;
    pool.cause(Cause::kRun) = 1000;
    pool.events.cycles = pool.cycles;

    result_.layers = {conv, pool};
    result_.cycles = 5000;
    result_.images = 2;
    result_.host_seconds = 0.01;
    result_.accuracy = {94.17, 10000, 93.25, 9325, 10000, 5.0};
    result_.values = {2, 4, 1234, 0, ""};
    result_.versions = {{"systemc", "2.3.4"}};
  }

  Report report() const { return Report(config_, technology_, summarize(network_), result_); }

  RunConfig config_ = load_config("", {"run.seed=5", "name=made_up"});
  Technology technology_;
  qnet::Network network_;
  RunResult result_;
};

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

TEST(Numbers, ShortNumbersTakeAtMostFiveCharacters) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(9999), "9999");
  EXPECT_EQ(short_number(9999.7), "10.0k");
  EXPECT_EQ(short_number(12345), "12.3k");
  EXPECT_EQ(short_number(99960), "100k");
  EXPECT_EQ(short_number(999600), "1.00M");
  EXPECT_EQ(short_number(4.567e9), "4.57G");
  for (double value = 1; value < 1e14; value *= 1.37) EXPECT_LE(short_number(value).size(), 5u) << value;
}

TEST(Numbers, Commas) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(-123456), "-123,456");
  EXPECT_EQ(with_commas(1234567890), "1,234,567,890");
}

/// What tells the layers of a network apart stands at the end of their names, in front, or in the middle.
TEST_F(ReportTest, LongNamesStayApart) {
  struct Case {
    const char *name, *other, *shown, *other_shown;
  };
  for (const Case& c :
       {Case{"backbone.stages.3.blocks.12.conv1", "backbone.stages.3.blocks.12.conv2", "~3.blocks.12.conv1",
             "~3.blocks.12.conv2"},
        Case{"features.5.shortcut.0", "features.7.shortcut.0", "~ures.5.shortcut.0", "~ures.7.shortcut.0"},
        Case{"features.5.inverted_residual.conv", "features.7.inverted_residual.conv", "features.5~al.conv",
             "features.7~al.conv"}}) {
    result_.layers[0].name = c.name;
    result_.layers[1].name = c.other;
    const std::string table = layer_table(report());
    EXPECT_NE(table.find(std::string(c.shown) + " "), std::string::npos) << table;
    EXPECT_NE(table.find(std::string(c.other_shown) + " "), std::string::npos) << table;
  }
}

TEST_F(ReportTest, TableFits120Columns) {
  // Names, sizes and counts as large as they come.
  LayerResult& layer = result_.layers[0];
  layer.name = "features.17.inverted_residual.very.long.name";
  layer.out_h = layer.out_w = 1024;
  layer.out_c = 1280;
  layer.kernel_h = layer.kernel_w = 11;
  layer.cycles = result_.cycles = 99999999;
  for (auto& cycles : layer.causes) cycles = 99999999;
  layer.macs = 1814073344;
  layer.events.dram_read_bytes = 123456789012;
  for (const std::string& line : lines(layer_table(report()))) EXPECT_LE(line.size(), 120u) << line;
  for (const std::string& line : lines(summary_text(report()))) EXPECT_LE(line.size(), 120u) << line;
}

TEST_F(ReportTest, TableShowsLayersAndTotals) {
  const std::vector<std::string> rows = lines(layer_table(report()));
  ASSERT_GE(rows.size(), 5u);
  // 256,000 MACs x 2 digits over 4,000 cycles x 256 lanes: 50 %.
  EXPECT_NE(rows[2].find("3x3/2 28x28x16"), std::string::npos) << rows[2];
  EXPECT_NE(rows[2].find(" 50%"), std::string::npos) << rows[2];
  EXPECT_NE(rows[2].find("4,000"), std::string::npos) << rows[2];
  EXPECT_NE(rows[2].find(" 1900 "), std::string::npos) << rows[2];
  EXPECT_NE(rows[2].find(" 1500 "), std::string::npos) << rows[2];
  EXPECT_EQ(rows[4].substr(0, 5), "total");
  EXPECT_NE(rows[4].find("5,000"), std::string::npos) << rows[4];
  EXPECT_NE(rows[4].find(" 40%"), std::string::npos) << rows[4];
}

TEST_F(ReportTest, SummaryIsPerImage) {
  const std::string text = summary_text(report());
  EXPECT_NE(text.find("float 94.17 % (10,000 images), quantized 93.25 % (10,000 images)"), std::string::npos) << text;
  EXPECT_NE(text.find("2,500 cycles an image: 5.0 us at 500 MHz, 200k images/s"), std::string::npos) << text;
  EXPECT_NE(text.find("a MAC counts as 2 operations"), std::string::npos) << text;
  EXPECT_NE(text.find("not run: no RTL was run"), std::string::npos) << text;
  EXPECT_NE(text.find("equal to the golden reference"), std::string::npos) << text;
  EXPECT_NE(text.find("SystemC only DRAM"), std::string::npos) << text;
}

TEST_F(ReportTest, AreaStandsInSummaryJsonAndCsv) {
  const Report r = report();
  const std::string text = summary_text(r);
  EXPECT_NE(text.find(fmt::format("area         {:.3f} mm2: ", r.area().total())), std::string::npos) << text;
  EXPECT_NE(text.find(" MHz\n"), std::string::npos) << text;
  EXPECT_NE(text.find(fmt::format("{:.1f} GOPS/mm2", r.gops_per_mm2())), std::string::npos) << text;
  // 512,000 operations in 5,000 cycles of 2 ns.
  EXPECT_NEAR(r.gops_per_mm2(), 51.2 / r.area().total(), 1e-9);

  const auto json = report_json(r);
  EXPECT_NEAR(json["area"]["gops_per_mm2"].get<double>(), r.gops_per_mm2(), 1e-9);
  EXPECT_NEAR(json["area"]["total_mm2"].get<double>(), r.area().total(), 1e-9);
  double parts = 0;
  for (const auto& part : json["inventory"]) parts += part["area_mm2"].get<double>();
  EXPECT_NEAR(parts, r.area().total(), 1e-9);
  // The first layer: 512,000 operations in 4,000 cycles.
  EXPECT_NEAR(json["layers"][0]["gops_per_mm2"].get<double>(), 64 / r.area().total(), 1e-9);

  const std::vector<std::string> rows = lines(components_csv(r));
  ASSERT_EQ(rows.size(), kComponents + 1);
  EXPECT_EQ(rows[0], "component,mm2,pj");
  EXPECT_EQ(rows[1], fmt::format("pe_array,{:.10g},{:.10g}", r.area()[Component::kPeArray],
                                 r.total_energy()[Component::kPeArray]));
}

TEST_F(ReportTest, SummarySaysWhatWasComputedAndWhatWasKept) {
  const std::string computed = summary_text(report());
  EXPECT_NE(computed.find("host         500k cycles a second simulated, 0.01 s; golden reference 5.00 s\n"),
            std::string::npos)
      << computed;
  result_.accuracy.kept = true;
  const std::string kept = summary_text(report());
  EXPECT_NE(kept.find("quantized 93.25 % (10,000 images), kept from an earlier run of 5.00 s\n"), std::string::npos)
      << kept;
  EXPECT_EQ(kept.find("golden reference 5.00 s"), std::string::npos) << kept;
  for (const std::string& line : lines(kept)) EXPECT_LE(line.size(), 120u) << line;
}

/// Of an engine that only counts cycles nobody may read that its values are right.
TEST_F(ReportTest, ValuesThatWereNotComputedAreNotCalledEqual) {
  result_.values = {};
  const std::string text = summary_text(report());
  EXPECT_EQ(text.find("equal to the golden reference"), std::string::npos) << text;
  EXPECT_NE(text.find("values       not compared"), std::string::npos) << text;
}

TEST_F(ReportTest, JsonHasWhatToolsRead) {
  result_.lockstep = {"pass", "all ports", 2, 5000, 123456, 999, "", "", {}};
  const auto json = report_json(report());
  EXPECT_EQ(json["accuracy"]["float"], 94.17);
  EXPECT_EQ(json["accuracy"]["quantized"], 93.25);
  EXPECT_EQ(json["accuracy"]["images"], 10000);
  EXPECT_EQ(json["cycles"]["total"], 5000);
  EXPECT_DOUBLE_EQ(json["energy"]["total_pj"].get<double>(), report().total_energy().total());
  EXPECT_EQ(json["lockstep"]["verdict"], "pass");
  EXPECT_EQ(json["lockstep"]["comparisons"], 123456);
  EXPECT_EQ(json["seeds"]["run"], 5);
  EXPECT_EQ(json["seeds"]["network"], 17);
  EXPECT_EQ(json["versions"]["systemc"], "2.3.4");
  EXPECT_TRUE(json["versions"].contains("git"));
  EXPECT_EQ(json["configuration"]["array"]["rows"], 16);
  ASSERT_EQ(json["layers"].size(), 2u);
  EXPECT_EQ(json["layers"][0]["cycles_by_cause"]["weights"], 1900);
  EXPECT_EQ(json["layers"][0]["events"]["mac_digit_adds_active"], 512000);
  double pj = 0;
  for (const auto& layer : json["layers"]) {
    double parts = 0;
    for (const auto& [name, value] : layer["energy"]["components_pj"].items()) parts += value.get<double>();
    EXPECT_NEAR(parts, layer["energy"]["total_pj"].get<double>(), 1e-6);
    pj += parts;
  }
  EXPECT_NEAR(pj, json["energy"]["total_pj"].get<double>(), 1e-6);
  // 512,000 operations over the energy in pJ are TOPS/W.
  EXPECT_NEAR(json["energy"]["tops_per_watt"].get<double>(), 512000 / pj, 1e-9);
}

TEST_F(ReportTest, WhatDidNotRunIsNull) {
  result_.layers.clear();
  result_.cycles = result_.images = 0;
  result_.accuracy.float_percent = -1;
  const auto json = report_json(report());
  EXPECT_TRUE(json["accuracy"]["float"].is_null());
  EXPECT_TRUE(json["cycles"]["total"].is_null());
  EXPECT_TRUE(json["energy"]["total_pj"].is_null());
  EXPECT_EQ(json["lockstep"]["verdict"], "not run");
  EXPECT_EQ(json["lockstep"]["comparisons"], 0);
  EXPECT_TRUE(json["layers"].empty());
  EXPECT_TRUE(layer_table(report()).empty());
}

TEST_F(ReportTest, CsvHasAsManyFieldsAsItsHeader) {
  const std::vector<std::string> rows = lines(layers_csv(report()));
  ASSERT_EQ(rows.size(), 3u);
  const auto fields = [](const std::string& row) {
    bool quoted = false;
    std::size_t count = 1;
    for (const char c : row) {
      if (c == '"') quoted = !quoted;
      count += c == ',' && !quoted;
    }
    return count;
  };
  EXPECT_EQ(fields(rows[1]), fields(rows[0]));
  EXPECT_EQ(fields(rows[2]), fields(rows[0]));
  EXPECT_EQ(rows[2].substr(0, 24), "\"pool, \"\"max\"\"\",max_pool");
}

TEST_F(ReportTest, WritesItsFilesAndNothingElse) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("shiftsim_report_{}", getpid());
  write_report(report(), folder / "deep");
  std::ifstream in(folder / "deep/report.json");
  const auto json = nlohmann::json::parse(in);
  EXPECT_EQ(json["cycles"]["total"], 5000);
  EXPECT_GT(fs::file_size(folder / "deep/layers.csv"), 100u);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder / "deep")) ++files;
  EXPECT_EQ(files, 4u) << "nothing temporary is left";
  fs::remove_all(folder);
}

}  // namespace
}  // namespace shiftsim::sim
