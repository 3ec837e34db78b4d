#include "sim/compiler/tile_reads.h"

#include <algorithm>

namespace shiftsim::sim {
namespace {

/// See ReadProgram::row_group.
int row_group(const LayerTask& task, int tensor) {
  int rows = 0;
  for (const qnet::SourceArea& area : task.dram.sources().of(tensor))
    for (const qnet::ChannelSource& source : area.channels)
      if (source.up_h > 1 || source.up_w > 1) rows = std::max(rows, source.up_h);
  return rows;
}

}  // namespace

ReadProgram activation_read(const LayerTask& task, const Tiling& t, const Place& at, int channel_tile) {
  const LayerView& view = task.view;
  const ChannelTile& tile = task.channel_tile(channel_tile);
  ReadProgram read;
  read.layer = task.index;
  read.tensor = task.layer().input;
  read.image = at.image;
  read.images = task.images(t);
  read.words = view.words;
  if (view.im2row) {
    read.kind = ReadProgram::Kind::kIm2row;
    read.y0 = at.y0;
    read.x0 = at.x0;
    read.rows = t.rows;
    read.cols = t.cols;
    read.channels = task.in().channels;
  } else {
    read.kind = ReadProgram::Kind::kTile;
    read.y0 = at.y0 * view.stride_h - view.pad_top;
    read.x0 = at.x0 * view.stride_w - view.pad_left;
    read.rows = t.in_rows / read.images;
    read.cols = t.in_cols;
    read.channel0 = tile.in0;
    read.channels = tile.in_channels;
    read.repeat = tile.repeat;
    read.row_group = row_group(task, read.tensor);
  }
  read.per_channel_pad = !task.layer().pad_values.empty();
  // Padding must never win a maximum.
  read.pad = view.mode == Mode::kMax ? task.in().low() & 0xff : 0;
  return read;
}

ReadProgram piece_read(const LayerTask& task, const Tiling& t, const ReductionPiece& piece, const Place& at,
                       int channel_tile) {
  const LayerView& view = task.view;
  ReadProgram read = activation_read(task, t, at, channel_tile);
  const int skipped = piece.word * task.geometry.channels;
  read.y0 += piece.ky * view.dilation_h;
  read.x0 += piece.kx * view.dilation_w;
  read.rows = piece.rows(view);
  read.cols = piece.cols(view);
  read.words = piece.words;
  read.channel0 += skipped;
  read.channels = std::min(read.channels - skipped, piece.words * task.geometry.channels);
  return read;
}

ReadProgram output_area(const LayerTask& task, const Tiling& t, const Place& at, int channel_tile) {
  const ChannelTile& tile = task.channel_tile(channel_tile);
  ReadProgram read;
  read.kind = ReadProgram::Kind::kTile;
  read.layer = task.index;
  read.tensor = task.layer().output;
  read.image = at.image;
  read.images = task.images(t);
  read.y0 = at.y0;
  read.x0 = at.x0;
  read.rows = task.rows_an_image(t);
  read.cols = t.cols;
  read.channel0 = tile.k0;
  read.channels = tile.channels;
  return read;
}

ReadProgram residual_read(const LayerTask& task, const Tiling& t, const Place& at, int channel_tile) {
  ReadProgram read = output_area(task, t, at, channel_tile);
  read.tensor = task.layer().residual;
  read.row_group = row_group(task, read.tensor);
  return read;
}

}  // namespace shiftsim::sim
