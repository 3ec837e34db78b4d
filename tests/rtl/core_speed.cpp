// How many cycles a second a Verilated core runs (of CPU time, one thread) with every lane busy: core_speed LIBRARY.so
// [SECONDS]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

#include "tests/rtl/core_driver.h"

int main(int argc, char** argv) {
  using namespace shiftsim::test;
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s LIBRARY.so [SECONDS]\n", argv[0]);
    return 2;
  }
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2.0;
  const CoreLibrary library(argv[1]);
  const ShiftsimCoreInfo info = library.Info();
  const int depth = static_cast<int>(std::min({info.act_depth, info.wgt_depth, uint32_t{256}}));
  const int subs = static_cast<int>((info.n + info.l - 1) / info.l);
  std::mt19937 random(1);
  CoreDriver driver(library, 1);
  const auto noise = [&](int count) {
    std::vector<Word> words(count, driver.ReadWord());
    for (Word& word : words) {
      for (uint32_t& part : word) part = static_cast<uint32_t>(random());
    }
    return driver.AddRead(words);
  };

  // INT8 weights (four planes), every lane of every PE busy, a pixel drained every 4 * cw_n * subs cycles.
  const int cw_n = std::max(1, depth / (4 * subs));
  LoadCommand load;
  load.m_tile = 60000;
  load.tw = 60000;
  load.count = load.win_len = depth;
  load.dma_id = noise(depth);
  driver.Load(load);
  load.target = shiftsim::sim::Target::kWgt;
  driver.Load(load);
  load.target = shiftsim::sim::Target::kTab;
  load.count = static_cast<int>(std::min(info.tab_depth, (info.n + info.q - 1) / info.q));
  load.signal = 1;
  load.dma_id = noise(load.count);
  driver.Load(load);
  ComputeCommand compute;
  compute.acq_tab = 1;
  compute.planes = 4;
  compute.seg = 60000;
  compute.m_tile = compute.tw = 60000;
  compute.x_inc = 0;
  compute.cw_n = cw_n;
  compute.sub_last = subs;
  for (int i = 0; i < 100; ++i) {
    driver.Compute(compute);
    compute.acq_tab = 0;
  }
  driver.Run(2000);
  const std::clock_t start = std::clock();
  const int64_t first = driver.Cycles();
  double elapsed = 0;
  while (elapsed < seconds) {
    driver.Run(10000);
    elapsed = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  }
  const auto cycles = static_cast<double>(driver.Cycles() - first);
  const int64_t busy = driver.ExStates()[7];
  std::printf("%.3f million cycles/s, %.1f %% of the cycles issue a step\n", cycles / elapsed / 1e6,
              100.0 * static_cast<double>(busy) / static_cast<double>(driver.Cycles()));
  return 0;
}
