// A quantized file while it becomes a network: what its nodes stand for, the network so far, and names.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "quantizer/exchange/exchange_facts.h"
#include "quantizer/exchange/quantized_file.h"
#include "quantizer/exchange/sum_layer.h"

namespace shiftsim::quantizer {

/// What a node of the graph stands for.
struct ImportedValue {
  int tensor = -1;                ///< a quantized activation
  Window pads{};                  ///< padding around it
  std::optional<double> pad{};    ///< the value of the padding
  std::vector<double> centre{};   ///< of the image: per channel, what is taken away from it
  std::optional<SumLayer> sum{};  ///< not quantized yet
};

class ImportState {
public:
  ImportState(QuantizedGraph source, ExchangeFacts source_facts, std::string source_path);

  QuantizedGraph file;
  ExchangeFacts facts;
  std::string path;
  std::vector<ImportedValue> values;  ///< of the graph's nodes
  qnet::Network network;
  ImportCounts counts;
  CodeQuantizer image;    ///< the quantizer of the network's input
  std::set<int> unnamed;  ///< tensors of maxima and views that no quantization has named yet

  const Node& at(int node) const { return file.graph.at(node); }
  const ImportedValue& input(int node, std::size_t which = 0) const;
  qnet::Tensor& tensor(int number) { return network.tensors[static_cast<std::size_t>(number)]; }
  const qnet::Tensor& tensor(int number) const { return network.tensors[static_cast<std::size_t>(number)]; }
  Place place(int node) const;

  /// The name under which the file's facts know a layer, else one that is not taken.
  std::string layer_name(int node);
  std::string tensor_name(const std::string& wanted);

  /// The tensor that a node reads; padding and centre are the caller's to look at. Throws UserError where it is not
  /// quantized.
  int tensor_of(int node, const ImportedValue& value) const;
  /// The same; padding and centre are a UserError.
  int plain_tensor(int node, const ImportedValue& value) const;
  /// Whether a tensor is the image and its codes are not its values.
  bool is_moved_image(int number) const { return number == 0 && (image.low != 0 || image.exponents[0] != 0); }

  /// An empty sum that reads the value.
  SumLayer new_sum(int node, const ImportedValue& value, const Window& window, int groups);
  /// Each channel's sum over a window.
  SumLayer ones(int node, const ImportedValue& value, const Window& window);
  /// A value as sums that more can be added to.
  SumLayer summed(int node, const ImportedValue& value);
  /// Puts the factor of a mean into codes and exponents.
  void settle_mean(SumLayer& sum);

private:
  SumInput sum_input(int node, const ImportedValue& value) const;

  std::set<std::string> layer_names_, tensor_names_;
};

}  // namespace shiftsim::quantizer
