// Activations of a layer on disk, where memory does not hold them.
#include "quantizer/float/activation_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdint>
#include <filesystem>

#include "tests/common/temporary_folder.h"

namespace shiftsim::quantizer {
namespace {

namespace fs = std::filesystem;

class Activations : public TemporaryFolder {};

TEST_F(Activations, SpillBeyondTheLimitOnly) {
  MemoryBudget budget(1000 * sizeof(float));
  ActivationMemory memory(budget, folder_);
  auto first = memory.allocate(600);
  EXPECT_FALSE(first.spilled());
  auto second = memory.allocate(600);
  EXPECT_TRUE(second.spilled());
  EXPECT_FALSE(memory.allocate(400).spilled());  // fills the limit, and is freed at once
  EXPECT_EQ(budget.taken(), 600 * sizeof(float));
  for (const auto* block : {&first, &second}) {
    ASSERT_EQ(block->size(), 600u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block->data()) % 64, 0u);
    for (const float value : block->values()) ASSERT_EQ(value, 0.0f);
  }
  second.data()[599] = 7;
  auto moved = std::move(second);
  EXPECT_EQ(moved.data()[599], 7.0f);
  EXPECT_TRUE(moved.spilled());
  EXPECT_TRUE(fs::is_empty(folder_));  // a spilled block's file has no name
  moved = {};
  EXPECT_EQ(budget.taken(), 600 * sizeof(float));
  first = {};
  EXPECT_EQ(budget.taken(), 0u);
  EXPECT_FALSE(memory.allocate(1000).spilled());
  EXPECT_TRUE(memory.allocate(0).empty());
}

TEST_F(Activations, NeedAFolderThatCanBeWritten) {
  MemoryBudget nothing(0);
  ActivationMemory nowhere(nothing, folder_ / "none");
  expect_user_error([&] { nowhere.allocate(10); }, {(folder_ / "none").string(), "No such file"});
  const fs::path file = put("file", "");
  ActivationMemory in_a_file(nothing, file);
  expect_user_error([&] { in_a_file.allocate(10); }, {file.string(), "Not a directory"});
}

TEST_F(Activations, ReportADiskWithoutRoom) {
  // A limit on the size of files stands for the full disk.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  MemoryBudget nothing(0);
  ActivationMemory memory(nothing, folder_);
  expect_user_error([&] { memory.allocate(1 << 20); }, {folder_.string(), "no room"});
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace shiftsim::quantizer
