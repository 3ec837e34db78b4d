// Integer weights by the error of the layer's output, not by that of the weights.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "quantizer/float/conv_op.h"
#include "quantizer/search/weight_search.h"

namespace shiftsim::quantizer {

/// Second moments M [fan][fan] of a group's windows and U, upper triangular, with M = U' U.
struct GroupMoments {
  std::size_t fan = 0;
  std::span<const float> values, factor;
};

/// Second moments of what a convolution's windows hold, fan = weights of an output channel in their order. An output
/// channel whose weights are off by d errs by d' M d, mean squared.
class WindowMoments {
public:
  WindowMoments() = default;
  /// values [group][fan][fan], each symmetric and positive definite.
  WindowMoments(std::size_t fan, std::vector<float> values);

  std::size_t fan() const { return fan_; }
  GroupMoments of_group(std::size_t group) const;

private:
  std::size_t fan_ = 0;
  std::vector<float> values_, factors_;  ///< [group][fan][fan]
};

/// Channels of more weights than this are better left alone: the matrix would take gigabytes.
inline constexpr std::size_t kMostWeightsOfMoments = 8192;

/// Over about 'samples' windows, spread evenly over 'images' inputs [images][height][width][channels]. 'centred': about
/// their means, for layers whose bias is corrected afterwards. A hundredth of the mean variance is added to each, as
/// few samples know little of weights that are seldom met.
WindowMoments window_moments(const ConvGeometry& geometry, const float* input, std::size_t images, bool centred,
                             std::size_t samples);

/// Bytes that window_moments() takes at its peak.
std::size_t window_moments_memory(const ConvGeometry& geometry, std::size_t images, std::size_t samples);

struct ChannelIntegers {
  WeightQuantizer quantizer;
  std::vector<std::int8_t> integer_weights;
  double error = 0;  ///< d' M d
};

/// One weight after another moves to the integer weight that lowers d' M d most given all others, until none does
/// (coordinate descent; QuantEase, Behdin et al. 2023). Never worse than the integer weights it starts from. The errors
/// of the layers before are left alone: weights that made up for them (d' M d + 2 d' E[x (x - x0)'] w) shrink what is
/// noisy, and lost MobileNetV2 14 points at W4A4.
ChannelIntegers descend(std::span<const float> weights, const WeightQuantizer& quantizer, const GroupMoments& moments,
                        std::vector<std::int8_t> from);

std::vector<std::int8_t> nearest_integer_weights(std::span<const float> weights, const WeightQuantizer& quantizer);

/// The integer weights with the least d' M d of all, below 'bound': the closest point of a lattice in a box, depth
/// first, nearest level first (sphere decoding, Schnorr and Euchner 1994). Ends after 'limit' steps with the best so
/// far. After 'fan' of them that is the first integer weights it comes to: each weight's nearest to what makes up best
/// for the errors of those behind it (Babai's point; OPTQ, Frantar et al. 2023). None where none were found.
std::optional<ChannelIntegers> decode(std::span<const float> weights, const WeightQuantizer& quantizer,
                                      const GroupMoments& moments, double bound, std::size_t limit);

/// The best of the quantizers with the least quantization_error (all of them where there are few weights), each with
/// its integer weights by descend(), from the nearest ones and from decode()'s first, and, up to 16 weights, by
/// decode(). 'allow' says whether a quantizer with these integer weights is legal; where none is, the result has no
/// integer weights.
ChannelIntegers search_integer_weights(
    std::span<const float> weights, const WeightSearch& search, const GroupMoments& moments,
    const std::function<bool(const WeightQuantizer&, std::span<const std::int8_t>)>& allow);

}  // namespace shiftsim::quantizer
