#include "golden/shiftsim_golden.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/images.h"
#include "common/suggestion.h"
#include "common/text.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "qnet/layer_arrays.h"

namespace {

using namespace shiftsim;

/// An array of a layer; 'value' reads an element.
struct Array {
  std::size_t layer = 0;
  std::string name;
  std::size_t size = 0;
  std::function<std::int32_t(std::size_t)> value;
};

struct Field {
  const char* name;
  int (*of)(const qnet::Network& network, const qnet::Layer& layer);
};

int residual_signed(const qnet::Network& network, const qnet::Layer& layer) {
  return layer.residual >= 0 && network.tensors[static_cast<std::size_t>(layer.residual)].is_signed ? 1 : 0;
}

// A row a field; 'n' is the network, 'l' the layer.
#define FIELD(name, expression)                                     \
  {                                                                 \
    name, [](const qnet::Network& n, const qnet::Layer& l) -> int { \
      static_cast<void>(n);                                         \
      static_cast<void>(l);                                         \
      return expression;                                            \
    }                                                               \
  }
constexpr Field kFields[] = {
    FIELD("in_h", n.in(l).height),
    FIELD("in_w", n.in(l).width),
    FIELD("in_c", n.in(l).channels),
    FIELD("in_signed", n.in(l).is_signed ? 1 : 0),
    FIELD("out_h", n.out(l).height),
    FIELD("out_w", n.out(l).width),
    FIELD("out_c", n.out(l).channels),
    FIELD("out_signed", n.out(l).is_signed ? 1 : 0),
    FIELD("out_bits", n.out(l).bits),
    FIELD("kernel_h", l.kernel_h),
    FIELD("kernel_w", l.kernel_w),
    FIELD("stride_h", l.stride_h),
    FIELD("stride_w", l.stride_w),
    FIELD("dilation_h", l.dilation_h),
    FIELD("dilation_w", l.dilation_w),
    FIELD("pad_top", l.pad_top),
    FIELD("pad_left", l.pad_left),
    FIELD("groups", l.groups),
    FIELD("weight_bits", l.weight_bits),
    FIELD("lo", l.lo),
    FIELD("has_offset", l.has_offset() ? 1 : 0),
    FIELD("residual_signed", residual_signed(n, l)),
};
#undef FIELD

std::string& last_error() {
  thread_local std::string message;
  return message;
}

/// Runs 'work'; where it throws, 'failed', and the message is kept.
template <typename Result, typename Work>
Result guarded(Result failed, const Work& work) {
  last_error().clear();
  try {
    return work();
  } catch (const std::exception& error) {
    last_error() = error.what();
    return failed;
  }
}

}  // namespace

/// Not movable: 'golden' and 'arrays' refer to 'network' and 'trace'.
struct ShiftsimGolden {
  explicit ShiftsimGolden(qnet::Network of) : network(std::move(of)), golden(network), image(network.input().size()) {
    for (const qnet::Tensor& tensor : network.tensors) trace.emplace_back(tensor.size());
    for (std::size_t i = 0; i < network.layers.size(); ++i) add_arrays(i);
  }
  ShiftsimGolden(const ShiftsimGolden&) = delete;
  ShiftsimGolden& operator=(const ShiftsimGolden&) = delete;

  void add_tensor(std::size_t layer, const char* name, int tensor) {
    const auto index = static_cast<std::size_t>(tensor);
    arrays.push_back(
        {layer, name, network.tensors[index].size(), [this, index](std::size_t i) { return trace[index][i]; }});
  }
  void add_arrays(std::size_t index) {
    const qnet::Layer& layer = network.layers[index];
    add_tensor(index, "input", layer.input);
    if (layer.residual >= 0) add_tensor(index, "residual", layer.residual);
    add_tensor(index, "output", layer.output);
    qnet::for_each_array(network, layer, index + 1 == network.layers.size(),
                         [&](const char* name, const auto& values, const qnet::ArrayShape&, bool) {
                           if (values.empty()) return;
                           arrays.push_back({index, name, values.size(), [&values](std::size_t i) {
                                               return static_cast<std::int32_t>(values[i]);
                                             }});
                         });
  }
  const qnet::Layer& layer(int index) const {
    if (index < 0 || static_cast<std::size_t>(index) >= network.layers.size())
      fail("layer {}: network {} has layers 0 to {}", index, network.name, network.layers.size() - 1);
    return network.layers[static_cast<std::size_t>(index)];
  }
  const Array& array(int number) const {
    if (number < 0 || static_cast<std::size_t>(number) >= arrays.size())
      fail("array {}: is no number that shiftsim_golden_array() gave", number);
    return arrays[static_cast<std::size_t>(number)];
  }

  const qnet::Network network;
  const qnet::Golden golden;
  std::vector<std::uint8_t> image;
  qnet::ImageTrace trace;
  std::vector<Array> arrays;
};

int shiftsim_golden_version() {
  return SHIFTSIM_GOLDEN_VERSION;
}

const char* shiftsim_golden_error() {
  return last_error().c_str();
}

