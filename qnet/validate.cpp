// What the contract promises of a network, checked before any engine sees it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "common/error.h"
#include "qnet/network.h"
#include "qnet/validate_layer.h"
#include "qnet/validation_reporter.h"

namespace shiftsim::qnet {
namespace {

constexpr int kMaxExtent = 1 << 16;           // of a tensor's height, width or channels
constexpr std::size_t kMaxTensor = 1U << 28;  // codes

class NetworkValidator {
public:
  NetworkValidator(const Network& network, std::string where) : network_(network), where_(std::move(where)) {}

  void run() {
    if (network_.tensors.empty()) fail("{}: found a network without tensors", where_);
    if (network_.layers.empty()) fail("{}: found a network without layers", where_);
    check_names();
    for (std::size_t i = 0; i < network_.tensors.size(); ++i) check_tensor(i);
    check_input();
    check_order();
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      validate_layer(network_, network_.layers[i], i + 1 == network_.layers.size(), where_);
    }
    check_exponents_of_readers();
  }

private:
  void check_names() const {
    std::set<std::string> names;
    for (const Tensor& tensor : network_.tensors) {
      if (tensor.name.empty() || !names.insert(tensor.name).second) {
        fail("{}: tensor '{}': found an empty name or one that another tensor has", where_, tensor.name);
      }
    }
    names.clear();
    for (const Layer& layer : network_.layers) {
      if (layer.name.empty() || !names.insert(layer.name).second) {
        fail("{}: layer '{}': found an empty name or one that another layer has", where_, layer.name);
      }
    }
  }

  void check_tensor(std::size_t index) const {
    const Tensor& tensor = network_.tensors[index];
    const ValidationReporter report(where_, "tensor", tensor.name);
    report.range("height", tensor.height, 1, kMaxExtent);
    report.range("width", tensor.width, 1, kMaxExtent);
    report.range("channels", tensor.channels, 1, kMaxExtent);
    if (tensor.size() > kMaxTensor) report.fail("found {} values, expected at most {}", tensor.size(), kMaxTensor);
    const bool logits = static_cast<int>(index) == network_.layers.back().output;
    if (logits && (tensor.bits != kLogitsBits || !tensor.is_signed)) {
      report.fail("found {} bits, {}, expected {} bits, signed, as the last layer's output holds the logits",
                  tensor.bits, tensor.is_signed ? "signed" : "unsigned", kLogitsBits);
    }
    const bool view = is_view(static_cast<int>(index));
    if (view) report.range("bits", tensor.bits, 2, 8);
    if (!logits && !view && tensor.bits != 2 && tensor.bits != 4 && tensor.bits != 8) {
      report.fail("bits: found {}, expected 2, 4 or 8", tensor.bits);
    }
    if (tensor.exponents.size() != 1 && (logits || tensor.exponents.size() != channels(tensor))) {
      report.fail("exponents: found {} of them, expected 1{}", tensor.exponents.size(),
                  logits ? "" : fmt::format(" or {}, one a channel", tensor.channels));
    }
    report.ranges("exponents", tensor.exponents, -kMaxExponent, kMaxExponent);
  }

  bool is_view(int tensor) const {
    return std::any_of(network_.layers.begin(), network_.layers.end(),
                       [&](const Layer& layer) { return layer.is_view() && layer.output == tensor; });
  }

  void check_input() const {
    const Tensor& image = network_.input();
    const ValidationReporter report(where_, "tensor", image.name);
    if (image.bits != 8 || image.is_signed || image.exponents != std::vector<int>{0}) {
      report.fail("found {} bits, {}, exponent {}, expected the network's input to be 8 bits, unsigned, exponent 0",
                  image.bits, image.is_signed ? "signed" : "unsigned", image.exponents[0]);
    }
    const InputSpec& spec = network_.input_spec;
    for (const auto* values : {&spec.mean, &spec.std_dev}) {
      if (values->size() != 1 && values->size() != channels(image)) {
        fail("{}: input_spec: found {} means or standard deviations, expected 1 or {}", where_, values->size(),
             image.channels);
      }
    }
    bool positive = std::isfinite(spec.scale) && spec.scale > 0;
    for (const double value : spec.std_dev) positive = positive && std::isfinite(value) && value > 0;
    for (const double value : spec.mean) positive = positive && std::isfinite(value);
    if (!positive) fail("{}: input_spec: expected finite numbers, scale and std above 0", where_);
  }

  /// Every tensor but the image is written once, and before it is read.
  void check_order() const {
    const int count = static_cast<int>(network_.tensors.size());
    std::vector<bool> written(network_.tensors.size(), false);
    written[0] = true;
    for (const Layer& layer : network_.layers) {
      const ValidationReporter report(where_, "layer", layer.name);
      report.range("input", layer.input, 0, count - 1);
      report.range("output", layer.output, 0, count - 1);
      report.range("residual", layer.residual, -1, count - 1);
      for (const int read : {layer.input, layer.residual}) {
        if (read >= 0 && !written[static_cast<std::size_t>(read)]) {
          report.fail("reads tensor '{}', which no layer before it writes", name(read));
        }
        if (read >= 0 && read == network_.layers.back().output) report.fail("reads the logits '{}'", name(read));
      }
      if (written[static_cast<std::size_t>(layer.output)]) {
        report.fail("writes tensor '{}', which {}", name(layer.output),
                    layer.output == 0 ? "is the network's input" : "another layer writes");
      }
      written[static_cast<std::size_t>(layer.output)] = true;
    }
    for (int i = 0; i < count; ++i) {
      if (!written[static_cast<std::size_t>(i)]) fail("{}: tensor '{}': no layer writes it", where_, name(i));
    }
  }

  /// Exponents that differ between channels cannot be summed over: each reader must keep the channels apart.
  void check_exponents_of_readers() const {
    for (const Layer& layer : network_.layers) {
      const Tensor& input = network_.in(layer);
      if (input.exponents.size() > 1 && !layer.keeps_channels_apart(input.channels)) {
        ValidationReporter(where_, "layer", layer.name)
            .fail("sums over the channels of '{}', whose exponents are one per channel", input.name);
      }
    }
  }

  const std::string& name(int tensor) const { return network_.tensors[static_cast<std::size_t>(tensor)].name; }
  static std::size_t channels(const Tensor& tensor) { return static_cast<std::size_t>(tensor.channels); }

  const Network& network_;
  std::string where_;
};

}  // namespace

void validate(const Network& network, const std::string& where) {
  NetworkValidator(network, where).run();
}

}  // namespace shiftsim::qnet
