// What this process takes: that memory which is touched, mapped or freed again is counted as such.
#include "common/resident_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "tests/common/temporary_folder.h"

namespace shiftsim {
namespace {

constexpr std::size_t kBytes = std::size_t{64} << 20, kTolerance = std::size_t{4} << 20;

/// Pages of a file of 'folder', or anonymous ones where it is empty, all of them touched.
class Touched {
public:
  explicit Touched(const std::filesystem::path& folder = {}) {
    int file = -1;
    if (!folder.empty()) {
      file = open((folder / "pages").c_str(), O_RDWR | O_CREAT, 0600);
      EXPECT_EQ(ftruncate(file, kBytes), 0);
    }
    const int kind = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    place_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, kind, file, 0);
    EXPECT_NE(place_, MAP_FAILED);
    std::memset(place_, 1, kBytes);
    if (file >= 0) close(file);
  }
  ~Touched() { munmap(place_, kBytes); }
  Touched(const Touched&) = delete;
  Touched& operator=(const Touched&) = delete;

private:
  void* place_;
};

class Resident : public TemporaryFolder {};

TEST_F(Resident, TellsAnonymousFromMappedPages) {
  const ResidentMemory before = resident_memory();
  EXPECT_GT(before.anonymous, 0u);
  {
    const Touched anonymous;
    const ResidentMemory now = resident_memory();
    EXPECT_NEAR(static_cast<double>(now.anonymous - before.anonymous), kBytes, kTolerance);
    EXPECT_NEAR(static_cast<double>(now.mapped), static_cast<double>(before.mapped), kTolerance);
  }
  const Touched mapped(folder_);
  const ResidentMemory now = resident_memory();
  EXPECT_NEAR(static_cast<double>(now.anonymous), static_cast<double>(before.anonymous), kTolerance);
  EXPECT_NEAR(static_cast<double>(now.mapped - before.mapped), kBytes, kTolerance);
  EXPECT_EQ(now.total(), now.anonymous + now.mapped);
}

TEST_F(Resident, WatchSeesWhatIsFreedAgain) {
  MemoryWatch watch;
  const MemoryWatch::Peak before = watch.take();
  {
    const Touched anonymous;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  {
    const Touched mapped(folder_);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  const MemoryWatch::Peak peak = watch.take();
  EXPECT_NEAR(static_cast<double>(peak.anonymous - before.anonymous), kBytes, kTolerance);
  EXPECT_NEAR(static_cast<double>(peak.total - before.total), kBytes, kTolerance);
  const MemoryWatch::Peak after = watch.take();
  EXPECT_NEAR(static_cast<double>(after.anonymous), static_cast<double>(before.anonymous), kTolerance);
}

}  // namespace
}  // namespace shiftsim
