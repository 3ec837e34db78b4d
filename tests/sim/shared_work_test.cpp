// Rows that processes share: nothing twice, nothing lost, whoever is killed.
#include "sim/sweep/shared_work.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>

#include "common/read_file.h"
#include "tests/common/temporary_folder.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

std::string line(std::size_t row) {
  return fmt::format("row {}.", row);
}

class SharedWorkTest : public TemporaryFolder {
protected:
  SharedWork work(std::size_t rows, std::size_t block) const {
    return SharedWork(folder_ / "rows", rows, block,
                      [](const std::string& text, std::size_t row) { return text == line(row); });
  }
  std::vector<std::string> all(const SharedWork& work) const {
    std::vector<std::string> lines(work.size());
    work.read([&](std::size_t row, const std::string& text) { lines[row] = text; });
    return lines;
  }
};

TEST_F(SharedWorkTest, ComputesEveryRowOnce) {
  std::vector<int> computed(10);
  SharedWork first = work(10, 3);
  EXPECT_TRUE(first.work_off([&](std::size_t row) {
    ++computed[row];
    return line(row);
  }));
  SharedWork second = work(10, 3);
  EXPECT_EQ(second.rows_done(), 10u);
  EXPECT_TRUE(second.work_off([&](std::size_t row) {
    ++computed[row];
    return line(row);
  }));
  EXPECT_EQ(computed, std::vector<int>(10, 1));
  for (std::size_t row = 0; row < 10; ++row) EXPECT_EQ(all(second)[row], line(row));
}

TEST_F(SharedWorkTest, TakesUpWhatWasBegunAndCutsWhatWasBroken) {
  fs::create_directories(folder_ / "rows");
  put("rows/0000000.jsonl", line(0) + "\n" + line(1) + "\n" + "row 2");     // killed while it wrote
  put("rows/0000001.jsonl", line(3) + "\n" + std::string(8, '\0') + "\n");  // the power went
  std::vector<std::size_t> computed;
  SharedWork shared = work(6, 3);
  EXPECT_EQ(shared.rows_done(), 3u);
  EXPECT_TRUE(shared.work_off([&](std::size_t row) {
    computed.push_back(row);
    return line(row);
  }));
  EXPECT_EQ(computed, (std::vector<std::size_t>{2, 4, 5}));
  EXPECT_EQ(read_file(folder_ / "rows/0000001.jsonl"), line(3) + "\n" + line(4) + "\n" + line(5) + "\n");
}

TEST_F(SharedWorkTest, ABlockThatAnotherProcessHasIsLeftToItUntilItDies) {
  SharedWork shared = work(6, 3);
  std::array<int, 2> ready{};
  ASSERT_EQ(pipe(ready.data()), 0);
  const pid_t other = fork();
  if (other == 0) {
    SharedWork theirs = work(6, 3);
    theirs.work_off([&](std::size_t row) {
      if (row == 1) {
        if (write(ready[1], "x", 1) != 1) _exit(1);
        pause();  // holds the first block, with one row in it
      }
      return line(row);
    });
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  std::vector<std::size_t> computed;
  const auto compute = [&](std::size_t row) {
    computed.push_back(row);
    return line(row);
  };
  EXPECT_EQ(shared.blocks_taken(), 1u);
  EXPECT_FALSE(shared.work_off(compute));
  EXPECT_EQ(computed, (std::vector<std::size_t>{3, 4, 5}));
  EXPECT_EQ(shared.rows_done(), 4u);
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
  EXPECT_EQ(shared.blocks_taken(), 0u);
  EXPECT_TRUE(shared.work_off(compute));
  EXPECT_EQ(computed, (std::vector<std::size_t>{3, 4, 5, 1, 2})) << "the row that was there is not computed again";
}

TEST_F(SharedWorkTest, ManyProcessesComputeEveryRowOnce) {
  constexpr std::size_t kRows = 300;
  const fs::path log = folder_ / "log";
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    SharedWork theirs = work(kRows, 2);
    std::ofstream out(log, std::ios::app);
    theirs.work_off([&](std::size_t row) {
      out << row << std::endl;
      return line(row);
    });
    _exit(0);
  }
  for (const pid_t child : children) waitpid(child, nullptr, 0);
  std::vector<int> computed(kRows);
  std::ifstream in(log);
  for (std::size_t row = 0; in >> row;) ++computed[row];
  EXPECT_EQ(computed, std::vector<int>(kRows, 1));
  EXPECT_EQ(work(kRows, 2).rows_done(), kRows);
}

/// A limit on a file's size stands for a full disk: the system's answer to a write.
TEST_F(SharedWorkTest, AFullDiskIsAnErrorAndNothingIsLost) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10, 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      work(4, 4).work_off(line);
    } catch (const UserError& error) {
      _exit(std::string(error.what()).find("0000000.jsonl: cannot be written: ") != std::string::npos ? 0 : 2);
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(work(4, 4).rows_done(), 1u);
  EXPECT_TRUE(work(4, 4).work_off(line));
  EXPECT_EQ(work(4, 4).rows_done(), 4u);
}

}  // namespace
}  // namespace shiftsim::sim
