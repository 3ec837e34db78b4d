#include "common/text_table.h"

#include <gtest/gtest.h>

#include "common/error.h"

namespace shiftsim {
namespace {

TEST(TextTable, ColumnsAreAlignedUnderTheirHeadings) {
  TextTable table({{.title = "layer", .width = 7, .align = TextAlign::kLeft},
                   {.title = "W", .width = 2},
                   {.title = "A"},
                   {.title = "SQNR", .width = 6, .gap = 2},
                   {.title = "because", .align = TextAlign::kLeft, .gap = 2}},
                  {{.text = ""}, {.text = "bits", .columns = 2}, {.text = "dB", .align = TextAlign::kCentre}});
  table.add_row({"conv", "4", "u8", "12.3", "first"});
  table.add_row({"fc", "8", "", "1.0", ""});
  EXPECT_EQ(table.text(),
            "         bits    dB\n"
            "layer    W  A    SQNR  because\n"
            "conv     4 u8    12.3  first\n"
            "fc       8        1.0\n");
}

TEST(TextTable, WideCellsWidenTheirColumn) {
  TextTable table({{.title = "n", .align = TextAlign::kLeft}, {.title = "x", .width = 1}});
  table.add_row({"a", "1"});
  table.add_row({"long", "12345"});
  EXPECT_EQ(table.text(),
            "n        x\n"
            "a        1\n"
            "long 12345\n");
}

TEST(TextTable, CharactersAreCountedAndNotBytes) {
  TextTable table({{.title = "n", .align = TextAlign::kLeft}, {.title = "x"}});
  table.add_row({"größe", "1"});
  table.add_row({"abcde", "2"});
  EXPECT_EQ(table.text(),
            "n     x\n"
            "größe 1\n"
            "abcde 2\n");
  EXPECT_EQ(text_width("größe"), 5u);
}

TEST(TextTable, RowsHaveOneCellAColumn) {
  TextTable table({{.title = "a"}, {.title = "b"}});
  EXPECT_THROW(table.add_row({"1"}), std::logic_error);
}

TEST(Clipped, KeepsFrontAndEnd) {
  EXPECT_EQ(clipped("short", 5, 2), "short");
  EXPECT_EQ(clipped("abcdefgh", 5, 0), "~efgh");
  EXPECT_EQ(clipped("abcdefgh", 5, 2), "ab~gh");
  EXPECT_EQ(clipped("abcdefgh", 5, 4), "abcd~");
  EXPECT_EQ(clipped("äöüäöü", 4, 1), "ä~öü") << "no character is cut in two";
}

TEST(Clipped, NamesAreCutWhereTheyStayApart) {
  EXPECT_EQ(clipped_names({"blocks.10.conv", "blocks.11.conv"}, 9),
            (std::vector<std::string>{"~.10.conv", "~.11.conv"}));
  EXPECT_EQ(clipped_names({"a1.residual", "a2.residual"}, 6), (std::vector<std::string>{"a1~ual", "a2~ual"}));
  EXPECT_EQ(clipped_names({"same.layer", "same.layer"}, 4), (std::vector<std::string>{"~yer", "~yer"}));
  EXPECT_TRUE(clipped_names({}, 4).empty());
}

}  // namespace
}  // namespace shiftsim
