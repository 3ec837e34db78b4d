// quantrun's ways to other tools. --export-onnx and --export-qonnx write what it quantized, or a network that is there;
// --import-quantized reads what others have quantized.
#pragma once

#include <filesystem>
#include <optional>

#include "qnet/network.h"
#include "quantizer/import/onnx_import.h"

namespace CLI {
class App;
}

namespace shiftsim::quantizer {

struct ExchangeOptions {
  std::filesystem::path network;               ///< a .qnet to export; empty: what is quantized
  std::filesystem::path qdq_file, qonnx_file;  ///< to write; empty: not asked for
  int opset = 13;                              ///< of the QDQ file
  std::filesystem::path quantized_file;        ///< to import; empty: none
  bool nearest_scales = false;                 ///< takes scales that are no powers of two

  bool exports() const { return !qdq_file.empty() || !qonnx_file.empty(); }
  bool imports() const { return !quantized_file.empty(); }
  bool exports_network() const { return !network.empty(); }
  /// Whether nothing is to be quantized.
  bool is_command() const { return imports() || exports_network(); }
};

void add_exchange_options(CLI::App& app, ExchangeOptions& options);

/// Writes the files that are asked for, all or none. 'print': what the exports need and where they went, to stdout.
/// Throws UserError.
void write_exports(const qnet::Network& network, bool print, const ExchangeOptions& options);

/// The commands of --network and --import-quantized: a network that is there is exported; a file becomes the .qnet
/// 'output', and is exported where that is asked for. 'size': of the images, where the file leaves it open.
void run_exchange(const std::optional<std::filesystem::path>& output, const std::optional<ImageSize>& size, bool print,
                  const ExchangeOptions& options);

}  // namespace shiftsim::quantizer
