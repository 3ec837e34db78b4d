#include "tests/qnet/random_network.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "common/error.h"
#include "qnet/bounds.h"

namespace shiftsim::qnet {
namespace {

/// Random numbers that do not depend on the standard library (its distributions may differ).
class Random {
public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  int in(int low, int high) { return low + static_cast<int>(engine_() % (static_cast<std::uint64_t>(high - low) + 1)); }
  bool chance(int percent) { return in(0, 99) < percent; }
  template <typename T>
  const T& of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(in(0, static_cast<int>(choices.size()) - 1))];
  }

private:
  std::mt19937_64 engine_;
};

class Builder {
public:
  Builder(std::uint64_t seed, const RandomNetworkOptions& options)
      : random_(seed),
        table_random_(~seed),
        pixel_random_(seed ^ 0x9e3779b97f4a7c15),
        options_(options),
        tables_(options.tables && table_random_.chance(50)) {
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
      std::vector<RandomLayerKind> kinds;
      const bool apart = current().exponents.size() > 1;  // only layers that keep channels apart may read it
      if (!apart && (options_.conv || i == 0)) kinds.insert(kinds.end(), 4, RandomLayerKind::kConv);
      if (!apart && options_.grouped) kinds.insert(kinds.end(), 2, RandomLayerKind::kGrouped);
      if (options_.depthwise) kinds.insert(kinds.end(), 2, RandomLayerKind::kDepthwise);
      if (options_.max_pool) kinds.push_back(RandomLayerKind::kMaxPool);
      if (options_.sum_pool) kinds.push_back(RandomLayerKind::kSumPool);
      if (kinds.empty()) kinds.push_back(RandomLayerKind::kConv);
      add(random_.of(kinds), fmt::format("layer{}", i), /*may_split=*/true);
      if (options_.views && random_.chance(30)) add_view(fmt::format("view{}", i));
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
  static std::size_t size(int value) { return static_cast<std::size_t>(value); }

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

  /// Kernel, stride, dilation and padding of one axis that leave at least one output.
  void axis(int input, int& kernel, int& stride, int& dilation, int& before, int& after, int& output) {
    for (;;) {
      kernel = random_.in(1, options_.max_kernel);
      stride = random_.chance(60) ? 1 : random_.in(1, options_.max_stride);
      dilation = random_.chance(70) ? 1 : random_.in(1, options_.max_dilation);
      const int reach = dilation * (kernel - 1);
      before = random_.chance(50) ? reach / 2 : random_.in(0, reach);
      after = !options_.asymmetric_pads ? before : random_.chance(50) ? reach - reach / 2 : random_.in(0, reach);
      const int room = input + before + after - reach - 1;
      if (room < 0) continue;
      output = room / stride + 1;
      return;
    }
  }

  void geometry(Layer& layer, Tensor& output) {
    const Tensor& in = current();
    axis(in.height, layer.kernel_h, layer.stride_h, layer.dilation_h, layer.pad_top, layer.pad_bottom, output.height);
    axis(in.width, layer.kernel_w, layer.stride_w, layer.dilation_w, layer.pad_left, layer.pad_right, output.width);
  }

  /// The map's own size: what a residual from before the layer needs.
  void same_geometry(Layer& layer, Tensor& output) {
    const Tensor& in = current();
    auto odd = [&] { return 1 + 2 * random_.in(0, (options_.max_kernel - 1) / 2); };
    layer.kernel_h = odd();
    layer.kernel_w = odd();
    layer.pad_top = layer.pad_bottom = layer.kernel_h / 2;
    layer.pad_left = layer.pad_right = layer.kernel_w / 2;
    output.height = in.height;
    output.width = in.width;
  }

  void add(RandomLayerKind kind, const std::string& name, bool may_split) {
    Layer layer;
    Tensor output;
    layer.name = name;
    output.name = name + "_out";
    layer.input = static_cast<int>(network_.tensors.size()) - 1;
    layer.output = layer.input + 1;
    const Tensor in = current();
    if (kind == RandomLayerKind::kMaxPool || kind == RandomLayerKind::kSumPool) {
      add_pool(kind, layer, output);
      return;
    }
    const bool same = residual_wanted_ || random_.chance(40);
    same ? same_geometry(layer, output) : geometry(layer, output);
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
    network_.tensors.push_back(output);
    network_.layers.push_back(layer);
    fill_conv(may_split);
    residual_wanted_ = false;
  }

  void add_pool(RandomLayerKind kind, Layer& layer, Tensor& output) {
    const Tensor in = current();
    layer.kind = kind == RandomLayerKind::kMaxPool ? LayerKind::kMaxPool : LayerKind::kSumPool;
    output.channels = in.channels;
    output.is_signed = in.is_signed;
    if (layer.kind == LayerKind::kSumPool && random_.chance(50)) {  // global
      layer.kernel_h = in.height;
      layer.kernel_w = in.width;
    } else {
      geometry(layer, output);
    }
    if (layer.kind == LayerKind::kMaxPool) {
      output.bits = in.bits <= 2 ? 2 : in.bits <= 4 ? 4 : 8;
      output.exponents = in.exponents;
      network_.tensors.push_back(output);
      network_.layers.push_back(layer);
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
    layer.shifts.assign(size(in.channels), static_cast<std::int8_t>(n));
    layer.hi.assign(size(in.channels), static_cast<std::uint8_t>(output.high()));
    network_.tensors.push_back(output);
    network_.layers.push_back(layer);
    try_table();
  }

  /// Sometimes gives the layer just added an activation table, where its output has one exponent.
  void try_table() {
    if (!tables_ || !table_random_.chance(40) || network_.tensors.back().exponents.size() > 1) return;
    const Layer layer_before = network_.layers.back();
    Tensor& output = network_.tensors.back();
    Layer& layer = network_.layers.back();
    layer.activation = Activation::kTable;
    layer.lo = table_random_.chance(70) ? -128 : 0;
    layer.hi.assign(layer.hi.size(), static_cast<std::uint8_t>(layer.lo + 255));
    // The sums fill 8 bits as they did the output's.
    const int finer = kTableInputBits - output.bits;
    layer.table_exponent = output.exponents[0] - finer;
    for (std::int8_t& n : layer.shifts) n = static_cast<std::int8_t>(n - finer);
    if (bounds(network_, layer).ppu.bits() > 32) {
      layer = layer_before;
      return;
    }
    output.bits = table_random_.of(options_.activation_bits);
    output.is_signed = options_.signed_activations && table_random_.chance(50);
    output.exponents = {table_random_.in(-6, 3)};
    const bool rising = table_random_.chance(50);
    for (int i = 0; i < static_cast<int>(kTableEntries); ++i) {
      const int code = layer.lo < 0 ? static_cast<std::int8_t>(i) : i;
      const int range = output.high() - output.low();
      const int entry =
          rising ? output.low() + (code - layer.lo) * range / 255 : table_random_.in(output.low(), output.high());
      layer.table.push_back(static_cast<std::uint8_t>(entry));
    }
  }

  /// A view of the last tensor and, often, of an earlier one: all their channels, a slice, or some in any order.
  void add_view(const std::string& name) {
    const auto last = static_cast<int>(network_.tensors.size()) - 1;
    Layer layer;
    layer.kind = LayerKind::kView;
    layer.name = name;
    layer.input = last;
    layer.output = last + 1;
    const Tensor in = current();
    std::vector<int> fitting;
    for (int t = 1; t <= last; ++t) {
      const Tensor& other = network_.tensors[size(t)];
      const bool some_signed = in.is_signed || other.is_signed;
      const bool holds_both = !some_signed || (in.high() <= 127 && other.high() <= 127);
      if (other.height == in.height && other.width == in.width && holds_both) fitting.push_back(t);
    }
    if (random_.chance(75)) layer.residual = random_.of(fitting);
    const int all = in.channels + (layer.residual >= 0 ? network_.tensors[size(layer.residual)].channels : 0);
    const int first = random_.in(0, all - 1);
    const int style = random_.in(0, 3);
    if (style == 0 || style == 1) {
      const int end = style == 0 ? all : random_.in(first + 1, all);
      for (int c = style == 0 ? 0 : first; c < end; ++c) layer.channels.push_back(c);
    } else if (style == 2) {
      const int half = (all + 1) / 2;
      for (int c = 0; c < all; ++c) layer.channels.push_back(c % 2 == 0 ? c / 2 : half + c / 2);
    } else {
      const int count = random_.in(1, all);
      for (int c = 0; c < count; ++c) layer.channels.push_back(random_.in(0, all - 1));
    }
    const std::size_t most = 2 * size(options_.max_channels);
    if (layer.channels.size() > most) layer.channels.resize(most);
    if (random_.chance(30)) layer.view.upsample_h = random_.in(1, std::max(1, 2 * options_.max_size / in.height));
    if (random_.chance(30)) layer.view.upsample_w = random_.in(1, std::max(1, 2 * options_.max_size / in.width));
    Size shown{in.height, in.width};
    if (pixel_random_.chance(40)) shown = change_pixels(layer, in);
    network_.tensors.push_back(view_tensor(layer, shown));
    network_.layers.push_back(layer);
  }

  struct Size {
    int height, width;
  };

  /// Joins along height or width, or leaves out the border, or both. The pixels that are shown, before they are
  /// repeated.
  Size change_pixels(Layer& layer, const Tensor& in) {
    Size all{in.height, in.width};
    if (pixel_random_.chance(60)) {
      const bool down = pixel_random_.chance(50);
      std::vector<int> fitting;
      for (int t = 1; t <= layer.input; ++t) {
        const Tensor& other = network_.tensors[size(t)];
        const bool same_side = down ? other.width == in.width : other.height == in.height;
        const bool small = (down ? in.height + other.height : in.width + other.width) <= 2 * options_.max_size;
        const bool holds_both = in.is_signed == other.is_signed || (in.high() <= 127 && other.high() <= 127);
        if (same_side && small && holds_both && other.channels == in.channels && other.exponents == in.exponents)
          fitting.push_back(t);
      }
      if (!fitting.empty()) {
        layer.residual = pixel_random_.of(fitting);
        layer.view.join = down ? JoinAxis::kHeight : JoinAxis::kWidth;
        for (std::int32_t& c : layer.channels) c %= in.channels;
        const Tensor& joined = network_.tensors[size(layer.residual)];
        (down ? all.height : all.width) += down ? joined.height : joined.width;
      }
    }
    if (pixel_random_.chance(60)) {
      layer.view.crop_top = pixel_random_.in(0, all.height - 1);
      layer.view.crop_left = pixel_random_.in(0, all.width - 1);
      all = {pixel_random_.in(1, all.height - layer.view.crop_top),
             pixel_random_.in(1, all.width - layer.view.crop_left)};
    }
    const auto limit = [&](int times, int side) { return std::min(times, std::max(1, 2 * options_.max_size / side)); };
    layer.view.upsample_h = limit(layer.view.upsample_h, all.height);
    layer.view.upsample_w = limit(layer.view.upsample_w, all.width);
    return all;
  }

  /// The least width and sign that hold the codes of what the view reads.
  Tensor view_tensor(const Layer& layer, const Size& shown) const {
    const Tensor& in = network_.in(layer);
    const Tensor& joined = network_.tensors[size(std::max(layer.residual, 0))];
    Tensor output;
    output.name = layer.name + "_out";
    output.height = shown.height * layer.view.upsample_h;
    output.width = shown.width * layer.view.upsample_w;
    output.channels = static_cast<int>(layer.channels.size());
    output.exponents.clear();
    int low = 0, high = 1;
    for (const std::int32_t c : layer.channels) {
      const bool second = c >= in.channels;
      const Tensor& source = second ? joined : in;
      low = std::min(low, source.low());
      high = std::max(high, source.high());
      output.exponents.push_back(source.exponent(second ? c - in.channels : c));
      if (!layer.view.joins_pixels()) continue;
      low = std::min(low, joined.low());
      high = std::max(high, joined.high());
    }
    if (std::ranges::all_of(output.exponents, [&](int e) { return e == output.exponents[0]; }))
      output.exponents.resize(1);
    output.is_signed = low < 0;
    output.bits = 2;
    while (output.bits < 8 && (output.low() > low || output.high() < high)) ++output.bits;
    return output;
  }

  /// The last layer: its kernel is the whole map, or any where the network's output is a map.
  void logits(const std::string& name, bool is_map) {
    const Tensor& in = current();
    Layer layer;
    layer.name = name;
    layer.input = static_cast<int>(network_.tensors.size()) - 1;
    layer.output = layer.input + 1;
    Tensor output;
    output.name = "logits_out";
    if (is_map) {
      geometry(layer, output);
    } else {
      layer.kernel_h = in.height;
      layer.kernel_w = in.width;
    }
    output.channels = random_.in(1, options_.max_classes);
    output.bits = kLogitsBits;
    output.is_signed = true;
    network_.tensors.push_back(output);
    network_.layers.push_back(layer);
    fill_conv(false);
  }

  int weight(int low, int high, int style) {
    if (style == 0) return random_.chance(50) ? low : high;                 // the ends
    if (style == 1) return random_.chance(70) ? 0 : random_.in(low, high);  // sparse
    return random_.in(low, high);
  }

  /// Weights, tables and the output's type of the conv layer just added.
  void fill_conv(bool may_split) {
    Layer& layer = network_.layers.back();
    Tensor& output = network_.tensors.back();
    const Tensor& in = network_.in(layer);
    const bool logits = output.bits == kLogitsBits;
    const std::size_t outputs = size(output.channels);

    layer.weight_bits = random_.of(options_.weight_bits);
    const int low = -(1 << (layer.weight_bits - 1)), high = -low - 1, style = random_.in(0, 5);
    layer.weights.resize(outputs * size(layer.kernel_h) * size(layer.kernel_w) * size(in.channels / layer.groups));
    for (std::int8_t& w : layer.weights) w = static_cast<std::int8_t>(weight(low, high, style));
    layer.offsets.assign(outputs, 0);
    if (options_.offsets && random_.chance(60)) {
      for (std::int8_t& c : layer.offsets) c = static_cast<std::int8_t>(random_.chance(30) ? 0 : random_.in(-8, 7));
    }
    if (layer.input == 0 && options_.pad_values && random_.chance(60)) {
      network_.input_spec.mean.clear();
      for (int c = 0; c < in.channels; ++c) {
        const bool first = layer.pad_values.size() == 0 && random_.chance(20);
        layer.pad_values.push_back(static_cast<std::uint8_t>(first ? 255 : random_.in(0, 255)));
        network_.input_spec.mean.push_back(layer.pad_values.back() / network_.input_spec.scale);
      }
      network_.input_spec.std_dev = {1.0};
    }
    layer.bias.assign(outputs, 0);
    layer.shifts.assign(outputs, 0);
    layer.weight_exponents.assign(outputs, 0);
    output.bits = 8;
    fit_accumulator(layer);
    const Interval acc = bounds(network_, layer).widened;  // exactly acc, layer by layer
    const auto reach = static_cast<int>(std::min<std::int64_t>(std::max(-acc.low, acc.high), 1 << 24));
    for (std::int32_t& b : layer.bias) b = random_.chance(80) ? random_.in(-reach / 4, reach / 4) : 0;

    const int half_steps = layer.has_offset() ? 1 : 0;
    const int per_group = output.channels / layer.groups, inputs_per_group = in.channels / layer.groups;
    auto input_exponent = [&](int k) { return in.exponent(k / per_group * inputs_per_group); };
    if (logits) {
      output.bits = kLogitsBits;
      std::vector<int> spread(outputs);
      for (int& d : spread) d = random_.in(0, 3);
      const int least = *std::min_element(spread.begin(), spread.end());
      const int base = random_.in(-8, 0);
      for (std::size_t k = 0; k < outputs; ++k) {
        layer.weight_exponents[k] = static_cast<std::int8_t>(base + spread[k]);
        layer.shifts[k] = static_cast<std::int8_t>(least - spread[k]);
      }
      output.exponents = {input_exponent(0) + base + least - half_steps};
      return;
    }

    output.bits = random_.of(options_.activation_bits);
    const int activation = random_.in(0, 5);
    layer.activation = options_.signed_activations && activation < 2 ? Activation::kNone
                       : options_.relu6 && activation == 2           ? Activation::kRelu6
                                                                     : Activation::kRelu;
    output.is_signed = layer.activation == Activation::kNone;
    layer.lo = output.low();
    // A shift that brings the sums near the output's range, so that few outputs are all 0 or all clamped; sometimes to
    // the left.
    int n = random_.chance(10) ? random_.in(-2, 0) : std::max(0, acc.bits() - output.bits - random_.in(0, 3));
    n = std::min(n, 24);
    const bool split = may_split && options_.channel_exponents && random_.chance(25) && options_.depthwise;
    const int out_exponent = options_.views && random_.chance(60) ? -2 : random_.in(-6, 3);
    output.exponents.clear();
    for (int k = 0; k < (split ? output.channels : 1); ++k)
      output.exponents.push_back(out_exponent + (split ? random_.in(-1, 1) : 0));
    const int spread = random_.in(0, 2);
    for (int k = 0; k < output.channels; ++k) {
      const int shift = n + random_.in(-spread, spread);
      const int ea = output.exponent(k) - shift;
      layer.shifts[size(k)] = static_cast<std::int8_t>(shift);
      layer.weight_exponents[size(k)] = static_cast<std::int8_t>(ea - input_exponent(k) + half_steps);
      int top = output.high();
      if (layer.activation == Activation::kRelu6) {
        // Its channel may have been multiplied by something.
        const double six = 6 * std::exp2(random_.in(-4, 4) / 8.0);
        top = static_cast<int>(std::min<double>(top, std::round(std::ldexp(six, -output.exponent(k)))));
      }
      layer.hi.push_back(static_cast<std::uint8_t>(top));
    }
    if (options_.residuals && (residual_wanted_ || random_.chance(60))) add_residual(layer, output);
    try_table();
    SHIFTSIM_CHECK(bounds(network_, layer).ppu.bits() <= 32, "{}", network_.name);
  }

  /// Makes weights smaller until the accumulator fits.
  void fit_accumulator(Layer& layer) {
    auto width = [&] {
      const LayerBounds b = bounds(network_, layer);
      return std::max(b.accumulator.bits(),
                      layer.keeps_channels_apart(network_.in(layer).channels) ? b.widened.bits() : 0);
    };
    while (width() > options_.acc_bits) {
      bool changed = false;
      for (std::int8_t& w : layer.weights) {
        changed = changed || w != 0;
        w = static_cast<std::int8_t>(w / 2);
      }
      if (!changed) std::fill(layer.offsets.begin(), layer.offsets.end(), 0);
      SHIFTSIM_CHECK(changed || layer.weights[0] == 0, "acc_bits {} too small", options_.acc_bits);
      if (!changed && width() > options_.acc_bits) throw InternalError("acc_bits too small for any weights");
    }
  }

  /// A residual from any earlier tensor of the output's shape, if the shifts allow it.
  void add_residual(Layer& layer, const Tensor& output) {
    std::vector<int> candidates;
    for (int t = 0; t < layer.output; ++t) {
      const Tensor& r = network_.tensors[size(t)];
      if (r.height == output.height && r.width == output.width && r.channels == output.channels)
        candidates.push_back(t);
    }
    if (candidates.empty()) return;
    layer.residual = random_.of(candidates);
    const Tensor& r = network_.tensors[size(layer.residual)];
    for (int k = 0; k < output.channels; ++k) {
      const int shift = r.exponent(k) - (output.exponent(k) - layer.shifts[size(k)]);
      layer.residual_shifts.push_back(static_cast<std::int8_t>(std::clamp(shift, -100, 100)));
    }
    const bool in_range = std::all_of(layer.residual_shifts.begin(), layer.residual_shifts.end(),
                                      [](std::int8_t s) { return s >= -31 && s <= 31; });
    if (in_range && bounds(network_, layer).ppu.bits() <= 32) return;
    layer.residual = -1;
    layer.residual_shifts.clear();
  }

  Random random_;
  Random table_random_;  ///< so that networks without tables do not depend on them
  Random pixel_random_;  ///< the same of networks whose views keep pixels
  RandomNetworkOptions options_;
  bool tables_;
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
  Random random(seed);
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
