// Values of random convolutions: weights, biases, shift tables, the output's type.
#pragma once

#include "qnet/network.h"
#include "tests/qnet/random_network.h"
#include "tests/qnet/random_source.h"

namespace shiftsim::qnet {

class RandomConv {
public:
  struct Wish {
    bool may_split = false;  ///< the output may have an exponent for each channel
    bool residual = false;   ///< surely one, if a tensor fits
  };

  RandomConv(const RandomNetworkOptions& options, RandomSource& random) : options_(options), random_(random) {}

  /// Fills the network's last layer, whose geometry, groups and tensors are set; its output is the last tensor. An
  /// output of kLogitsBits stays one.
  void fill(Network& network, const Wish& wish);

private:
  void fill_weights(const Tensor& in, int outputs, Layer& layer);
  void fill_pad_values(Network& network, Layer& layer);
  void fill_logits(const Tensor& in, Layer& layer, Tensor& output);
  void fill_requantization(const Tensor& in, int sum_bits, bool may_split, Layer& layer, Tensor& output);
  void choose_activation(Layer& layer, Tensor& output);
  int top_code(const Layer& layer, const Tensor& output, int channel);
  void fit_accumulator(const Network& network, Layer& layer) const;
  void add_residual(const Network& network, Layer& layer);
  int weight(int low, int high, int style);

  const RandomNetworkOptions& options_;
  RandomSource& random_;
};

}  // namespace shiftsim::qnet
