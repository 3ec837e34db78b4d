#include "tests/qnet/random_network.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "common/index.h"
#include "qnet/bounds.h"
#include "tests/qnet/random_conv.h"
#include "tests/qnet/random_geometry.h"
#include "tests/qnet/random_source.h"
#include "tests/qnet/random_tables.h"
#include "tests/qnet/random_views.h"

namespace shiftsim::qnet {
namespace {

class Builder {
public:
  Builder(std::uint64_t seed, const RandomNetworkOptions& options)
      : random_(seed),
        options_(options),
        tables_(seed, options_),
        views_(seed, options_, random_),
        conv_(options_, random_) {
    network_.name = fmt::format("random_{}", seed);
    network_.provenance.tool = "random_network";
    network_.provenance.seed = static_cast<std::int64_t>(seed);
    Tensor image;
    image.name = "image";
    image.height = random_.in(1, options_.max_size);
    image.width = random_.in(1, options_.max_size);
    image.channels = random_.in(1, 4);
    network_.tensors.push_back(image);
  }

  Network network() {
    for (int i = 0; i < options_.layers; ++i) {
      add(random_.of(possible_kinds(i == 0)), fmt::format("layer{}", i), /*may_split=*/true);
      if (options_.views && random_.chance(30)) views_.add(fmt::format("view{}", i), network_);
    }
    return finished();
  }

  Network around(RandomLayerKind kind) {
    if (kind == RandomLayerKind::kLinear) {
      if (random_.chance(50)) add(RandomLayerKind::kConv, "before", false);
      logits("tested", /*is_map=*/false);
      return check();
    }
    const bool may_split =
        options_.channel_exponents && kind != RandomLayerKind::kConv && kind != RandomLayerKind::kGrouped;
    if (random_.chance(80)) add(RandomLayerKind::kConv, "before", may_split);
    if (random_.chance(50) && current().exponents.size() == 1) residual_wanted_ = true;
    add(kind, "tested", true);
    return finished();
  }

private:
  const Tensor& current() const { return network_.tensors.back(); }

  /// What may read the last tensor, each as often as it is to be drawn.
  std::vector<RandomLayerKind> possible_kinds(bool is_stem) const {
    std::vector<RandomLayerKind> kinds;
    const bool apart = current().exponents.size() > 1;  // only layers that keep channels apart may read it
    if (!apart && (options_.conv || is_stem)) kinds.insert(kinds.end(), 4, RandomLayerKind::kConv);
    if (!apart && options_.grouped) kinds.insert(kinds.end(), 2, RandomLayerKind::kGrouped);
    if (options_.depthwise) kinds.insert(kinds.end(), 2, RandomLayerKind::kDepthwise);
    if (options_.max_pool) kinds.push_back(RandomLayerKind::kMaxPool);
    if (options_.sum_pool) kinds.push_back(RandomLayerKind::kSumPool);
    if (kinds.empty()) kinds.push_back(RandomLayerKind::kConv);
    return kinds;
  }

  Network finished() {
    // The last layer sums over channels, so it needs one exponent.
    if (current().exponents.size() > 1) add(RandomLayerKind::kDepthwise, "together", false);
    logits("logits", options_.maps && random_.chance(15));
    return check();
  }

  Network check() {
    validate(network_, network_.name);
    return network_;
  }

  /// A layer of this name behind the last tensor, and its output.
  std::pair<Layer, Tensor> behind_last(const std::string& name) const {
    Layer layer;
    layer.name = name;
    layer.input = static_cast<int>(network_.tensors.size()) - 1;
    layer.output = layer.input + 1;
    Tensor output;
    output.name = name + "_out";
    return {layer, output};
  }

  void append(const Layer& layer, const Tensor& output) {
    network_.tensors.push_back(output);
    network_.layers.push_back(layer);
  }

  void add(RandomLayerKind kind, const std::string& name, bool may_split) {
    if (kind == RandomLayerKind::kMaxPool || kind == RandomLayerKind::kSumPool) {
      add_pool(kind, name);
    } else {
      add_conv(kind, name, may_split);
    }
  }

