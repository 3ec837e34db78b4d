// Constants repeated until all have one shape, by NumPy's rules.
#pragma once

#include <cstdint>
#include <vector>

#include "quantizer/import/constant_folding/folded_node.h"

namespace shiftsim::quantizer {

/// The shape that these inputs of the node have together. Rejects the node where they have none.
std::vector<std::int64_t> common_shape(const FoldedNode& node, const std::vector<const Constant*>& values);

/// For each element of a constant in this shape, the element of 'value' that stands for it.
std::vector<std::size_t> repeated_places(const Constant& value, const std::vector<std::int64_t>& dims);

}  // namespace shiftsim::quantizer
