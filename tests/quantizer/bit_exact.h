// The golden reference's integers against what they stand for (fake_quantization.h), and images to run them on.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>

#include "common/images.h"
#include "qnet/golden.h"
#include "quantizer/evaluate/fake_quantized.h"
#include "quantizer/export/integer_export.h"
#include "quantizer/graph/graph.h"
#include "tests/quantizer/fake_quantization.h"

namespace shiftsim::quantizer {

inline ImageSet random_images(const Shape& shape, std::size_t count, unsigned seed) {
  ImageSet images;
  images.count = count;
  images.height = static_cast<std::size_t>(shape.height);
  images.width = static_cast<std::size_t>(shape.width);
  images.channels = static_cast<std::size_t>(shape.channels);
  std::mt19937 random(seed);
  for (std::size_t i = 0; i < count * images.image_size(); ++i)
    images.pixels.push_back(static_cast<std::uint8_t>(random() % 256));
  return images;
}

/// Every tensor of 'count' images: golden's integers against the reals they stand for.
inline void expect_bit_exact(const qnet::Network& network, const ImageSet& images, std::size_t count,
                             const std::string& what) {
  const qnet::Golden golden(network);
  const FakeQuantization fake(network);
  const auto classes = static_cast<std::size_t>(network.output().channels);
  const auto logits = golden.run(images.image(0), count, 2);
  for (std::size_t i = 0; i < count; ++i) {
    const auto maps = fake.run(images.image(i));
    const auto trace = golden.trace(images.image(i));
    ASSERT_EQ(trace.size(), maps.size());
    for (std::size_t t = 0; t < maps.size(); ++t) {
      const qnet::Tensor& tensor = network.tensors[t];
      ASSERT_EQ(trace[t].size(), maps[t].size()) << tensor.name;
      for (std::size_t j = 0; j < maps[t].size(); ++j) {
        const int channel = static_cast<int>(j % static_cast<std::size_t>(tensor.channels));
        ASSERT_EQ(trace[t][j] * std::pow(2.0, tensor.exponent(channel)), maps[t][j])
            << what << ": image " << i << " tensor " << tensor.name << " element " << j;
      }
    }
    for (std::size_t k = 0; k < classes; ++k)
      ASSERT_EQ(logits[i * classes + k], trace[static_cast<std::size_t>(network.layers.back().output)][k]);
  }
}

/// What the quantizer judges by, its own fake quantization in float, against the integers it exports: equal, not near.
/// Sums must fit the 24 bits of a float's mantissa.
inline void expect_judged_as_exported(const QuantizedNetwork& network, const ImageSet& images,
                                      const std::string& what) {
  const qnet::Network integers = to_integers(network);
  const auto logits = qnet::Golden(integers).run(images.image(0), images.count, 2);
  const std::vector<float> judged = run_fake_quantized(network, images, images.count, 2);
  ASSERT_EQ(logits.size(), judged.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    ASSERT_EQ(logits[i] * std::pow(2.0, integers.output().exponents[0]), judged[i]) << what << ": logit " << i;
}

}  // namespace shiftsim::quantizer