ShiftsimGolden* shiftsim_golden_open(const char* folder) {
  return guarded<ShiftsimGolden*>(nullptr,
                                  [&] { return std::make_unique<ShiftsimGolden>(qnet::read(folder)).release(); });
}

void shiftsim_golden_close(ShiftsimGolden* golden) {
  delete golden;
}

int shiftsim_golden_layers(ShiftsimGolden* golden) {
  return static_cast<int>(golden->network.layers.size());
}

int shiftsim_golden_layer(ShiftsimGolden* golden, const char* name) {
  return guarded(-1, [&] {
    std::vector<std::string> names;
    for (const qnet::Layer& layer : golden->network.layers) names.push_back(layer.name);
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) fail("network {} has no layer {}{}", golden->network.name, name, suggestion(name, names));
    return static_cast<int>(found - names.begin());
  });
}

const char* shiftsim_golden_layer_name(ShiftsimGolden* golden, int layer) {
  return guarded("", [&] { return golden->layer(layer).name.c_str(); });
}

const char* shiftsim_golden_layer_kind(ShiftsimGolden* golden, int layer) {
  return guarded("", [&] { return qnet::to_string(golden->layer(layer).kind); });
}

int shiftsim_golden_field(ShiftsimGolden* golden, int layer, const char* field) {
  return guarded(-1, [&] {
    const qnet::Layer& of = golden->layer(layer);
    std::vector<std::string> names;
    for (const Field& known : kFields) {
      if (known.name == std::string_view(field)) return known.of(golden->network, of);
      names.emplace_back(known.name);
    }
    fail("found field {}, expected one of {}{}", field, join(names), suggestion(field, names));
  });
}

int shiftsim_golden_set_image(ShiftsimGolden* golden, const std::uint8_t* pixels, int count) {
  return guarded(-1, [&] {
    if (count < 0 || static_cast<std::size_t>(count) != golden->image.size())
      fail("image: found {} values, expected {}", count, golden->image.size());
    std::copy_n(pixels, count, golden->image.begin());
    return 0;
  });
}

int shiftsim_golden_set_pixel(ShiftsimGolden* golden, int index, int value) {
  return guarded(-1, [&] {
    if (index < 0 || static_cast<std::size_t>(index) >= golden->image.size())
      fail("image: found index {}, expected 0 to {}", index, golden->image.size() - 1);
    if (value < 0 || value > 255) fail("image: found value {}, expected 0 to 255", value);
    golden->image[static_cast<std::size_t>(index)] = static_cast<std::uint8_t>(value);
    return 0;
  });
}

int shiftsim_golden_load_image(ShiftsimGolden* golden, const char* path, int index) {
  return guarded(-1, [&] {
    if (index < 0) fail("image: found number {}, expected 0 or more", index);
    const qnet::Tensor& input = golden->network.input();
    const auto number = static_cast<std::size_t>(index);
    const ImageSet set =
        read_images_of_shape(path, {}, static_cast<std::size_t>(input.height), static_cast<std::size_t>(input.width),
                             static_cast<std::size_t>(input.channels), number + 1);
    if (number >= set.count) fail("{}: found {} images, expected number {}, counted from 0", path, set.count, index);
    golden->image.assign(set.image(number), set.image(number) + set.image_size());
    return 0;
  });
}

int shiftsim_golden_run(ShiftsimGolden* golden) {
  return guarded(-1, [&] {
    golden->trace = golden->golden.trace(golden->image.data());
    return 0;
  });
}

int shiftsim_golden_array(ShiftsimGolden* golden, int layer, const char* name) {
  return guarded(-1, [&] {
    const qnet::Layer& of = golden->layer(layer);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < golden->arrays.size(); ++i) {
      const Array& array = golden->arrays[i];
      if (array.layer != static_cast<std::size_t>(layer)) continue;
      if (array.name == name) return static_cast<int>(i);
      names.push_back(array.name);
    }
    fail("layer {} has no array {}, expected one of {}", of.name, name, join(names));
  });
}

int shiftsim_golden_size(ShiftsimGolden* golden, int array) {
  return guarded(-1, [&] { return static_cast<int>(golden->array(array).size); });
}

std::int32_t shiftsim_golden_value(ShiftsimGolden* golden, int array, int index) {
  return guarded(0, [&] {
    const Array& of = golden->array(array);
    if (index < 0 || static_cast<std::size_t>(index) >= of.size)
      fail("array {}: found index {}, expected 0 to {}", of.name, index, of.size - 1);
    return of.value(static_cast<std::size_t>(index));
  });
}

int shiftsim_golden_read(ShiftsimGolden* golden, int array, std::int32_t* values, int count) {
  return guarded(-1, [&] {
    const Array& of = golden->array(array);
    if (count < 0 || static_cast<std::size_t>(count) > of.size)
      fail("array {}: {} elements are asked for, it has {}", of.name, count, of.size);
    for (int i = 0; i < count; ++i) values[i] = of.value(static_cast<std::size_t>(i));
    return 0;
  });
}
