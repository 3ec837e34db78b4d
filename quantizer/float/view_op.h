// A view in float: values gathered, and gradients brought back to where the values came from. Activations are NHWC.
#pragma once

#include <cstddef>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// 'output': the shape of the view; 'joined': null where nothing is joined.
void gather(const ViewMap& view, const Shape& output, const float* input, const float* joined, float* values,
            std::size_t images);

/// Adds the view's gradient to that of its input, or, with 'joined', to that of what is joined to it.
void scatter_add(const ViewMap& view, const Shape& output, bool joined, const float* gradient, float* source,
                 std::size_t images);

}  // namespace shiftsim::quantizer
