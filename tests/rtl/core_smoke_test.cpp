// Hand-made commands computing small layers on the Verilated core alone, against the direct computation of the
// integer contract. The lockstep tests compare every cycle with the SystemC core; here only values count.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tests/rtl/core_driver.h"
#include "tests/rtl/ppu_reference.h"

namespace shiftsim::test {
namespace {

using sim::Mode;
using sim::Target;

// A layer of one output-channel group, computed for several ifmaps one after the other. No padding: the DMA's.
struct Layer {
  Mode mode = Mode::kConv;
  int channels = 1;  // input channels; N in the other modes
  int in_h = 4, in_w = 4, kernel = 1, stride = 1;
  int planes = 1;  // 2 bits of weight each
  bool act_signed = false, has_offset = false, has_res = false, res_signed = false, wide = false;
  int tiles = 3;
};

int Uniform(std::mt19937& random, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(random);
}

int64_t Wrap(int64_t value, uint32_t bits) {
  const uint32_t up = 64 - bits;
  return static_cast<int64_t>(static_cast<uint64_t>(value) << up) >> up;
}

void RunLayer(const CoreLibrary& library, const Layer& layer, uint32_t seed, uint32_t hold) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const ShiftsimCoreInfo info = library.Info();
  const int P = static_cast<int>(info.p), N = static_cast<int>(info.n), L = static_cast<int>(info.l),
            Q = static_cast<int>(info.q);
  std::mt19937 random(seed);
  CoreDriver driver(library, seed);

  const int out_h = (layer.in_h - layer.kernel) / layer.stride + 1;
  const int out_w = (layer.in_w - layer.kernel) / layer.stride + 1;
  const int pixels = out_h * out_w;
  const int seg = (pixels + P - 1) / P;
  const int cw_n = (layer.channels + N - 1) / N;
  const int taps = layer.kernel * layer.kernel;
  const int subs = (N + L - 1) / L;
  const int sub_last = layer.mode == Mode::kConv ? (layer.channels - (cw_n - 1) * N + L - 1) / L : 1;

  // Weights [n][tap][channel], and the words of their digit planes, most significant first.
  const int span = 1 << (2 * layer.planes - 1);
  const int weights_per_tap = layer.mode == Mode::kConv ? layer.channels : 1;
  std::vector<int> weights(N * taps * weights_per_tap);
  for (int& weight : weights) weight = Uniform(random, -span, span - 1);
  const auto weight_at = [&](int n, int tap, int channel) {
    return weights[(n * taps + tap) * weights_per_tap + channel];
  };
  std::vector<Word> weight_words;
  for (int plane = layer.planes - 1; plane >= 0; --plane) {
    for (int tap = 0; tap < taps; ++tap) {
      for (int cw = 0; cw < cw_n; ++cw) {
        const int words = layer.mode != Mode::kConv ? 1 : cw == cw_n - 1 ? sub_last : subs;
        for (int sub = 0; sub < words; ++sub) {
          Word word = driver.ReadWord();
          for (int n = 0; n < N; ++n) {
            for (int l = 0; l < L; ++l) {
              const int channel = layer.mode == Mode::kConv ? cw * N + sub * L + l : l;
              if (channel >= weights_per_tap || sub * L + l >= N) continue;
              const int weight = weight_at(n, tap, channel);
              PutBits(word.data(), 2 * (n * L + l), 2, weight >> (2 * plane));
            }
          }
          weight_words.push_back(word);
        }
      }
    }
  }

  // The words behind plane 0 put their top bits into its carries, which are to be ignored: noise.
  const int carry_stride = static_cast<int>(weight_words.size()) / layer.planes;
  for (int i = 0; i < carry_stride; ++i) {
    Word word = driver.ReadWord();
    for (int n = 0; n < N * L; ++n) PutBits(word.data(), 2 * n, 2, Uniform(random, 0, 3));
    weight_words.push_back(word);
  }

