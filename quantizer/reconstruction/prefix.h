// The layers in front of a unit, run over images from the pixels on.
#pragma once

#include <functional>
#include <vector>

#include "quantizer/activation_store.h"
#include "quantizer/parallel.h"
#include "quantizer/quantized_network.h"
#include "quantizer/reconstruction/unit_model.h"

namespace shiftsim::quantizer {

/// Sets a model of some of the network's layers to the float network, or to the quantized one as far as it is decided.
void set_float(UnitModel& model, const Plan& plan);
void set_quantized(UnitModel& model, const QuantizedNetwork& network, bool quantize_activations);

/// Writes image i as the first layer sees it, [height][width][channels].
using ShowImage = std::function<void(std::size_t i, float* to)>;

/// Tensors made by layers in front of 'layer', of all images, [images][height][width][channels], by 'tensors': in the
/// model as set up. The same at any number of threads.
std::vector<ActivationMemory::Block> run_prefix(const Plan& plan, int layer, const std::vector<int>& tensors,
                                                std::size_t images, const ShowImage& show,
                                                const std::function<void(UnitModel&)>& set_up, Workers& workers,
                                                ActivationMemory& memory);

}  // namespace shiftsim::quantizer