  void add_conv(RandomLayerKind kind, const std::string& name, bool may_split) {
    auto [layer, output] = behind_last(name);
    const Tensor& in = current();
    const bool same = residual_wanted_ || random_.chance(40);
    (same ? same_geometry : any_geometry)(in, options_, random_, layer, output);
    if (kind == RandomLayerKind::kGrouped) {
      std::vector<int> divisors;
      for (int g = 2; g < in.channels; ++g) {
        if (in.channels % g == 0) divisors.push_back(g);
      }
      if (!divisors.empty()) layer.groups = random_.of(divisors);
    } else if (kind == RandomLayerKind::kDepthwise) {
      layer.groups = in.channels;
    }
    // Groups times anything that stays within the limit; a depthwise layer often has no multiplier.
    const int most = std::max(1, options_.max_channels / layer.groups);
    const int multiple = same && in.channels % layer.groups == 0 && random_.chance(70) ? in.channels / layer.groups
                         : kind == RandomLayerKind::kDepthwise && random_.chance(60)   ? 1
                                                                                       : random_.in(1, most);
    output.channels = layer.groups * multiple;
    append(layer, output);
    fill_conv({may_split, residual_wanted_});
    residual_wanted_ = false;
  }

  void fill_conv(const RandomConv::Wish& wish) {
    conv_.fill(network_, wish);
    if (current().bits != kLogitsBits) tables_.try_table(network_);
    SHIFTSIM_CHECK(bounds(network_, network_.layers.back()).ppu.bits() <= 32, "{}", network_.name);
  }

  void add_pool(RandomLayerKind kind, const std::string& name) {
    auto [layer, output] = behind_last(name);
    const Tensor& in = current();
    layer.kind = kind == RandomLayerKind::kMaxPool ? LayerKind::kMaxPool : LayerKind::kSumPool;
    output.channels = in.channels;
    output.is_signed = in.is_signed;
    if (layer.kind == LayerKind::kSumPool && random_.chance(50)) {  // global
      layer.kernel_h = in.height;
      layer.kernel_w = in.width;
    } else {
      any_geometry(in, options_, random_, layer, output);
    }
    if (layer.kind == LayerKind::kMaxPool) {
      output.bits = in.bits <= 2 ? 2 : in.bits <= 4 ? 4 : 8;
      output.exponents = in.exponents;
      append(layer, output);
      return;
    }
    output.bits = random_.of(options_.activation_bits);
    if (random_.chance(20)) {
      layer.activation = Activation::kRelu;
      output.is_signed = false;
    }
    layer.lo = output.low();
    const int n = random_.in(0, 5);
    output.exponents.clear();
    for (const int e : in.exponents) output.exponents.push_back(e + n);
    layer.shifts.assign(index(in.channels), static_cast<std::int8_t>(n));
    layer.hi.assign(index(in.channels), static_cast<std::uint8_t>(output.high()));
    append(layer, output);
    tables_.try_table(network_);
  }

  /// The last layer: its kernel is the whole map, or any where the network's output is a map.
  void logits(const std::string& name, bool is_map) {
    auto [layer, output] = behind_last(name);
    const Tensor& in = current();
    output.name = "logits_out";
    if (is_map) {
      any_geometry(in, options_, random_, layer, output);
    } else {
      layer.kernel_h = in.height;
      layer.kernel_w = in.width;
    }
    output.channels = random_.in(1, options_.max_classes);
    output.bits = kLogitsBits;
    output.is_signed = true;
    append(layer, output);
    fill_conv({});
  }

  RandomSource random_;
  RandomNetworkOptions options_;
  RandomTables tables_;
  RandomViews views_;
  RandomConv conv_;
  Network network_;
  bool residual_wanted_ = false;
};

}  // namespace

Network random_network(std::uint64_t seed, const RandomNetworkOptions& options) {
  return Builder(seed, options).network();
}

Network random_layer_network(std::uint64_t seed, RandomLayerKind kind, const RandomNetworkOptions& options) {
  return Builder(seed, options).around(kind);
}

bool has_tables(const Network& network) {
  return std::any_of(network.layers.begin(), network.layers.end(),
                     [](const Layer& layer) { return layer.has_table(); });
}

std::size_t layer_index(const Network& network, const std::string& name) {
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (network.layers[i].name == name) return i;
  }
  throw InternalError("no layer " + name);
}

std::vector<std::int32_t> random_codes(const Tensor& tensor, std::uint64_t seed) {
  RandomSource random(seed);
  const int style = random.in(0, 4);
  std::vector<std::int32_t> codes(tensor.size());
  for (std::int32_t& code : codes) {
    if (style == 0) code = tensor.high();
    if (style == 1) code = tensor.low();
    if (style == 2) code = random.chance(40) ? tensor.low() : random.chance(50) ? tensor.high() : 0;
    if (style >= 3) code = random.in(tensor.low(), tensor.high());
  }
  return codes;
}

std::vector<std::uint8_t> random_images(const Network& network, std::size_t count, std::uint64_t seed) {
  std::vector<std::uint8_t> images;
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<std::int32_t> codes = random_codes(network.input(), seed * 1000 + i);
    for (const std::int32_t code : codes) images.push_back(static_cast<std::uint8_t>(code));
  }
  return images;
}

}  // namespace shiftsim::qnet