  std::vector<TableEntry> table(N);
  for (TableEntry& entry : table) {
    entry.bias = Uniform(random, -5000, 5000);
    entry.n = layer.wide ? Uniform(random, -4, 0) : Uniform(random, -2, 11);
    if (entry.n > 0) entry.bias += 1 << (entry.n - 1);
    entry.c = Uniform(random, -8, 7);
    entry.rs = Uniform(random, -4, 6);
    entry.hi = Uniform(random, 0, 255);
  }
  const int lo = Uniform(random, 0, 1) ? -128 : 0;
  std::vector<Word> table_words;
  for (int first = 0; first < N; first += Q) {
    Word word = driver.ReadWord();
    for (int lane = 0; lane < Q && first + lane < N; ++lane) PackEntry(table[first + lane], word.data(), 56 * lane);
    table_words.push_back(word);
  }

  LoadCommand load_weights;
  load_weights.target = Target::kWgt;
  load_weights.half = Uniform(random, 0, 1);
  load_weights.acquire = load_weights.signal = 1;
  load_weights.base = 2;
  load_weights.carry_stride = carry_stride;
  load_weights.count = static_cast<int>(weight_words.size());
  load_weights.dma_id = driver.AddRead(weight_words);
  driver.Load(load_weights);
  LoadCommand load_table;
  load_table.target = Target::kTab;
  load_table.half = Uniform(random, 0, 1);
  load_table.acquire = load_table.signal = 1;
  load_table.base = 1;
  load_table.count = static_cast<int>(table_words.size());
  load_table.dma_id = driver.AddRead(table_words);
  driver.Load(load_table);

  // The widest window of a segment, in words.
  int rows = 0;
  for (int p = 0; p < P; ++p) rows = std::max(rows, (p * seg % out_w + seg - 1) / out_w + 1);
  const int row_words = layer.in_w * cw_n;
  const int win_len = ((rows - 1) * layer.stride + layer.kernel) * row_words;
  ASSERT_LE(win_len, static_cast<int>(info.act_depth));
  ASSERT_LE(static_cast<int>(weight_words.size()) + 2, static_cast<int>(info.wgt_depth));
  const int words_per_pixel = layer.wide ? 4 : 1;
  ASSERT_LE(pixels * words_per_pixel + 3, static_cast<int>(info.out_depth));

