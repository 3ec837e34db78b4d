// Memory: what is needed at different times shares its place, and a run stays within its limit.
#include "quantizer/float/memory_budget.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "common/npy.h"
#include "quantizer/learn/arena_plan.h"
#include "tests/cli/command.h"
#include "tests/common/temporary_folder.h"
#include "tests/quantizer/onnx_builder.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

// ---- places in a block ----

TEST(ArenaPlan, KeepsApartWhatLivesAtTheSameTime) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<Lifetime> arrays(1 + random() % 30);
    for (Lifetime& array : arrays) {
      array.size = random() % 100;
      array.first = random() % 20;
      array.last = array.first + random() % 5;
    }
    const ArenaPlan plan = plan_arena(arrays);
    std::size_t least = 0;  // what lives at one time, at most
    for (std::size_t step = 0; step < 25; ++step) {
      std::size_t alive = 0;
      for (const Lifetime& array : arrays)
        if (array.first <= step && step <= array.last) alive += array.size;
      least = std::max(least, alive);
    }
    EXPECT_GE(plan.size, least);
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      if (arrays[i].size == 0) continue;
      EXPECT_EQ(plan.offsets[i] % ArenaPlan::kAlignment, 0u);
      EXPECT_LE(plan.offsets[i] + arrays[i].size, plan.size);
      for (std::size_t j = 0; j < i; ++j) {
        const bool together = arrays[j].first <= arrays[i].last && arrays[i].first <= arrays[j].last;
        const bool apart =
            plan.offsets[i] + arrays[i].size <= plan.offsets[j] || plan.offsets[j] + arrays[j].size <= plan.offsets[i];
        EXPECT_TRUE(!together || apart || arrays[j].size == 0) << i << " " << j;
      }
    }
  }
}

TEST(ArenaPlan, ReusesWhatIsFree) {
  // A chain: each array is made from the one before.
  std::vector<Lifetime> chain;
  for (std::size_t i = 0; i < 10; ++i) chain.push_back({160, i, i + 1});
  EXPECT_EQ(plan_arena(chain).size, 320u);
  EXPECT_EQ(plan_arena({}).size, 0u);
  EXPECT_EQ(plan_arena({{0, 0, 9}, {5, 0, 1}}).size, ArenaPlan::kAlignment);
}

// ---- the budget ----

TEST(MemoryBudget, GivesWhatIsLeft) {
  MemoryBudget budget(1000, 100);
  {
    const MemoryBudget::Share stage = budget.take(500);
    EXPECT_EQ(budget.taken(), 600u);
    EXPECT_EQ(budget.take_if_left(401).bytes(), 0u);
    MemoryBudget::Share all = budget.take_if_left(400);
    EXPECT_EQ(all.bytes(), 400u);
    MemoryBudget::Share moved = std::move(all);
    EXPECT_EQ(budget.taken(), 1000u);
    moved = budget.take(700);  // a stage gets what it must have
    EXPECT_EQ(budget.taken(), 1300u);
  }
  EXPECT_EQ(budget.taken(), 100u);
}

TEST(MemoryBudget, SaysWhatWouldBeEnough) {
  const std::size_t gigabyte = 1'000'000'000;
  const std::vector<StageMemory> stages{{"search", gigabyte}, {"network", 3 * gigabyte}, {"units", 2 * gigabyte}};
  const auto check = [&](double limit) {
    check_memory(MemoryBudget(static_cast<std::size_t>(limit * 1e9), gigabyte / 4), stages, 7);
  };
  expect_user_error([&] { check(2.5); }, {"memory.limit_gb", "found 2.5", "at least 2.76",
                                          "'network' takes 3.00 GB on 7 threads", "0.25 GB"});
  check(2.76);
  check(100);
}

// ---- the program ----

/// 16 convolutions over maps of 64x64x32: 9 MB an image and copy.
OnnxBuilder large_maps() {
  OnnxBuilder b;
  b.generator.seed(1);
  b.input("x", {0, 1, 64, 64});
  std::string x = "x";
  for (int i = 0; i < 16; ++i) {
    const std::string name = fmt::format("conv{}", i);
    b.conv(x, name, i == 0 ? 1 : 32, 32, 1);
    x = name + "_r";
    b.node("Relu", {name}, x);
  }
  b.node("GlobalAveragePool", {x}, "gap");
  b.node("Flatten", {"gap"}, "flat");
  b.random("fc.weight", {5, 32}, 0.5f);
  b.random("fc.bias", {5}, 0.5f);
  b.node("Gemm", {"flat", "fc.weight", "fc.bias"}, "logits", {{"transB", std::int64_t{1}}});
  b.output("logits");
  return b;
}

