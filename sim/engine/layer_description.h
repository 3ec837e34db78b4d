// A layer's name, kind and shape as reports show them.
#pragma once

#include "qnet/network.h"
#include "sim/compiler/program.h"
#include "sim/report/result.h"

namespace shiftsim::sim {

/// All of a LayerResult that does not come from running it. 'tiles': of one image.
LayerResult describe_layer(const qnet::Network& network, const qnet::Layer& layer, const LayerPlan& plan);

}  // namespace shiftsim::sim
