// The table of an activation function, and where it stands in the integer network.
#pragma once

#include <cstdint>
#include <vector>

#include "qnet/network.h"
#include "quantizer/graph/scalar_function.h"
#include "quantizer/search/activation_search.h"

namespace shiftsim::quantizer {

/// The codes that index a table: 256 from 'low' on (-128 or 0), value = code * 2^exponent.
struct TableInput {
  int low = -128, exponent = 0;
};

/// For each code the output's code of f(value), a byte of two's complement, indexed by the input code's bits. f is
/// computed in double precision, and rounded to the output's step as the fake-quantized network rounds.
std::vector<std::uint8_t> activation_table(const ScalarFunction& function, const TableInput& input,
                                           const ActivationRange& output, int output_exponent);

/// Makes a layer one that is but a table, the entries to come: a sum of one value, in the codes of 'in'.
void become_table(qnet::Layer& layer, const qnet::Tensor& in);

/// Moves tables behind the clamps of the layers before them, and leaves out what these made: a layer that is but a
/// table (a sum_pool of one pixel, no shift) becomes one with the layer that makes its input, where this has 8 bits,
/// one exponent, no other reader and no clamp of its own. The values of all tensors that are left stay the same.
qnet::Network merge_tables(const qnet::Network& network);

}  // namespace shiftsim::quantizer
