// Images that fit the network, and labels that are its classes.
#pragma once

#include "common/image_source.h"
#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

/// Reads images of the network's input shape. Throws UserError where they have another shape or there are none.
ImageSet load_images(const ImageSource& source, const Shape& shape);

/// Images to measure accuracy on. Throws UserError as load_images(), and where labels are missing or are no classes of
/// the network.
ImageSet load_test_images(const ImageSource& source, const Graph& graph);

}  // namespace shiftsim::quantizer
