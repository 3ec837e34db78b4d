// Kernels, strides, dilations and padding of random layers.
#pragma once

#include "qnet/network.h"
#include "tests/qnet/random_network.h"
#include "tests/qnet/random_source.h"

namespace shiftsim::qnet {

/// Sets the layer's window and the output's height and width: any that leave at least one output.
void any_geometry(const Tensor& in, const RandomNetworkOptions& options, RandomSource& random, Layer& layer,
                  Tensor& output);

/// The same where the output has the map's own size: what a residual from before the layer needs.
void same_geometry(const Tensor& in, const RandomNetworkOptions& options, RandomSource& random, Layer& layer,
                   Tensor& output);

}  // namespace shiftsim::qnet
