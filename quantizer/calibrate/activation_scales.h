// The search for the scales of activation tensors, and the rounding to them.
#pragma once

#include "common/thread_pool.h"
#include "quantizer/float/activation_store.h"
#include "quantizer/plan/quantized_network.h"
#include "quantizer/recipe/recipe.h"
#include "quantizer/search/activation_search.h"

namespace shiftsim::quantizer {

/// A tensor as statistics see it: all pixels, or about 2^19 of them, evenly spread. Means and errors of so many change
/// less than other images would change them, and a dozen passes over gigabytes take most of calibration's time.
PixelSample pixel_sample(const Plan& plan, int tensor, const ActivationMemory::Block& values);

class ActivationScales {
public:
  /// All arguments must outlive it; 'network' gets the scales.
  ActivationScales(QuantizedNetwork& network, const Recipe& recipe, ThreadPool& workers)
      : network_(network), recipe_(recipe), workers_(workers) {}

  /// The tensor's scale, with the least error on these values.
  void search(int tensor, const ActivationMemory::Block& values);
  /// Rounds values of 'images' images to the tensor's scale.
  void round(int tensor, ActivationMemory::Block& values, std::size_t images) const;

private:
  template <typename Work>
  void for_channels(const PixelSample& pixels, Work work) const;
  void search_free(int tensor, const PixelSample& pixels);
  int search_exponent(int tensor, const PixelSample& pixels) const;
  void search_exponents(int tensor, const PixelSample& pixels);

  QuantizedNetwork& network_;
  const Recipe& recipe_;
  ThreadPool& workers_;
};

}  // namespace shiftsim::quantizer
