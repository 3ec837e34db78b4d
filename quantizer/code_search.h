// Weights' codes by the error of the layer's output, not by that of the weights.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "quantizer/conv_op.h"
#include "quantizer/weight_search.h"

namespace shiftsim::quantizer {

/// Second moments of what a convolution's windows hold, [group][fan][fan], fan = weights of an output channel in their
/// order. An output channel whose weights are off by d errs by d' M d, mean squared.
struct WindowMoments {
  std::size_t fan = 0;
  int groups = 1;
  std::vector<float> values;

  std::span<const float> of_group(int group) const {
    return std::span(values).subspan(static_cast<std::size_t>(group) * fan * fan, fan * fan);
  }
};

/// Channels of more weights than this are better left alone: the matrix would take gigabytes.
inline constexpr std::size_t kMostWeightsOfMoments = 8192;

/// Over about 'samples' windows, spread evenly over 'images' inputs [images][height][width][channels]. 'centred': about
/// their means, for layers whose bias is corrected afterwards. A hundredth of the mean variance is added to each, as
/// few samples know little of weights that are seldom met.
WindowMoments window_moments(const ConvGeometry& geometry, const float* input, std::size_t images, bool centred,
                             std::size_t samples);

struct ChannelCodes {
  WeightGrid grid;
  std::vector<std::int8_t> codes;
  double error = 0;  ///< d' M d
};

/// From the nearest codes, one weight after another moves to the code that lowers d' M d most given all others, until
/// none does (coordinate descent; QuantEase, Behdin et al. 2023). Never worse than rounding to nearest. The errors of
/// the layers before are left alone: weights that made up for them (d' M d + 2 d' E[x (x - x0)'] w) shrink what is
/// noisy, and lost MobileNetV2 14 points at W4A4.
ChannelCodes descend(std::span<const float> weights, const WeightGrid& grid, std::span<const float> moments);

/// Up to this many weights, search_codes() finds the best codes there are: depthwise 3x3 windows have 9.
inline constexpr std::size_t kMostWeightsOfDecoder = 16;

/// The codes with the least d' M d of all, for a few weights whose inputs are much alike, where moving one weight at a
/// time soon stands still: the closest point of a lattice in a box, depth first, nearest level first (sphere decoding,
/// Schnorr and Euchner 1994).
class CodeDecoder {
public:
  /// moments [fan][fan], positive definite, fan <= kMostWeightsOfDecoder.
  CodeDecoder(std::size_t fan, std::span<const float> moments);

  /// None where no codes have an error below 'bound', or where none were found within 'limit' steps, which ends the
  /// search with the best so far.
  std::optional<ChannelCodes> decode(std::span<const float> weights, const WeightGrid& grid, double bound,
                                     std::size_t limit = kLimit) const;

private:
  static constexpr std::size_t kLimit = 20'000;
  std::size_t fan_;
  std::vector<double> factor_;  ///< upper triangle [fan][fan], M = factor' factor
};

/// The best of the grids with the least grid_error (all of them where there are few weights), each with its codes by
/// descend(), and by CodeDecoder where that can be better. 'allow' says whether a grid with these codes is legal; where
/// none is, the result has no codes.
ChannelCodes search_codes(std::span<const float> weights, const WeightSearch& search, std::span<const float> moments,
                          const std::function<bool(const WeightGrid&, std::span<const std::int8_t>)>& allow);

}  // namespace shiftsim::quantizer
