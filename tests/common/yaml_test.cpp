// Strict YAML: every complaint names file, line and key.
#include "common/yaml.h"

#include <gtest/gtest.h>

#include "common/text.h"
#include "tests/common/temporary_folder.h"

namespace shiftsim {
namespace {

class Yaml : public TemporaryFolder {
protected:
  YamlMap load(const std::string& text) const { return YamlMap::load(put("a.yaml", text)); }
};

TEST_F(Yaml, ReadsEveryType) {
  YamlMap map = load(
      "int: -7\nplus: +3\nnumber: 1.5e3\nyes: true\nno: false\ntext: a b\nquoted: \"4\"\nchoice: red\n"
      "numbers: [1, 2.5]\nints: [3, -4]\nmap: {x: 1}\nmaps:\n  - {y: 1}\n  - {y: 2}\n");
  EXPECT_EQ(map.get_int("int", -10, 10), -7);
  EXPECT_EQ(map.get_int("plus", -10, 10), 3);
  EXPECT_EQ(map.get_number("number", 0, 1e9), 1500);
  EXPECT_TRUE(map.get_bool("yes"));
  EXPECT_FALSE(map.get_bool("no"));
  EXPECT_EQ(map.get_string("text"), "a b");
  EXPECT_EQ(map.get_string("quoted"), "4");
  EXPECT_EQ(map.get_choice("choice", {"red", "green"}), "red");
  EXPECT_EQ(map.get_numbers("numbers"), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(map.get_ints("ints"), (std::vector<long>{3, -4}));
  YamlMap inner = map.get_map("map");
  EXPECT_EQ(inner.get_int("x", 0, 1), 1);
  inner.finish();
  std::vector<YamlMap> maps = map.get_maps("maps");
  ASSERT_EQ(maps.size(), 2U);
  EXPECT_EQ(maps[1].get_int("y", 0, 9), 2);
  map.finish();
  EXPECT_EQ(map.keys().size(), 12U);
  EXPECT_EQ(map.keys()[2], "number");
}

TEST_F(Yaml, EmptyFilesAreNamed) {
  for (const char* text : {"", "# only a comment\n"}) {
    try {
      load(text);
      FAIL() << "read";
    } catch (const UserError& error) {
      EXPECT_NE(std::string(error.what()).find("a.yaml: found nothing, expected a mapping"), std::string::npos)
          << error.what();
    }
  }
}

TEST_F(Yaml, FallbacksStandInForMissingKeys) {
  YamlMap map = load("a: 1\n");
  EXPECT_EQ(map.get_int("b", 0, 1, 42), 42);
  EXPECT_EQ(map.get_number("c", 0, 1, 0.5), 0.5);
  EXPECT_TRUE(map.get_bool("d", true));
  EXPECT_EQ(map.get_string("e", "x"), "x");
  EXPECT_EQ(map.get_choice("f", {"x"}, "x"), "x");
  EXPECT_TRUE(map.has("a"));
  EXPECT_FALSE(map.has("b"));
  YamlMap empty = map.get_map("g", true);
  EXPECT_EQ(empty.get_int("h", 0, 1, 1), 1);
  empty.finish();
  map.finish();
}

TEST_F(Yaml, WrongValuesNameFileLineAndKey) {
  YamlMap root =
      load("# comment\narray:\n  rows: many\n  columns: 99\n  flag: 7\n  quoted: \"4\"\n  empty:\n  list: [1, x]\n");
  YamlMap map = root.get_map("array");
  const std::string file = (folder_ / "a.yaml").string();
  expect_user_error([&] { map.get_int("rows", 1, 64); },
                    {file + ":3: array.rows: found 'many', expected an integer in [1, 64]"});
  expect_user_error([&] { map.get_int("columns", 1, 64); }, {":4: array.columns: found '99'"});
  expect_user_error([&] { map.get_bool("flag"); }, {":5: array.flag: found '7', expected true or false"});
  expect_user_error([&] { map.get_int("quoted", 1, 64); }, {":6:"});
  expect_user_error([&] { map.get_string("empty"); }, {":7: array.empty: found nothing"});
  expect_user_error([&] { map.get_ints("list"); }, {":8: array.list: found 'x'"});
  expect_user_error([&] { map.get_map("rows"); }, {"expected a mapping"});
  expect_user_error([&] { map.get_maps("rows"); }, {"expected a list"});
  expect_user_error([&] { map.get_int("pixels", 1, 2); }, {":3: array.pixels: the key is missing"});
}

TEST_F(Yaml, NumbersMustBeWholeAndFinite) {
  YamlMap map = load("a: 1.5\nb: 0x10\nc: 1e999\nd: .nan\ne: 12abc\nf: 99999999999999999999\ng: inf\nh: '+-3'\n");
  for (const char* key : {"a", "b", "e", "f", "h"}) EXPECT_THROW(map.get_int(key, -1000, 1000), UserError) << key;
  for (const char* key : {"c", "d", "e", "g"}) EXPECT_THROW(map.get_number(key, -1e300, 1e300), UserError) << key;
}

TEST_F(Yaml, UnknownKeysAreRefusedWithTheNearest) {
  YamlMap map = load("rows: 1\nculomns: 2\n");
  map.get_int("rows", 0, 9);
  map.get_int("columns", 0, 9, 1);
  expect_user_error([&] { map.finish(); }, {":2: culomns: unknown key; did you mean 'columns'?"});
}

TEST_F(Yaml, ChoicesAreListed) {
  YamlMap map = load("fidelity: cylce\n");
  expect_user_error(
      [&] {
        map.get_choice("fidelity", {"golden", "cycle"});
      },
      {":1: fidelity: found 'cylce', expected one of golden, cycle; did you mean 'cycle'?"});
}

TEST_F(Yaml, MalformedFiles) {
  expect_user_error([&] { load("a: [1, 2\nb: }\n"); }, {"a.yaml:2", "malformed YAML"});
  expect_user_error([&] { load("- 1\n- 2\n"); }, {"a.yaml:1", "found a list, expected a mapping"});
  expect_user_error([&] { load(""); }, {"found nothing, expected a mapping"});
  expect_user_error([&] { load("a: 1\nb: 2\na: 3\n"); }, {"a.yaml:3: a: the key is there twice"});
  expect_user_error([&] { load("[1]: 3\n"); }, {"as a key"});
  expect_user_error([&] { YamlMap::load(folder_ / "none.yaml"); }, {"none.yaml", "cannot be read"});
}

TEST_F(Yaml, OverridesSetExistingAndNewKeys) {
  YAML::Node root = YAML::Load("array: {rows: 4, columns: 4}\nlist: [{x: 1}, {x: 2}]\n");
  apply_override(root, "array.rows=8");
  apply_override(root, "memory.dram.bytes=16");
  apply_override(root, "list.1.x=5");
  apply_override(root, "name=a=b");
  YamlMap map(root, "file.yaml");
  YamlMap array = map.get_map("array");
  EXPECT_EQ(array.get_int("rows", 0, 9), 8);
  EXPECT_EQ(array.get_int("columns", 0, 9), 4);
  EXPECT_EQ(map.get_map("memory").get_map("dram").get_int("bytes", 0, 99), 16);
  EXPECT_EQ(map.get_maps("list")[1].get_int("x", 0, 9), 5);
  EXPECT_EQ(map.get_maps("list")[0].get_int("x", 0, 9), 1);
  EXPECT_EQ(map.get_string("name"), "a=b");
}

TEST_F(Yaml, OverridesAreNamedInMessages) {
  YAML::Node root = YAML::Load("array: {rows: 4}\n");
  apply_override(root, "array.rows=lots");
  apply_override(root, "array.rosw=1");
  YamlMap map(root, "file.yaml");
  YamlMap array = map.get_map("array");
  expect_user_error([&] { array.get_int("rows", 0, 9); }, {"--set: array.rows: found 'lots'"});
  expect_user_error([&] { array.finish(); }, {"--set: array.rosw: unknown key; did you mean 'rows'?"});
}

TEST_F(Yaml, MalformedOverrides) {
  YAML::Node root = YAML::Load("a: 1\nl: [1]\n");
  expect_user_error([&] { apply_override(root, "a"); }, {"expected KEY=VALUE"});
  expect_user_error([&] { apply_override(root, "=1"); }, {"expected KEY=VALUE"});
  expect_user_error([&] { apply_override(root, "a..b=1"); }, {"single dots"});
  expect_user_error([&] { apply_override(root, "a.b=1"); }, {"below a key that holds '1'"});
  expect_user_error([&] { apply_override(root, "l.5=1"); }, {"not an index of a list of 1"});
  expect_user_error([&] { apply_override(root, "a=[1"); }, {"malformed value"});
}

TEST_F(Yaml, ScalarsKeepTheirQuotes) {
  YamlMap map = load("one: 8\nlist: [8, auto, \"4\", 'it''s']\nmap: {x: 1}\nnested: [[1]]\n");
  EXPECT_EQ(map.get_scalars("one").front().yaml(), "8");
  std::vector<std::string> yaml;
  for (const YamlScalar& scalar : map.get_scalars("list")) yaml.push_back(scalar.yaml());
  EXPECT_EQ(yaml, (std::vector<std::string>{"8", "auto", "'4'", "'it''s'"}));
  expect_user_error([&] { map.get_scalars("map"); }, {"a.yaml:3: map: found a mapping"});
  expect_user_error([&] { map.get_scalars("nested"); }, {"a.yaml:4: nested: found a list"});
  EXPECT_TRUE(map.is_map("map"));
  EXPECT_FALSE(map.is_map("one"));
  EXPECT_FALSE(map.is_map("none"));
  EXPECT_EQ(map.place("map").substr(map.place("map").rfind('/') + 1), "a.yaml:3");
}

TEST_F(Yaml, TextsReadBackAsOverrides) {
  for (const std::string text : {"w2a4", "/a/b.qnet", "4", "null", "", "it's", "a: b", "~", "true", "x#y", " "}) {
    const YAML::Node root(YAML::NodeType::Map);
    apply_override(root, "key=" + yaml_text(text));
    EXPECT_EQ(YamlMap(root, "--set").get_string("key"), text);
  }
  EXPECT_EQ(yaml_text("w2a4"), "w2a4");
  EXPECT_EQ(yaml_text("4"), "'4'");
}

TEST_F(Yaml, AnyValueAsOneLine) {
  YamlMap map = load("layers:\n  features.3.conv1: {rows: 4}\n  other:\n    outer: weights\n    list: [1, 2]\n");
  const YAML::Node root(YAML::NodeType::Map);
  apply_override(root, "layers=" + map.get_yaml("layers"));
  EXPECT_EQ(root["layers"]["features.3.conv1"]["rows"].as<int>(), 4);
  EXPECT_EQ(root["layers"]["other"]["list"][1].as<int>(), 2);
  EXPECT_EQ(root["layers"]["other"]["outer"].as<std::string>(), "weights");
}

TEST(Text, Utf8IsToldFromWhatIsNot) {
  for (const char* good : {"", "layer1.conv", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad :
       {"\xff", "a\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"})
    EXPECT_FALSE(is_utf8(bad)) << ascii_only(bad);
}

}  // namespace
}  // namespace shiftsim
