// Packing: where each field lies, which values it takes, and what is said of one that does not fit.
#include "sim/core/commands.h"

#include <gtest/gtest.h>

#include "common/error.h"

namespace shiftsim::sim {
namespace {

/// The bits of a field, as a reader of docs/hardware.md takes them out.
std::int64_t bits_of(const CommandWord& word, int lsb, int bits, bool is_signed) {
  std::int64_t value = 0;
  for (int i = 0; i < bits; ++i) {
    const int at = lsb + i;
    value |= static_cast<std::int64_t>((word[static_cast<std::size_t>(at / 32)] >> (at % 32)) & 1) << i;
  }
  return is_signed && (value >> (bits - 1)) != 0 ? value - (std::int64_t{1} << bits) : value;
}

template <typename Command>
void expect_fields_one_after_the_other(const Command& command) {
  const CommandWord word = pack(command);
  const auto values = command_values(command);
  int lsb = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const CommandField& field = command_fields<Command>()[i];
    EXPECT_EQ(field.lsb, lsb) << field.name;
    EXPECT_EQ(bits_of(word, field.lsb, field.bits, field.is_signed), values[i]) << field.name;
    lsb += field.bits;
  }
  EXPECT_LE(lsb, 320);
}

TEST(Commands, FieldsFollowEachOtherFromBitZero) {
  LoadCommand load;
  load.target = Target::kRes;
  load.signal = true;
  load.base = 0xbeef;
  load.count = 0xabcdef;
  load.dma_id = 0xffffffff;
  load.seg_off = 0x800001;
  load.carry_stride = 65535;
  expect_fields_one_after_the_other(load);
  ComputeCommand compute;
  compute.mode = Mode::kMax;
  compute.planes = 4;
  compute.row_inc = -32768;
  compute.inc_ky = -1;
  compute.out_base = 513;
  compute.lo = -128;
  expect_fields_one_after_the_other(compute);
  StoreCommand store;
  store.half = true;
  store.count = 65535;
  store.dma_id = 7;
  expect_fields_one_after_the_other(store);
}

/// Some places as numbers, so that a change of the table is seen for what it is: another interface.
TEST(Commands, PlacesAreThoseOfThisInterface) {
  EXPECT_EQ(command_field<LoadCommand>("count").lsb, 22);
  EXPECT_EQ(command_field<LoadCommand>("carry_stride").lsb, 238);
  EXPECT_EQ(command_field<ComputeCommand>("planes").lsb, 26);
  EXPECT_EQ(command_field<ComputeCommand>("lo").lsb, 261);
  EXPECT_EQ(command_field<StoreCommand>("dma_id").lsb, 36);
  EXPECT_EQ(command_field<TableEntry>("hi").lsb, 48);
  static_assert(command_field<ComputeCommand>("kx_n").highest() == 255);
}

TEST(Commands, MisfitNamesTheField) {
  ComputeCommand command;
  EXPECT_FALSE(find_misfit(command));
  command.kx_n = 255;
  EXPECT_FALSE(find_misfit(command));
  command.kx_n = 256;
  ASSERT_TRUE(find_misfit(command));
  EXPECT_STREQ(find_misfit(command)->field.name, "kx_n");
  EXPECT_EQ(find_misfit(command)->value, 256);
  EXPECT_THROW(pack(command), InternalError);
  command.kx_n = 1;
  command.lo = -129;
  ASSERT_TRUE(find_misfit(command));
  EXPECT_STREQ(find_misfit(command)->field.name, "lo");
  command.lo = -128;
  EXPECT_FALSE(find_misfit(command));
}

TEST(Commands, TableEntry) {
  EXPECT_EQ(pack(TableEntry{-2, -1, 7, -31, 255}), 0xff'85'ff'ff'ff'ff'feULL);
}

}  // namespace
}  // namespace shiftsim::sim
