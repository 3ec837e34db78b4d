// A network small enough to run in a moment, and images for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "common/npy.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "tests/cli/command.h"

namespace shiftsim::test {

inline constexpr int kSide = 4, kClasses = 3;
inline constexpr std::size_t kImages = 20;

/// 4x4 grey images; 3x3 convolution to 4 channels of 4 bits, then 3 logits.
inline qnet::Network tiny_network() {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> weight(-8, 7);
  const auto weights = [&](std::size_t count) {
    std::vector<std::int8_t> values(count);
    for (auto& value : values) value = static_cast<std::int8_t>(weight(random));
    return values;
  };
  qnet::Network network;
  network.name = "tiny";
  qnet::Tensor image{.name = "image", .height = kSide, .width = kSide, .channels = 1};
  qnet::Tensor middle{.name = "middle", .height = kSide, .width = kSide, .channels = 4, .bits = 4, .exponents = {8}};
  qnet::Tensor logits{.name = "logits", .channels = kClasses, .bits = 32, .is_signed = true, .exponents = {8}};
  network.tensors = {image, middle, logits};

  qnet::Layer conv;
  conv.name = "conv";
  conv.input = 0;
  conv.output = 1;
  conv.kernel_h = conv.kernel_w = 3;
  conv.pad_top = conv.pad_left = conv.pad_bottom = conv.pad_right = 1;
  conv.weight_bits = 4;
  conv.activation = qnet::Activation::kRelu;
  conv.weights = weights(4 * 9);
  conv.weight_exponents.assign(4, 0);
  conv.offsets.assign(4, 0);
  conv.bias.assign(4, 100);
  conv.shifts.assign(4, 8);
  conv.hi.assign(4, 15);

  qnet::Layer fc;
  fc.name = "fc";
  fc.input = 1;
  fc.output = 2;
  fc.kernel_h = fc.kernel_w = kSide;
  fc.weight_bits = 4;
  fc.weights = weights(kClasses * kSide * kSide * 4);
  fc.weight_exponents.assign(kClasses, 0);
  fc.offsets.assign(kClasses, 0);
  fc.bias.assign(kClasses, 0);
  fc.shifts.assign(kClasses, 0);
  network.layers = {conv, fc};
  return network;
}

inline void write_npy(const std::filesystem::path& file, DType type, const std::vector<std::size_t>& shape,
                      const void* data) {
  const std::string content = encode_npy(type, shape, data);
  std::ofstream(file, std::ios::binary) << content;
}

/// The network with images and labels in the test's folder, 19 of 20 classified right.
class TinyNetworkTest : public CommandTest {
protected:
  TinyNetworkTest() {
    qnet::write(network_, folder_ / "tiny.qnet");
    std::mt19937 random(11);
    for (auto& pixel : pixels_) pixel = static_cast<std::uint8_t>(random() & 255);
    write_npy(folder_ / "images.npy", DType::kUInt8, {kImages, kSide, kSide, 1}, pixels_.data());

    const std::vector<std::int32_t> logits = qnet::Golden(network_).run(pixels_.data(), kImages, 1);
    for (const int label : qnet::argmax(logits, kClasses)) labels_.push_back(label);
    labels_[0] = (labels_[0] + 1) % kClasses;  // one of 20 wrong: 95 %
    write_labels();
    setenv("SHIFTSIM_CACHE", (folder_ / "cache").c_str(), 1);
  }

  void write_labels() const { write_npy(folder_ / "labels.npy", DType::kInt64, {kImages}, labels_.data()); }

  qnet::Network network_ = tiny_network();
  std::vector<std::uint8_t> pixels_ = std::vector<std::uint8_t>(kImages * kSide * kSide);
  std::vector<std::int64_t> labels_;
};

}  // namespace shiftsim::test