  std::vector<std::vector<int>> expected;
  for (int tile = 0; tile < layer.tiles; ++tile) {
    std::vector<int> input(layer.in_h * layer.in_w * layer.channels);
    for (int& value : input) value = layer.act_signed ? Uniform(random, -128, 127) : Uniform(random, 0, 255);
    const auto input_at = [&](int y, int x, int channel) {
      return input[(y * layer.in_w + x) * layer.channels + channel];
    };
    std::vector<Word> input_words;
    for (int y = 0; y < layer.in_h; ++y) {
      for (int x = 0; x < layer.in_w; ++x) {
        for (int cw = 0; cw < cw_n; ++cw) {
          Word word = driver.ReadWord();
          for (int n = 0; n < N && cw * N + n < layer.channels; ++n) {
            PutBits(word.data(), 8 * n, 8, input_at(y, x, cw * N + n));
          }
          input_words.push_back(word);
        }
      }
    }
    std::vector<int> residual(pixels * N);
    for (int& value : residual) value = layer.res_signed ? Uniform(random, -128, 127) : Uniform(random, 0, 255);
    std::vector<Word> residual_words;
    for (int f = 0; f < pixels; ++f) {
      Word word = driver.ReadWord();
      for (int n = 0; n < N; ++n) PutBits(word.data(), 8 * n, 8, residual[f * N + n]);
      residual_words.push_back(word);
    }

    LoadCommand load;
    load.half = tile % 2;
    load.acquire = load.signal = 1;
    load.barrier = tile > 0 && tile % 2 == 0;  // behind the store of the tile before
    load.count = static_cast<int>(input_words.size());
    load.dma_id = driver.AddRead(input_words);
    load.seg = seg;
    load.m_tile = pixels;
    load.tw = out_w;
    load.seg_x = seg % out_w;
    load.seg_xa = load.seg_x * layer.stride * cw_n;
    load.tw_xa = out_w * layer.stride * cw_n;
    load.seg_off = seg / out_w * layer.stride * row_words;
    load.row_off = layer.stride * row_words;
    load.win_len = win_len;
    driver.Load(load);
    if (layer.has_res) {
      LoadCommand load_residual;
      load_residual.target = Target::kRes;
      load_residual.half = tile % 2;
      load_residual.acquire = load_residual.signal = 1;
      load_residual.base = 1;
      load_residual.count = pixels;
      load_residual.dma_id = driver.AddRead(residual_words);
      driver.Load(load_residual);
    }

    ComputeCommand compute;
    compute.mode = layer.mode;
    compute.act_signed = layer.act_signed;
    compute.has_offset = layer.has_offset;
    compute.has_res = layer.has_res;
    compute.res_signed = layer.res_signed;
    compute.wide = layer.wide;
    compute.act_half = compute.res_half = compute.out_half = tile % 2;
    compute.wgt_half = load_weights.half;
    compute.tab_half = load_table.half;
    compute.acq_act = compute.acq_out = compute.rel_act = compute.sig_out = 1;
    compute.acq_res = compute.rel_res = layer.has_res;
    compute.acq_wgt = compute.acq_tab = tile == 0;
    compute.rel_wgt = compute.rel_tab = tile == layer.tiles - 1;
    compute.planes = layer.mode == Mode::kMax ? 1 : layer.planes;
    compute.seg = seg;
    compute.m_tile = pixels;
    compute.tw = out_w;
    compute.x_inc = layer.stride * cw_n;
    compute.row_inc = layer.stride * row_words - (out_w - 1) * layer.stride * cw_n;
    compute.sub_last = sub_last;
    compute.cw_n = cw_n;
    compute.kx_n = compute.ky_n = layer.kernel;
    compute.inc_kx = 1;
    compute.inc_ky = row_words - (layer.kernel * cw_n - 1);
    compute.wgt_base = load_weights.base;
    compute.tab_base = load_table.base;
    compute.res_base = 1;
    compute.out_base = 3;
    compute.lo = lo;
    driver.Compute(compute);

    StoreCommand store;
    store.half = tile % 2;
    store.acquire = store.rel_out = 1;
    store.sig_layer = tile % 2;
    store.base = 3;
    store.count = pixels * words_per_pixel;
    store.dma_id = tile;
    driver.Store(store);

    std::vector<int> output;  // bytes in the order of the words
    for (int f = 0; f < pixels; ++f) {
      std::vector<int32_t> wide(N);
      for (int n = 0; n < N; ++n) {
        int64_t a = 0, s = 0;
        for (int tap = 0; tap < taps; ++tap) {
          const int y = f / out_w * layer.stride + tap / layer.kernel;
          const int x = f % out_w * layer.stride + tap % layer.kernel;
          if (layer.mode == Mode::kConv) {
            for (int channel = 0; channel < layer.channels; ++channel) {
              a += input_at(y, x, channel) * weight_at(n, tap, channel);
              s += input_at(y, x, channel);
            }
          } else if (layer.mode == Mode::kDepthwise) {
            a += input_at(y, x, n) * weight_at(n, tap, 0);
          } else {
            a = tap == 0 ? input_at(y, x, n) : std::max<int64_t>(a, input_at(y, x, n));
          }
        }
        PpuInput ppu{Wrap(a, info.acc_w), Wrap(s, info.acc_w), residual[f * N + n], layer.has_offset, layer.has_res};
        wide[n] = PpuShifted(ppu, table[n]);
        if (!layer.wide) output.push_back(std::max(lo, std::min<int32_t>(wide[n], table[n].hi)) & 255);
      }
      for (int pass = 0; layer.wide && pass < 4; ++pass) {
        for (int n = 0; n < N; ++n) output.push_back((wide[n] >> (8 * pass)) & 255);
      }
    }
    expected.push_back(output);
  }

