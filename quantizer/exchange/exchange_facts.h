// What a .qnet says and ONNX has no place for. It travels in the ONNX file's metadata, as JSON under one key.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "qnet/network.h"

namespace shiftsim::quantizer {

inline constexpr const char* kFactsKey = "shiftsim.qnet";

/// Of the input: how pixels are normalized. Of each layer: kind, weight bits, half-step offsets, activation. Of each
/// tensor: bits and sign.
std::string facts_json(const qnet::Network& network);

struct LayerFacts {
  qnet::LayerKind kind = qnet::LayerKind::kConv;
  int weight_bits = 0;       ///< 0: not told
  std::vector<int> offsets;  ///< empty: none
  qnet::Activation activation = qnet::Activation::kNone;
};

struct TensorFacts {
  int bits = 8;
  bool is_signed = false;
};

struct ExchangeFacts {
  bool known = false;  ///< the file has them
  qnet::InputSpec input_spec;
  std::map<std::string, TensorFacts> tensors;  ///< by the tensor's name
  std::map<std::string, LayerFacts> layers;    ///< by the layer's name
};

/// From the metadata's text. Throws UserError naming 'file' where it is not what facts_json() writes.
ExchangeFacts read_facts(const std::string& json, const std::string& file);

}  // namespace shiftsim::quantizer
