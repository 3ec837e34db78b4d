#include "sim/compiler/program_builder.h"

namespace shiftsim::sim {

bool ProgramBuilder::flip(Target target) {
  bool& half = halves_[static_cast<std::size_t>(target)];
  half = !half;
  return half;
}

void ProgramBuilder::load(Target target, ReadProgram read, LoadCommand command) {
  read.layer = layer_;
  command.target = target;
  command.half = flip(target);
  command.acquire = true;
  command.signal = true;
  command.dma_id = static_cast<std::uint32_t>(program_.reads.size());
  program_.reads.push_back(read);
  program_.loads.push(command, layer_);
}

void ProgramBuilder::load_words(Target target, std::size_t offset, std::size_t count, int word_bytes, int dram_bits,
                                std::size_t carry_stride) {
  ReadProgram read;
  read.kind = ReadProgram::Kind::kWords;
  read.offset = offset;
  read.word_bytes = word_bytes;
  read.word_dram_bits = dram_bits;
  read.count = static_cast<int>(count);
  read.dram_address = program_.dram.allocate(ceil_div<std::int64_t>(static_cast<std::int64_t>(count) * dram_bits, 8));
  LoadCommand command;
  command.count = static_cast<std::uint32_t>(count);
  command.carry_stride = static_cast<std::uint32_t>(carry_stride);
  load(target, read, command);
}

void ProgramBuilder::compute(const ComputeCommand& command, TileOrigin origin) {
  origin.layer = layer_;
  program_.computes.push(command, layer_);
  program_.origins.push_back(origin);
}

void ProgramBuilder::store(StoreCommand command, WriteProgram write) {
  write.layer = layer_;
  command.half = half(Target::kOut);
  command.dma_id = static_cast<std::uint32_t>(program_.writes.size());
  program_.writes.push_back(write);
  program_.stores.push(command, layer_);
}

}  // namespace shiftsim::sim
