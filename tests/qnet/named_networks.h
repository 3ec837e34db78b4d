// Networks that everybody knows, with random weights, so that tests and benchmarks need no trained ones. Link
// shiftsim_qnet_testing.
#pragma once

#include <string>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::qnet {

/// ResNet-18's shape for 28x28x1 images: stem of 16 channels, four stages of two basic blocks (16, 32, 64, 128 channels
/// at 28, 14, 7 and 4 pixels), 4-bit weights and activations, 8 bits in the stem, the last layer and the shortcuts.
Network residual_network();

/// Torchvision's classifiers for 224x224x3 images with 1,000 classes: "resnet18", "resnet50", "mobilenet_v2". 8 bits in
/// the first and the last layer, these widths elsewhere; 2-bit weights have offsets. Another name is an error.
Network imagenet_network(const std::string& name, int weight_bits = 2, int activation_bits = 4);

}  // namespace shiftsim::qnet