class Memory : public test::CommandTest {
protected:
  Memory() {
    large_maps().save(folder_ / "m.onnx");
    write_images(40);
    fs::create_directories(folder_ / "spilled");
  }

  void write_images(std::size_t count) const {
    const std::size_t shape[] = {count, 64, 64, 1};
    std::vector<std::uint8_t> pixels(count * 64 * 64);
    std::mt19937 random(1);
    for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random() % 256);
    write("images.npy", encode_npy(DType::kUInt8, shape, pixels.data()));
  }

  std::vector<std::string> arguments(const std::string& limit, const std::string& output,
                                     const std::string& threads = "2") const {
    std::vector<std::string> result{"--model", "m.onnx", "--calibration", "images.npy", "--recipe",  "best",
                                    "--bits",  "w4a4",   "--output",      output,       "--threads", threads};
    for (const std::string& setting :
         {fmt::format("memory={{limit_gb: {}, folder: {}}}", limit, (folder_ / "spilled").string()),
          std::string("calibration.images=40"), std::string("network.images=40"),
          std::string("reconstruction.iterations=1"), std::string("reconstruction.batch=4"),
          std::string("network.iterations=1"), std::string("network.batch=30"),
          std::string("network.exponent_moves=false")}) {
      result.emplace_back("--set");
      result.push_back(setting);
    }
    return result;
  }

  /// Runs quantrun and looks at its anonymous memory all the time; gives the peak, in bytes.
  std::size_t peak_anonymous(const std::vector<std::string>& arguments) const {
    const pid_t child = fork();
    if (child == 0) {
      std::string program = SHIFTSIM_QUANTRUN;
      std::vector<std::string> copies = arguments;
      std::vector<char*> argv{program.data()};
      for (std::string& argument : copies) argv.push_back(argument.data());
      argv.push_back(nullptr);
      const bool quiet = std::freopen((folder_ / ".err").c_str(), "w", stderr) != nullptr &&
                         std::freopen((folder_ / ".out").c_str(), "w", stdout) != nullptr;
      if (quiet && chdir(folder_.c_str()) == 0) execv(program.c_str(), argv.data());
      _exit(127);
    }
    std::size_t peak = 0;
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
      std::ifstream file(fmt::format("/proc/{}/status", child));
      for (std::string line; std::getline(file, line);)
        if (line.rfind("RssAnon:", 0) == 0)
          peak = std::max(peak, static_cast<std::size_t>(std::stoull(line.substr(8))) * 1024);
      usleep(1000);
    }
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << test::read_text(folder_ / ".err");
    return peak;
  }
};

/// The result does not depend on the limit. What one stage must have, a batch of 30 images through all layers at once
/// (9 MB a copy and image), comes on top of it.
TEST_F(Memory, GivesTheSameNetworkAtAnyLimit) {
  EXPECT_LT(peak_anonymous(arguments("0.05", "small.qnet")), 1'050'000'000u);
  EXPECT_TRUE(fs::is_empty(folder_ / "spilled"));
  peak_anonymous(arguments("16", "large.qnet"));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "small.qnet")) {
    const fs::path name = entry.path().filename();
    if (name == "network.yaml") continue;  // the hash of the recipe is in it, and the limit in the recipe
    EXPECT_EQ(test::read_text(entry.path()), test::read_text(folder_ / "large.qnet" / name)) << name;
    ++files;
  }
  EXPECT_GT(files, 5u);
}

/// Search and units alone, whose activations go to files: 26 MB a tensor and copy of 50 images. Far less than the 1 GB
/// that is promised comes on top of the limit.
TEST_F(Memory, StaysWithinItsLimit) {
  write_images(50);
  const auto peak = [&](const std::string& limit) {
    auto all = arguments(limit, limit + ".qnet");
    all.insert(all.end(), {"--set", "calibration.images=50", "--set", "network.iterations=0"});
    return peak_anonymous(all);
  };
  EXPECT_LT(peak("0.05"), 100'000'000u);
  EXPECT_GT(peak("16"), 130'000'000u) << "the limit kept nothing away";
}

TEST_F(Memory, ALimitThatIsTooSmallIsSaidAtOnce) {
  auto wide = arguments("0.05", "out.qnet", "4");
  wide.insert(wide.end(), {"--set", "network.batch=36", "--set", "network.held_out_images=4"});
  const auto outcome = run_program(SHIFTSIM_QUANTRUN, wide);
  EXPECT_EQ(outcome.status, 2);
  for (const char* word : {"memory.limit_gb: found 0.05, expected at least ", "'network'", "on 4 threads"})
    EXPECT_NE(outcome.err.find(word), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(folder_ / "out.qnet"));
  EXPECT_EQ(outcome.err.find("network stage:"), std::string::npos);
}

}  // namespace
}  // namespace shiftsim::quantizer
