#include "tests/qnet/random_tables.h"

#include "qnet/bounds.h"

namespace shiftsim::qnet {

RandomTables::RandomTables(std::uint64_t seed, const RandomNetworkOptions& options)
    : random_(~seed), options_(options), wanted_(options.tables && random_.chance(50)) {}

void RandomTables::try_table(Network& network) {
  if (!wanted_ || !random_.chance(40) || network.tensors.back().exponents.size() > 1) return;
  const Layer layer_before = network.layers.back();
  Tensor& output = network.tensors.back();
  Layer& layer = network.layers.back();
  layer.activation = Activation::kTable;
  layer.lo = random_.chance(70) ? -128 : 0;
  layer.hi.assign(layer.hi.size(), static_cast<std::uint8_t>(layer.lo + 255));
  // The sums fill 8 bits as they did the output's.
  const int finer = kTableInputBits - output.bits;
  layer.table_exponent = output.exponents[0] - finer;
  for (std::int8_t& n : layer.shifts) n = static_cast<std::int8_t>(n - finer);
  if (bounds(network, layer).ppu.bits() > 32) {
    layer = layer_before;
    return;
  }
  output.bits = random_.of(options_.activation_bits);
  output.is_signed = options_.signed_activations && random_.chance(50);
  output.exponents = {random_.in(-6, 3)};
  const bool rising = random_.chance(50);
  for (int i = 0; i < static_cast<int>(kTableEntries); ++i) {
    const int code = layer.lo < 0 ? static_cast<std::int8_t>(i) : i;
    const int range = output.high() - output.low();
    const int entry = rising ? output.low() + (code - layer.lo) * range / 255 : random_.in(output.low(), output.high());
    layer.table.push_back(static_cast<std::uint8_t>(entry));
  }
}

}  // namespace shiftsim::qnet