  ASSERT_TRUE(driver.Run(2'000'000, hold)) << "the core hangs";
  // These layers are drawn without a compiler that refuses sums too large for the accumulator.
  if (driver.Failure().find("AccumulatorHoldsTheSum") == std::string::npos) {
    EXPECT_EQ(driver.Failure(), "");
  }
  for (int tile = 0; tile < layer.tiles; ++tile) {
    const std::vector<Word>& words = driver.Written(tile);
    ASSERT_EQ(words.size(), expected[tile].size() / N);
    for (std::size_t i = 0; i < expected[tile].size(); ++i) {
      const int byte = static_cast<int>(words[i / N][i % N / 4] >> (8 * (i % N % 4))) & 255;
      ASSERT_EQ(byte, expected[tile][i]) << "tile " << tile << ", word " << i / N << ", channel " << i % N;
    }
  }
  // 1 cycle of set-up and seg * max(T, D) steps of each command: the fewest cycles, whatever is held back.
  const int64_t t = int64_t{layer.mode == Mode::kMax ? 1 : layer.planes} * taps * ((cw_n - 1) * subs + sub_last);
  EXPECT_EQ(driver.ExStates()[7], layer.tiles * seg * t);
  EXPECT_EQ(driver.ExStates()[6], layer.tiles);
}

// Where the libraries are: of the build, or others (mutants) by the environment.
std::string Folder() {
  const char* folder = std::getenv("SHIFTSIM_RTL_LIBRARIES");
  return folder != nullptr ? folder : SHIFTSIM_RTL_LIBRARIES;
}

class CoreSmoke : public testing::TestWithParam<std::string> {
protected:
  CoreSmoke() : library_(Folder() + "/" + GetParam() + ".so") {}
  CoreLibrary library_;
};

TEST_P(CoreSmoke, OneByOneConvolution) {
  Layer layer;
  layer.channels = static_cast<int>(library_.Info().n);
  for (uint32_t seed = 1; seed <= 4; ++seed) RunLayer(library_, layer, seed, 0);
}

TEST_P(CoreSmoke, ThreeByThreeConvolution) {
  Layer layer;
  layer.channels = static_cast<int>(library_.Info().n) + 1;
  layer.in_h = 7;
  layer.in_w = 6;
  layer.kernel = 3;
  layer.planes = 2;
  for (uint32_t seed = 1; seed <= 4; ++seed) RunLayer(library_, layer, seed, 0);
}

TEST_P(CoreSmoke, RandomLayers) {
  for (uint32_t seed = 100; seed < 180; ++seed) {
    std::mt19937 random(seed);
    const int n = static_cast<int>(library_.Info().n);
    Layer layer;
    layer.mode = static_cast<Mode>(Uniform(random, 0, 2));
    layer.channels = layer.mode == Mode::kConv ? Uniform(random, 1, 2 * n + 1) : n;
    layer.kernel = Uniform(random, 1, 3);
    layer.stride = Uniform(random, 1, 2);
    layer.in_h = Uniform(random, layer.kernel, 8);
    layer.in_w = Uniform(random, layer.kernel, 8);
    layer.planes = Uniform(random, 1, 4);
    layer.act_signed = Uniform(random, 0, 1);
    layer.has_offset = layer.mode == Mode::kConv && Uniform(random, 0, 1);
    layer.has_res = Uniform(random, 0, 1);
    layer.res_signed = Uniform(random, 0, 1);
    layer.wide = Uniform(random, 0, 3) == 0;
    layer.tiles = Uniform(random, 1, 5);
    RunLayer(library_, layer, seed, Uniform(random, 0, 1) ? Uniform(random, 1, 200) : 0);
    if (HasFatalFailure()) return;
  }
}

TEST_P(CoreSmoke, InstancesAreIndependent) {
  // Two cores of one library, interleaved: one stands still while the other one works.
  CoreDriver idle(library_, 5);
  Layer layer;
  RunLayer(library_, layer, 3, 0);
  EXPECT_TRUE(idle.Run(1));
}

INSTANTIATE_TEST_SUITE_P(Geometry, CoreSmoke, testing::Values("core_4x16x4", "core_3x7x2", "core_1x1x1", "core_2x5x5"));

}  // namespace
}  // namespace shiftsim::test
