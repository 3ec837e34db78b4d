// ONNX to the quantizer's graph.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "quantizer/graph/graph.h"

namespace shiftsim::quantizer {

class GraphBuilder;
class OnnxNode;

struct ImageSize {
  int height = 0, width = 0;
};

/// Asked for the images' size where the model leaves height or width open, given its channels.
using ImageSizeOf = std::function<ImageSize(int channels)>;

/// Reads an ONNX network and simplifies it: what remains are simple kinds of nodes (node_kind.h), BatchNorm folded and
/// activation functions merged. It has one input of any batch: an image of rank 4, NCHW or NHWC, or K values of rank 2
/// or 3 (then the input has K channels). Its output is one value per class, or a map. 'image_size' may be empty: then
/// height and width must be fixed. 'output_tensor': which value is meant; empty: the only output. Opsets 7 to 25.
/// Throws UserError naming the file, the node and the operator for whatever cannot be represented.
Graph import_onnx(const std::filesystem::path& file, const ImageSizeOf& image_size = {},
                  const std::string& output_tensor = "");

/// Offered each node of a file before the importer takes it; true: it is done with.
using NodeReader = std::function<bool(const OnnxNode& op, GraphBuilder& graph)>;

/// The first half of import_onnx, node by node as the file has them (affine, clamp, pad nodes and average pools are
/// nodes of their own). For quantized files, whose nodes 'reader' knows (it may be empty), and for tests of the second
/// half.
Graph import_onnx_unsimplified(const std::filesystem::path& file, const ImageSizeOf& image_size = {},
                               const std::string& output_tensor = "", const NodeReader& reader = {});

}  // namespace shiftsim::quantizer
