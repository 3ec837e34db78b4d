// ImageNet classifiers as torchvision builds them and torch.onnx.export writes them (BatchNorm kept, opset 17), with
// random weights: the topology, the node idioms and the names are theirs.
#pragma once

#include <cmath>

#include "tests/quantizer/onnx_builder.h"

namespace shiftsim::quantizer {

// 'size': of the square image; 224 is the published networks'. The batch is symbolic. Weights are scaled after He;
// BatchNorm's statistics are about those that such images would give, so that activations stay of order 1.

OnnxBuilder resnet18_model(int size, unsigned seed);
OnnxBuilder resnet50_model(int size, unsigned seed);
OnnxBuilder mobilenet_v2_model(int size, unsigned seed);
OnnxBuilder mnasnet1_0_model(int size, unsigned seed);
/// The paper's RegNetX-600MF in the way torchvision writes RegNets (it has no RegNet of just this size).
OnnxBuilder regnet_x_600mf_model(int size, unsigned seed);

}  // namespace shiftsim::quantizer
