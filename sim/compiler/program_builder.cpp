#include "sim/compiler/program_builder.h"

#include "common/error.h"

namespace shiftsim::sim {
namespace {

ReadProgram read_of(const WordsArea& area, bool first_time) {
  ReadProgram read;
  read.kind = ReadProgram::Kind::kWords;
  read.offset = area.offset;
  read.address = area.dram_address;
  if (area.l2_address && first_time) {
    read.copy = area.l2_address;
  } else if (area.l2_address) {
    read.level = MemoryLevel::kL2;
    read.address = *area.l2_address;
  }
  read.first = area.first;
  read.word_bytes = area.word_bytes;
  read.word_dram_bits = area.dram_bits;
  read.count = area.count;
  return read;
}

}  // namespace

WordsArea WordsArea::part(int skipped, int number) const {
  SHIFTSIM_CHECK(skipped >= 0 && number >= 1 && skipped + number <= count, "words {} to {} of {}", skipped,
                 skipped + number, count);
  WordsArea result = *this;
  result.offset += static_cast<std::size_t>(skipped) * static_cast<std::size_t>(word_bytes);
  result.first += skipped;
  result.count = number;
  return result;
}

template <typename Command>
void ProgramBuilder::push(QueueProgram<Command>& queue, const Command& command) {
  if (const auto misfit = find_misfit(command)) {
    const CommandField& field = misfit->field;
    fail("layer {}: a kernel, stride or tensor is too large for the hardware's commands: {} is {}, expected {} to {}",
         layer_name_, field.name, misfit->value, field.lowest(), field.highest());
  }
  queue.push(command, layer_, contents_);
}

bool ProgramBuilder::flip(Target target) {
  bool& half = halves_[static_cast<std::size_t>(target)];
  half = !half;
  return half;
}

void ProgramBuilder::load(Target target, ReadProgram read, LoadCommand command) {
  command.target = target;
  command.half = flip(target);
  command.acquire = true;
  command.signal = true;
  push_load(read, command);
}

void ProgramBuilder::push_load(ReadProgram read, LoadCommand command) {
  read.layer = layer_;
  command.dma_id = static_cast<std::uint32_t>(program_.reads.size());
  program_.reads.push_back(read);
  push(program_.loads, command);
}

WordsArea ProgramBuilder::place_words(int count, int word_bytes, int dram_bits,
                                      const std::function<void(std::vector<std::uint8_t>&)>& append) {
  WordsArea area;
  area.offset = program_.image.size();
  area.word_bytes = word_bytes;
  area.dram_bits = dram_bits;
  area.count = count;
  if (contents_) {
    append(program_.image);
    SHIFTSIM_CHECK(
        program_.image.size() == area.offset + static_cast<std::size_t>(count) * static_cast<std::size_t>(word_bytes),
        "layer {}: {} bytes appended for {} words", layer_name_, program_.image.size() - area.offset, count);
  }
  area.dram_address =
      program_.dram.allocate_parameters(layer_, ceil_div<std::int64_t>(std::int64_t{count} * dram_bits, 8));
  return area;
}

void ProgramBuilder::load_words(Target target, const WordsArea& area, bool first_time, std::uint32_t carry_stride) {
  LoadCommand command;
  command.count = static_cast<std::uint32_t>(area.count);
  command.carry_stride = carry_stride;
  load(target, read_of(area, first_time), command);
}

void ProgramBuilder::load_lut(const WordsArea& area) {
  lut_half_ = !lut_half_;
  LoadCommand command;
  command.target = Target::kTab;
  command.lut = true;
  command.half = lut_half_;
  command.count = static_cast<std::uint32_t>(area.count);
  push_load(read_of(area, true), command);
}

void ProgramBuilder::compute(const ComputeCommand& command, TileOrigin origin) {
  origin.layer = layer_;
  push(program_.computes, command);
  program_.origins.push_back(origin);
}

void ProgramBuilder::store(StoreCommand command, WriteProgram write) {
  write.layer = layer_;
  command.half = half(Target::kOut);
  command.dma_id = static_cast<std::uint32_t>(program_.writes.size());
  program_.writes.push_back(write);
  push(program_.stores, command);
}

}  // namespace shiftsim::sim
