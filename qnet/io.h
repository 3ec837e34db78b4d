// Reading and writing .qnet folders: network.yaml and one .npy file per array. docs/qnet-format.md shows one.
//
// network.yaml, top level:
//   format          qnet
//   version         1 (kFormatVersion)
//   name            text
//   input_spec      {mean: [m], std: [s], scale: x}: the float network's input was (pixel / scale - mean) / std; one
//   number
//                   or one per channel
//   provenance      tool, recipe, recipe_hash, model, model_hash, calibration (text), seed, calibration_images
//   (integers),
//                   method (text), float_accuracy (%, -1: unknown), float_accuracy_images (integer)
//   tensors         list; the first is the image
//   layers          list, in order of execution; the last gives the logits
//
// A tensor:
//   name            unique
//   shape           [height, width, channels]
//   bits            2, 4 or 8; 32 for the logits
//   signed          true or false
//   exponents       [e], or one per channel
//
// A layer:
//   name            unique
//   kind            a name of layer_kind.h
//   input, output   names of tensors; residual likewise, only where there is one
//   kernel          [height, width]; stride, dilation likewise
//   pad             [top, left, bottom, right]
//   groups          conv
//   weight_bits     conv: 2, 4 or 8
//   activation      none, relu or relu6
//   lo              lower clamp (0 for logits and max_pool, which do not clamp)
//   arrays          mapping of array name -> {file, dtype, shape, sha256}; file: a name in this folder, dtype: NumPy's,
//   sha256:
//                   of the whole .npy file. K output channels, Cin input channels:
//     weights            |i1 [K, kernel height, kernel width, Cin / groups]   conv
//     weight_exponents   |i1 [K]                                             conv
//     offsets            |i1 [K]   half steps                                conv
//     bias               <i4 [K]                                             conv
//     shifts             |i1 [K]                                             kinds that requantize
//     residual_shifts    |i1 [K]                                             where there is a residual
//     hi                 |u1 [K]   upper clamp                               likewise, but for the logits
//     pad_values         |u1 [Cin]                                           optional, where the image is read
#pragma once

#include <filesystem>
#include <string>

#include "qnet/network.h"

namespace shiftsim::qnet {

/// Reads and validates a folder. Throws UserError: missing file, unknown key, wrong format version, an array whose
/// checksum, type or shape is not what network.yaml says, or anything qnet::validate rejects.
Network read(const std::filesystem::path& folder);

/// SHA-256 of what network.yaml would say of the network. It holds a checksum of every array, so two networks of one
/// hash are the same to the last bit.
std::string content_hash(const Network& network);

/// Validates and writes a folder, under a temporary name and renamed when complete; an older one is replaced. Refuses
/// to replace a folder that holds something else than a network.
void write(const Network& network, const std::filesystem::path& folder);

}  // namespace shiftsim::qnet
