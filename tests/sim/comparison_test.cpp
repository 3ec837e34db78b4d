// The closed forms of other simulators, and our difference to them in parts.
#include "sim/report/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

namespace shiftsim::sim {
namespace {

TEST(PeerForms, ByHand) {
  // ResNet-18's first layer, 112 x 112 outputs of 64 channels, 7 x 7 x 3 inputs, on 16 x 16.
  const MatrixProduct conv1{12544, 64, 147, 1};
  const ArraySize array{16, 16};
  EXPECT_EQ(scale_sim_ws(conv1, array), 10 * 4 * (32 + 16 + 12544 - 2) - 1);
  EXPECT_EQ(scale_sim_os(conv1, array), 784 * 4 * (16 + 16 + 147 - 2) - 1);
  EXPECT_EQ(scale_sim_is(conv1, array), 10 * 784 * (32 + 16 + 64 - 2) - 1);
  EXPECT_EQ(stonne_os(conv1, array), 784 * 4 * (147 + 16 + 16 + 3));
  // Tiles at the edge have their own size, and one of a single row a step less.
  EXPECT_EQ(stonne_os({17, 17, 10, 1}, array), (10 + 32 + 3) + (10 + 17 + 3) + (10 + 17 + 2) + (10 + 2 + 2));
  EXPECT_EQ(stonne_os({17, 17, 10, 3}, array), 3 * stonne_os({17, 17, 10, 1}, array));
}

using Rows = std::vector<std::map<std::string, std::string>>;

Rows read_csv(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  const auto split = [&] {
    std::vector<std::string> fields;
    std::stringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    return fields;
  };
  std::getline(file, line);
  const std::vector<std::string> titles = split();
  Rows rows;
  while (std::getline(file, line)) {
    const std::vector<std::string> fields = split();
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < std::min(fields.size(), titles.size()); ++i) row[titles[i]] = fields[i];
  }
  return rows;
}

TEST(PeerForms, GiveWhatTheProgramsGaveForResNet18) {
  const char* data = std::getenv("SHIFTSIM_DATA");
  if (data == nullptr) GTEST_SKIP() << "SHIFTSIM_DATA is not set";
  const Rows shapes = read_csv(std::string(data) + "/peers/resnet18_224_layers.csv");
  const Rows measured = read_csv(std::string(data) + "/peers/peers_per_layer.csv");
  ASSERT_EQ(shapes.size(), 21U);
  ASSERT_GE(measured.size(), shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    auto shape = shapes[i];
    auto row = measured[i];
    ASSERT_EQ(shape["layer"], row["layer"]);
    const auto number = [](const std::string& text) { return std::int64_t{std::stoll(text)}; };
    const MatrixProduct product{number(shape["P"]) * number(shape["Q"]), number(shape["K"]),
                                number(shape["R"]) * number(shape["S"]) * number(shape["C"]), 1};
    for (const int side : {16, 32}) {
      const ArraySize array{side, side};
      const std::string at = "_" + std::to_string(side);
      EXPECT_EQ(scale_sim_ws(product, array), number(row["scalesim_ws" + at])) << shape["layer"];
      EXPECT_EQ(scale_sim_os(product, array), number(row["scalesim_os" + at])) << shape["layer"];
      EXPECT_EQ(scale_sim_is(product, array), number(row["scalesim_is" + at])) << shape["layer"];
      EXPECT_EQ(stonne_os(product, array), number(row["stonne_os" + at])) << shape["layer"];
    }
  }
}

TEST(Comparison, ThePartsAreTheDifference) {
  RunResult result;
  result.images = 2;
  LayerResult conv;
  conv.name = "conv";
  conv.in_c = 8;
  conv.out_h = conv.out_w = 5;
  conv.out_c = 20;
  conv.kernel_h = conv.kernel_w = 3;
  conv.groups = 2;
  conv.digits = 2;
  conv.macs = 1;
  conv.cause(Cause::kRun) = 1000;
  conv.cause(Cause::kSetup) = 7;
  conv.cause(Cause::kPpu) = 11;
  conv.cause(Cause::kDrain) = 2;
  conv.cause(Cause::kWeights) = 30;
  conv.cause(Cause::kBarrier) = 5;
  conv.cycles = 1055;
  LayerResult pool;
  pool.digits = 1;
  result.layers = {conv, pool};
  ArrayConfig array;
  array.rows = 8;
  array.cols = 8;
  const std::vector<ComparedLayer> layers = compare(result, array);
  ASSERT_EQ(layers.size(), 1U) << "a pool is no product";
  const ComparedLayer& c = layers[0];
  EXPECT_EQ(c.product.n, 10);
  EXPECT_EQ(c.product.k, 9 * 4);
  EXPECT_EQ(c.scale_os, 2 * 2 * (4 * 2 * (8 + 8 + 36 - 2) - 1));
  EXPECT_EQ(c.digits, 500);
  EXPECT_EQ(c.setup, 7);
  EXPECT_EQ(c.drain, 13);
  EXPECT_EQ(c.memory, 35);
  EXPECT_EQ(c.scale_os + c.digits + c.setup + c.drain + c.memory + c.edge, c.ours);
  EXPECT_NE(comparison_table(layers).find("total"), std::string::npos);
}

}  // namespace
}  // namespace shiftsim::sim
