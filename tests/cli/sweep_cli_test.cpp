// simrun sweep on the command line: results, processes that share a folder, every kind of bad input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/cli/tiny_network.h"

namespace shiftsim {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SweepTest : public test::TinyNetworkTest {
protected:
  SweepTest() {
    write("base.yaml",
          "network: tiny.qnet\ndataset: {images: images.npy, labels: labels.npy}\nrun: {results: results}\n");
    write("s.yaml",
          "base: base.yaml\n"
          "axes:\n  array.rows: [4, 8, 16]\n  array.lanes: [1, 2, 3]\n  dram.bytes_per_cycle: [4, 16]\n"
          "engine: cycle\n");
  }

  test::Outcome sweep(std::vector<std::string> arguments, bool quiet = true) const {
    if (quiet) arguments.insert(arguments.begin(), "-q");
    arguments.insert(arguments.begin(), "sweep");
    return run_program(SHIFTSIM_SIMRUN, arguments);
  }
  void expect_bad_input(const std::vector<std::string>& arguments, const std::vector<std::string>& parts) const {
    const test::Outcome outcome = sweep(arguments);
    EXPECT_EQ(outcome.status, 2) << outcome.out << outcome.err;
    for (const std::string& part : parts) EXPECT_THAT(outcome.err, HasSubstr(part));
  }
  nlohmann::json json(const std::string& folder = "results/s") const {
    return nlohmann::json::parse(test::read_text(folder_ / folder / "points.json"));
  }
  std::string files(const std::string& folder) const {
    std::string all;
    for (const char* name : {"points.csv", "front.csv", "points.json"}) all += test::read_text(folder_ / folder / name);
    return all;
  }
};

TEST_F(SweepTest, APointIsWhatItsCommandGives) {
  const test::Outcome outcome = sweep({"s.yaml"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("s: 18 points, 6 do not fit"), HasSubstr("array.lanes  dram.bytes_per_cycle")));
  const nlohmann::json sweep_json = json();
  ASSERT_EQ(sweep_json["points"].size(), 18u);
  std::size_t compared = 0;
  for (const nlohmann::json& point : sweep_json["points"]) {
    if (point["metrics"].is_null()) {
      EXPECT_EQ(point["values"][1], "3") << "3 lanes divide neither 4, 8 nor 16 rows";
      EXPECT_THAT(point["reason"], HasSubstr("array.lanes: 3 lanes do not fit"));
      continue;
    }
    EXPECT_EQ(point["metrics"]["accuracy"], 95);
    if (point["point"] != 3 && point["point"] != 16) continue;
    // The words of the command, which has nothing to quote here.
    std::istringstream words(point["command"].get<std::string>());
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    ASSERT_EQ(arguments.front(), "simrun");
    arguments.front() = "-q";
    const test::Outcome alone = run_program(SHIFTSIM_SIMRUN, arguments);
    EXPECT_EQ(alone.status == 0, true) << alone.err;
    const auto report = nlohmann::json::parse(test::read_text(folder_ / "results/base/report.json"));
    EXPECT_EQ(point["metrics"]["cycles"], report["cycles"]["total"]);
    EXPECT_EQ(point["metrics"]["seconds"], report["cycles"]["seconds_per_image"]);
    EXPECT_EQ(point["metrics"]["energy"], report["energy"]["per_image_pj"]);
    EXPECT_EQ(point["metrics"]["tops_per_watt"], report["energy"]["tops_per_watt"]);
    EXPECT_EQ(point["metrics"]["accuracy"], report["accuracy"]["quantized"]);
    std::int64_t bytes = 0;
    for (const auto& layer : report["layers"]) bytes += layer["dram_bytes"].get<std::int64_t>();
    EXPECT_EQ(point["metrics"]["dram_bytes"], bytes);
    ++compared;
  }
  EXPECT_EQ(compared, 1u) << "point 16 does not fit";
  // The front: nothing has fewer cycles and less energy.
  for (const nlohmann::json& point : sweep_json["points"]) {
    if (point["metrics"].is_null()) continue;
    bool beaten = false;
    for (const nlohmann::json& other : sweep_json["points"]) {
      if (other["metrics"].is_null()) continue;
      const auto cost = [](const nlohmann::json& of, const char* metric) {
        return of["metrics"][metric].get<double>();
      };
      beaten |= cost(other, "cycles") <= cost(point, "cycles") && cost(other, "energy") <= cost(point, "energy") &&
                (cost(other, "cycles") < cost(point, "cycles") || cost(other, "energy") < cost(point, "energy"));
    }
    EXPECT_EQ(point["front"], !beaten) << point["point"];
  }
}

TEST_F(SweepTest, ResultsAreTheSameAtAnyNumberOfWorkersAndNothingIsRepeated) {
  ASSERT_EQ(sweep({"s.yaml", "--workers", "1"}).status, 0);
  const std::string one = files("results/s");
  const auto first_row = fs::last_write_time(folder_ / "results/s/rows/points/0000000.jsonl");
  const test::Outcome again = sweep({"s.yaml", "--workers", "3"}, false);
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.err, HasSubstr("18 of 18 points are there already"));
  EXPECT_TRUE(files("results/s") == one);
  EXPECT_EQ(fs::last_write_time(folder_ / "results/s/rows/points/0000000.jsonl"), first_row);
  ASSERT_EQ(sweep({"s.yaml", "--workers", "4", "--output", "four"}).status, 0);
  EXPECT_TRUE(files("four") == one);
}

