// What the compiler makes of a network for one accelerator: commands, DMA programs and the weight image in DRAM.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/compiler/cost.h"
#include "sim/compiler/dram_layout.h"
#include "sim/compiler/mapping.h"
#include "sim/config/config.h"
#include "sim/core/commands.h"
#include "sim/core/geometry.h"

namespace shiftsim::sim {

/// A load's data: words for the scratchpad, gathered from DRAM (dram_layout.h) by the DMA.
struct ReadProgram {
  enum class Kind : std::uint8_t {
    kTile,    ///< pixels y0.. x0.. (rows x cols, may reach into the padding), 'words' words each
    kIm2row,  ///< output pixels of a tile, each with its whole window packed along the channels (stems)
    kWords    ///< words of the weight image as they stand
  } kind = Kind::kWords;
  int layer = 0;
  // kTile and kIm2row
  int tensor = 0;
  int image = 0, images = 1;               ///< of the batch: the same pixels of each, one image after the other
  int y0 = 0, x0 = 0, rows = 1, cols = 1;  ///< kTile: in the tensor; kIm2row: output pixels
  int words = 1;                           ///< per pixel
  int channel0 = 0, channels = 1;          ///< channel c of the load is channel (channel0 + c) / repeat of the tensor
  int repeat = 1;
  /// Of a view with repeated pixels: rows that one stored row serves. The DMA keeps stored rows whole. 0: no pixel is
  /// repeated.
  int row_group = 0;
  int pad = 0;                   ///< outside the tensor
  bool per_channel_pad = false;  ///< or the layer's pad_values
  // kWords
  std::size_t offset = 0;  ///< first byte in Program::image
  int word_bytes = 0;      ///< as on the port
  int word_dram_bits = 0;  ///< as packed in DRAM
  MemoryLevel level = MemoryLevel::kDram;
  std::uint64_t address = 0;  ///< in its level, of the area that the words are in
  int first = 0, count = 0;   ///< words of the area before them, and of the load
  /// The DMA writes what it fetches into the second-level buffer, too, whose copy of the area begins here.
  std::optional<std::uint64_t> copy;
};

/// A store's destination: a tile of one block of channels.
struct WriteProgram {
  int layer = 0, tensor = 0;
  int image = 0, images = 1;  ///< as of a read
  int y0 = 0, x0 = 0, rows = 1, cols = 1, channel0 = 0, channels = 1;
  bool wide = false;  ///< four words a pixel, byte by byte of 32-bit values
};

/// Where a COMPUTE command stands in its layer, for messages.
struct TileOrigin {
  int layer = 0;
  int image = 0, images = 1;  ///< as of a read
  int y0 = 0, x0 = 0, rows = 1, cols = 1, channel0 = 0, channels = 1;
};

template <typename Command>
struct QueueProgram {
  std::vector<Command> commands;
  std::vector<CommandWord> words;  ///< the commands packed; none where the program has timing alone
  std::vector<int> layers;
  void push(const Command& command, int layer, bool packed) {
    commands.push_back(command);
    layers.push_back(layer);
    if (packed) words.push_back(pack(command));
  }
};

/// How one layer is laid out.
struct LayerPlan {
  std::string mapper;  ///< the dataflow's name
  MappedLayer mapped;
  int planes = 1;         ///< digit planes run
  int steps = 1;          ///< array steps per pixel and plane
  int channel_tiles = 1;  ///< output channel tiles
  int tiles = 0;          ///< COMPUTE commands with a drain, of a batch
  bool im2row = false, widened = false;
};

/// Runs the images of a batch (DramLayout::batch()), each layer of all of them before the next one.
struct Program {
  Geometry geometry;
  QueueProgram<LoadCommand> loads;
  QueueProgram<ComputeCommand> computes;
  QueueProgram<StoreCommand> stores;
  std::vector<TileOrigin> origins;  ///< of each COMPUTE command
  std::vector<ReadProgram> reads;
  std::vector<WriteProgram> writes;
  std::vector<std::uint8_t> image;  ///< weight and table words, as on the port
  std::vector<LayerPlan> plans;     ///< of each layer
  DramLayout dram;                  ///< where everything stands in DRAM and in the second-level buffer
  L2Config l2;                      ///< that buffer

  /// A tensor comes from where it stands.
  MemoryLevel level_of(const ReadProgram& read) const {
    return read.kind == ReadProgram::Kind::kWords ? read.level : dram.level(read.tensor);
  }
};

}  // namespace shiftsim::sim
