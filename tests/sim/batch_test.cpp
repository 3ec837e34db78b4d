// Batches of images: what they save, and where their tensors stand. That every engine gives the golden bits and the
// same cycles is shown by core_test, transaction_test and lockstep_test, whose random networks have batches, too.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "sim/compiler/compiler.h"
#include "sim/compiler/read_bursts.h"
#include "sim/mapping/mapping_search.h"
#include "sim/transaction/transaction_machine.h"
#include "tests/qnet/named_networks.h"
#include "tests/qnet/random_network.h"
#include "tests/sim/transaction_compare.h"

namespace shiftsim::sim {
namespace {

const Technology& technology() {
  static const Technology loaded = load_technology(SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml");
  return loaded;
}

/// 4-bit layers from 'widths[i]' to 'widths[i + 1]' values; the first takes maps of 'side' x 'side' pixels.
qnet::Network fully_connected(const std::vector<int>& widths, int side = 1) {
  qnet::Network network;
  network.tensors.push_back({"image", side, side, widths.front(), 8});
  for (std::size_t i = 1; i < widths.size(); ++i) {
    const bool last = i + 1 == widths.size();
    network.tensors.push_back({"fc" + std::to_string(i), 1, 1, widths[i], last ? qnet::kLogitsBits : 4});
    const qnet::Tensor& in = network.tensors[i - 1];
    qnet::Layer layer;
    layer.name = network.tensors[i].name;
    layer.input = static_cast<int>(i) - 1;
    layer.output = static_cast<int>(i);
    layer.kernel_h = in.height;
    layer.kernel_w = in.width;
    layer.weight_bits = 4;
    const auto outputs = static_cast<std::size_t>(widths[i]);
    layer.weights.resize(in.size() * outputs);
    for (std::size_t w = 0; w < layer.weights.size(); ++w) layer.weights[w] = static_cast<std::int8_t>(w * 7 % 15) - 7;
    layer.weight_exponents.assign(outputs, 0);
    layer.offsets.assign(outputs, 0);
    layer.bias.assign(outputs, 16);
    layer.shifts.assign(outputs, last ? 0 : 9);
    if (!last) layer.hi.assign(outputs, 15);
    network.layers.push_back(layer);
  }
  return network;
}

/// What one program asks for: of all images of its batch.
struct Asked {
  std::int64_t weight_bytes = 0;  ///< with tables, from DRAM
  std::int64_t array_steps = 0, cycles = 0, dram_bytes = 0;
};

Program program_of(const qnet::Network& network, const RunConfig& config, Contents contents = Contents::kTimingOnly) {
  return compile(network, config.accelerator, find_mappings(network, config, technology(), 2), contents, config.batch);
}

Asked asked(const qnet::Network& network, const RunConfig& config) {
  const Program program = program_of(network, config);
  Asked result;
  for (const ReadProgram& read : program.reads)
    if (read.kind == ReadProgram::Kind::kWords) result.weight_bytes += read_bytes(read, network, program.dram);
  TransactionMachine machine(network, program, config.accelerator.dram);
  machine.run(1);
  for (const Events& events : machine.events()) {
    result.array_steps += events.array_steps;
    result.cycles += events.cycles;
    result.dram_bytes += events.dram_read_bytes + events.dram_write_bytes;
  }
  return result;
}

RunConfig config_of(Objective objective, int batch) {
  RunConfig config;
  config.accelerator = make_accelerator(16, 16, 4, 8);
  config.mapping.objective = objective;
  config.batch = batch;
  return config;
}

TEST(Batch, LoadsWeightsOnceForAllItsImages) {
  const qnet::Network network = fully_connected({64, 512, 512, 10});
  const Asked alone = asked(network, config_of(Objective::kDramBytes, 1));
  // Two bits a lane of the array, 4-bit weights: every weight once, and the tables of 1,034 channels.
  EXPECT_GE(alone.weight_bytes, (64 * 512 + 512 * 512 + 512 * 10) / 2);
  for (const int batch : {2, 5, 16, 64}) {
    const Asked together = asked(network, config_of(Objective::kDramBytes, batch));
    EXPECT_EQ(together.weight_bytes, alone.weight_bytes) << batch << " images";
    // An image's activations are loaded anew for every group of weights.
    EXPECT_LT(together.dram_bytes, alone.weight_bytes + batch * 8192) << batch << " images";
  }
}

TEST(Batch, LoadsWeightsOfConvolutionsOnceToo) {
  const qnet::Network network = qnet::residual_network();
  const Asked alone = asked(network, config_of(Objective::kDramBytes, 1));
  const Asked together = asked(network, config_of(Objective::kDramBytes, 4));
  EXPECT_EQ(together.weight_bytes, alone.weight_bytes);
  EXPECT_LT(together.dram_bytes, 4 * alone.dram_bytes - 2 * alone.weight_bytes);
}

TEST(Batch, FillsTheArrayWithImagesWhereAnImageIsOnePixel) {
  // P = 4 slots: one image leaves three of them idle.
  const qnet::Network network = fully_connected({64, 512, 512, 10});
  const Asked alone = asked(network, config_of(Objective::kCycles, 1));
  const Asked four = asked(network, config_of(Objective::kCycles, 4));
  EXPECT_EQ(four.array_steps, alone.array_steps);
  EXPECT_LT(four.cycles, alone.cycles + alone.cycles / 10);
  EXPECT_EQ(asked(network, config_of(Objective::kCycles, 16)).array_steps, 4 * alone.array_steps);
}

/// A reduction that no half of the weight scratchpad holds, over windows that no bank holds: its pieces serve as many
/// images as the array has slots.
TEST(Batch, SharesThePiecesOfASplitReduction) {
  const qnet::Network network = fully_connected({256, 64, 10}, 5);
  const auto small = [](int batch) {
    RunConfig config = config_of(Objective::kDramBytes, batch);
    config.accelerator.scratchpad.weight_kib = 24;
    config.accelerator.scratchpad.activation_kib = 32;
    return config;
  };
  const Program program = program_of(network, small(4), Contents::kFilled);
  const Mapping& mapping = program.plans[0].mapped.mapping;
  ASSERT_TRUE(mapping.k_split && mapping.act_split);
  EXPECT_EQ(mapping.tiling.rows, 4) << "images of a tile";
  const Asked alone = asked(network, small(1));
  EXPECT_EQ(asked(network, small(4)).weight_bytes, alone.weight_bytes);
  EXPECT_LE(asked(network, small(8)).weight_bytes, 2 * alone.weight_bytes);

  // The bits and the cycles of such tiles.
  compare(network, small(4).accelerator, program, 8, 1);
  for (int seed = 1; seed <= 6; ++seed) {
    qnet::Network seeded = network;
    seeded.provenance.seed = seed;
    const std::vector<std::uint8_t> images = qnet::random_images(network, 6, static_cast<std::uint64_t>(seed));
    EXPECT_TRUE(run_machine(seeded, small(6).accelerator, images, 6, {}, 6).fits);
  }
}

/// Each image could run by itself, and the weights still be there: the search must not be worse.
TEST(Batch, TakesNoMoreCyclesAnImage) {
  for (const char* name : {"residual", "mobilenet_v2"}) {
    const qnet::Network network =
        std::string(name) == "residual" ? qnet::residual_network() : qnet::imagenet_network(name);
    const Asked alone = asked(network, config_of(Objective::kCycles, 1));
    const Asked together = asked(network, config_of(Objective::kCycles, 3));
    EXPECT_LE(static_cast<double>(together.cycles), 3.0 * static_cast<double>(alone.cycles)) << name;
  }
}

TEST(Batch, EveryImageHasTensorsOfItsOwn) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const qnet::Network network = qnet::random_network(seed);
    const int batch = 2 + static_cast<int>(seed % 3);
    constexpr std::int64_t kBuffer = 4096;
    const DramLayout layout(network, 8, 32, kBuffer, {}, batch);
    std::set<std::uint64_t> taken;  // bursts in DRAM
    for (const DramArea& area : layout.areas()) {
      EXPECT_EQ(layout.image_pitch(area.index) % 32, 0);
      for (int image = 0; image < batch; ++image) {
        const qnet::Tensor& tensor = network.tensors[static_cast<std::size_t>(area.index)];
        const std::uint64_t first = layout.pixel_address(area.index, 0, 0, 0, image);
        const int last_block = (tensor.channels - 1) / 8;
        const std::uint64_t end =
            layout.pixel_address(area.index, last_block, tensor.height - 1, tensor.width - 1, image) +
            static_cast<std::uint64_t>(layout.pixel_bytes(area.index, last_block));
        EXPECT_GE(first, area.address);
        EXPECT_LE(end, area.address + static_cast<std::uint64_t>(area.bytes));
        if (image + 1 < batch) {
          EXPECT_LE(end, layout.pixel_address(area.index, 0, 0, 0, image + 1));
        }
        if (area.level == MemoryLevel::kL2) {
          EXPECT_LE(end, static_cast<std::uint64_t>(kBuffer));
          continue;
        }
        for (std::uint64_t burst = first / 32; burst <= (end - 1) / 32; ++burst)
          EXPECT_TRUE(taken.insert(burst).second) << tensor.name << ", image " << image;
      }
    }
  }
}

TEST(Batch, NeedsRoomForAllItsImagesInTheSecondLevelBuffer) {
  const qnet::Network network = fully_connected({64, 512, 512, 10});
  // fc1 has 256 bytes an image, fc2 as many, and both live while fc2 runs.
  EXPECT_EQ(DramLayout(network, 16, 64, 1024, {}, 2).level(1), MemoryLevel::kL2);
  EXPECT_EQ(DramLayout(network, 16, 64, 1024, {}, 2).level(2), MemoryLevel::kL2);
  const DramLayout three(network, 16, 64, 1024, {}, 3);
  EXPECT_NE(three.level(1), three.level(2)) << "room for one of them";
  EXPECT_EQ(DramLayout(network, 16, 64, 1024, {}, 5).level(1), MemoryLevel::kDram);
}

}  // namespace
}  // namespace shiftsim::sim
