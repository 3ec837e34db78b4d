// Random valid networks for property tests, here and of other engines. Link shiftsim_qnet_testing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::qnet {

struct RandomNetworkOptions {
  int layers = 6;         ///< before the linear layer at the end (one more where channels must be brought together)
  int max_size = 12;      ///< height and width of the image: 1 to this
  int max_channels = 20;  ///< of any tensor but the logits
  int max_kernel = 4;
  int max_stride = 3;
  int max_dilation = 2;
  int max_classes = 11;
  int acc_bits = 24;  ///< no layer's accumulators need more (bounds(...).accumulator and, where depthwise, widened)
  std::vector<int> activation_bits{2, 4, 8};
  std::vector<int> weight_bits{2, 4, 8};
  bool conv = true;  ///< dense convolutions (the stem and the last layer are always dense)
  bool grouped = true;
  bool depthwise = true;  ///< with and without a multiplier
  bool max_pool = true, sum_pool = true;
  bool asymmetric_pads = true;
  bool pad_values = true;  ///< the image padded with its mean
  bool residuals = true;
  bool offsets = true;
  bool signed_activations = true;
  bool relu6 = true;
  bool maps = true;               ///< outputs that are maps
  bool views = true;              ///< joined, sliced, shuffled; pixels repeated
  bool tables = true;             ///< activation tables, in every second network
  bool channel_exponents = true;  ///< tensors with one exponent per channel, where the contract allows
};

/// A random network: every layer feeds the next, some have residuals. The same seed and options give the same network.
/// It passes qnet::validate.
Network random_network(std::uint64_t seed, const RandomNetworkOptions& options = {});

enum class RandomLayerKind { kConv, kGrouped, kDepthwise, kMaxPool, kSumPool, kLinear };

/// A network around one random layer, named "tested" (a linear one is the last): as few layers as its input and
/// residual need before it, and the linear layer that every network ends with.
Network random_layer_network(std::uint64_t seed, RandomLayerKind kind, const RandomNetworkOptions& options = {});

/// Whether some layer has an activation table.
bool has_tables(const Network& network);

/// Index of the layer of this name.
std::size_t layer_index(const Network& network, const std::string& name);

/// Codes of a tensor of at most 8 bits: by seed, uniform, all at an end of the range, or ends and zeros mixed.
std::vector<std::int32_t> random_codes(const Tensor& tensor, std::uint64_t seed);

/// The same as pixels: 'count' images of the network.
std::vector<std::uint8_t> random_images(const Network& network, std::size_t count, std::uint64_t seed);

}  // namespace shiftsim::qnet