/// Three processes on one folder, one of them killed on the way, as is one's worker.
TEST_F(SweepTest, ProcessesShareAFolderWhoeverIsKilled) {
  write("many.yaml",
        "base: base.yaml\naxes:\n  array.rows: {from: 4, to: 64, step: 1}\n  array.lanes: [1]\n"
        "  dram.latency_cycles: [1, 30, 60, 1000]\nengine: cycle\n");
  ASSERT_EQ(sweep({"many.yaml", "--output", "alone"}).status, 0);
  const std::vector<std::string> shared = {"sweep", "-q", "many.yaml", "--output", "shared", "--workers", "1"};
  const pid_t victim = start_program(SHIFTSIM_SIMRUN, shared);
  const pid_t other = start_program(SHIFTSIM_SIMRUN, shared);
  const auto begun = [&] {
    std::error_code none;
    const fs::directory_iterator rows(folder_ / "shared/rows/points", none);
    return std::distance(fs::begin(rows), fs::end(rows)) > 20;
  };
  for (int i = 0; i < 3000 && !begun(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  kill(victim, SIGKILL);
  int status = 0;
  waitpid(victim, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it had ended before it could be killed";
  EXPECT_EQ(waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(sweep({"--collect", "shared"}).status, 0);
  EXPECT_TRUE(files("shared") == files("alone"));
  EXPECT_THAT(sweep({"--status", "shared"}).out, AllOf(HasSubstr("244 (100.0 %)"), HasSubstr("0 processes")));
}

TEST_F(SweepTest, StatusAndCollectOfAnUnfinishedSweep) {
  ASSERT_EQ(sweep({"s.yaml"}).status, 0);
  const std::string whole = files("results/s");
  for (const char* name : {"points.csv", "points.json", "front.csv", "rows/points/0000002.jsonl"}) {
    fs::remove(folder_ / "results/s" / name);
  }
  const test::Outcome status = sweep({"--status", "results/s"});
  EXPECT_EQ(status.status, 0) << status.err;
  EXPECT_THAT(status.out, AllOf(HasSubstr("18 points"), HasSubstr("17 (94.4 %)"), HasSubstr("--join")));
  const test::Outcome collected = sweep({"--collect", "results/s"});
  EXPECT_EQ(collected.status, 0) << collected.err;
  EXPECT_THAT(collected.out, HasSubstr("1 not run yet"));
  EXPECT_EQ(json()["points"].size(), 17u);
  ASSERT_EQ(sweep({"--join", "results/s"}).status, 0);
  EXPECT_TRUE(files("results/s") == whole);
}

TEST_F(SweepTest, FrontIsVerified) {
  write("v.yaml", test::read_text(folder_ / "s.yaml") + "verify: front\n");
  const test::Outcome outcome = sweep({"v.yaml"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("of the front in cycle: equal"));
  EXPECT_EQ(json("results/v")["disagreements"].size(), 0u);
  EXPECT_GT(json("results/v")["verified"], 0);
  // A row that tells another figure than the engine is found.
  const auto front = json("results/v")["points"];
  std::size_t point = 0;
  while (!front[point]["front"].get<bool>()) ++point;
  const fs::path file = folder_ / fmt::format("results/v/rows/points/{:07}.jsonl", point);
  auto row = nlohmann::ordered_json::parse(test::read_text(file));
  row["metrics"]["seconds"] = 1e-9;
  std::ofstream(file) << row.dump() << "\n";
  const test::Outcome wrong = sweep({"v.yaml"});
  EXPECT_EQ(wrong.status, 3) << wrong.out;
  EXPECT_THAT(wrong.out, AllOf(HasSubstr("NOT EQUAL"), HasSubstr(fmt::format("point {}: seconds: 1e-09 here", point))));
  EXPECT_EQ(json("results/v")["disagreements"][0]["point"], point);
}

TEST_F(SweepTest, AFolderBelongsToOneSweep) {
  ASSERT_EQ(sweep({"s.yaml"}).status, 0);
  const std::string before = files("results/s");
  expect_bad_input({"s.yaml", "--set", "clock_mhz=100"}, {"results/s: belongs to another sweep", "--set"});
  write("other.yaml", "base: base.yaml\naxes: {array.rows: [4]}\nengine: cycle\n");
  expect_bad_input({"other.yaml", "--output", "results/s"},
                   {"belongs to another sweep", "sweep.yaml is not other.yaml"});
  write("full/letter.txt", "dear");
  expect_bad_input({"s.yaml", "--output", "full"}, {"full: holds other files"});
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "full"), {}), 1);
  expect_bad_input({"--join", "full"}, {"full: is no folder of a sweep"});
  expect_bad_input({"--status", "nowhere"}, {"nowhere: is no folder of a sweep"});
  // Another network of the same name gives other rows.
  network_.layers[1].bias[0] += 1000000;
  qnet::write(network_, folder_ / "tiny.qnet");
  expect_bad_input({"s.yaml"}, {"belongs to another sweep", "tiny.qnet is not what it was"});
  expect_bad_input({"--join", "results/s"}, {"tiny.qnet is not what it was"});
  EXPECT_TRUE(files("results/s") == before);
}

TEST_F(SweepTest, BadInput) {
  expect_bad_input({}, {"FILE"});
  expect_bad_input({"none.yaml"}, {"none.yaml"});
  expect_bad_input({"s.yaml", "--join", "x"}, {"--join"});
  expect_bad_input({"s.yaml", "--workers", "-1"}, {"--workers"});
  expect_bad_input({"s.yaml", "--set", "array.rwos=4"}, {"--set", "did you mean 'rows'?"});
  write("bad.yaml", "base: base.yaml\naxes:\n  array.rwos: [4]\n");
  expect_bad_input({"bad.yaml"}, {"bad.yaml:3: axes.array.rwos: unknown key; did you mean 'rows'?"});
  write("bad.yaml", "base: base.yaml\naxes:\n  network: [tiny.qnet, none.qnet]\n");
  expect_bad_input({"bad.yaml"}, {"none.qnet"});
  write("bad.yaml", "base: base.yaml\naxes: {run.images: [1]}\ndataset: {}\n");
  expect_bad_input({"bad.yaml"}, {"bad.yaml:3: dataset: unknown key"});
  EXPECT_FALSE(fs::exists(folder_ / "results/s"));
  const test::Outcome help = sweep({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("--slurm"), HasSubstr("pareto"), HasSubstr("tops_per_watt")));
}

/// A limit on the size of files stands for a full disk: the system's answer to a write.
TEST_F(SweepTest, WhatCannotBeWrittenIsAnError) {
  write("blocked", "a file");
  expect_bad_input({"s.yaml", "--output", "blocked/inside"}, {"blocked"});
  ASSERT_EQ(sweep({"s.yaml"}).status, 0);
  const std::string whole = files("results/s");
  fs::remove(folder_ / "results/s/points.csv");
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{2500, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  expect_bad_input({"s.yaml"}, {"results/s/points.csv: cannot be written: "});
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_FALSE(fs::exists(folder_ / "results/s/points.csv"));
  ASSERT_EQ(sweep({"s.yaml"}).status, 0);
  EXPECT_TRUE(files("results/s") == whole);
}

}  // namespace
}  // namespace shiftsim
