#include "quantizer/app/quantrun_exchange.h"

#include <CLI/CLI.hpp>

#include "common/atomic_file.h"
#include "common/error.h"
#include "qnet/io.h"
#include "quantizer/exchange/onnx_export.h"
#include "quantizer/exchange/quantized_import.h"

namespace shiftsim::quantizer {

void add_exchange_options(CLI::App& app, ExchangeOptions& options) {
  const char* group = "Other tools (docs/onnx-exchange.md)";
  auto* qdq = app.add_option("--export-onnx", options.qdq_file,
                             "Write the integer network as ONNX of the same integers: QuantizeLinear, DequantizeLinear")
                  ->group(group);
  app.add_option("--export-opset", options.opset,
                 "13: codes of 8 bits; 21: weights of 4 bits where they hold the values")
      ->check(CLI::IsMember({kInt8Opset, kInt4Opset}))
      ->capture_default_str()
      ->needs(qdq)
      ->group(group);
  app.add_option("--export-qonnx", options.qonnx_file, "Write it as QONNX: Quant nodes with exact bit widths")
      ->group(group);
  auto* network =
      app.add_option("--network", options.network, "A .qnet folder to export, in place of --model and --calibration")
          ->group(group);
  auto* quantized =
      app.add_option("--import-quantized", options.quantized_file,
                     "An ONNX file that another tool has quantized (QDQ or QONNX, scales powers of two), to "
                     "become the .qnet of --output with the same integers")
          ->needs(app.get_option("--output"))
          ->excludes(network)
          ->group(group);
  app.add_flag("--nearest-scales", options.nearest_scales,
               "Take the nearest power of two for a scale that is none, and 0 for a zero point; print what it cost")
      ->needs(quantized)
      ->group(group);
  for (const char* other : {"--model", "--calibration", "--recipe", "--report", "--images"}) {
    network->excludes(app.get_option(other));
    quantized->excludes(app.get_option(other));
  }
  network->excludes(app.get_option("--output"));
}

void write_exports(const qnet::Network& network, bool print, const ExchangeOptions& options) {
  if (!options.exports()) return;
  std::optional<ExportedOnnx> qdq, qonnx;
  if (!options.qdq_file.empty()) qdq = export_onnx(network, OnnxFormat::kQdq, options.opset);
  if (!options.qonnx_file.empty()) qonnx = export_onnx(network, OnnxFormat::kQonnx);
  if (qdq) write_file_atomically(options.qdq_file, qdq->bytes);
  if (qonnx) write_file_atomically(options.qonnx_file, qonnx->bytes);
  if (!print) return;
  fmt::print("{}", export_text(qdq ? qdq->report : qonnx->report));
  if (qdq) fmt::print("wrote {}\n", options.qdq_file.string());
  if (qonnx) fmt::print("wrote {}\n", options.qonnx_file.string());
}

namespace {

void run_import(const std::filesystem::path& output, const std::optional<ImageSize>& size, bool print,
                const ExchangeOptions& options) {
  const ImageSizeOf fixed = [&](int) { return *size; };
  const QuantizedImport imported =
      import_quantized(options.quantized_file, size ? fixed : ImageSizeOf{}, options.nearest_scales);
  qnet::write(imported.network, output);
  if (print) fmt::print("{}wrote {}\n", import_text(imported), output.string());
  write_exports(imported.network, print, options);
}

}  // namespace

void run_exchange(const std::optional<std::filesystem::path>& output, const std::optional<ImageSize>& size, bool print,
                  const ExchangeOptions& options) {
  if (options.imports()) {
    run_import(*output, size, print, options);
    return;
  }
  if (!options.exports()) fail("--network: give --export-onnx or --export-qonnx, the file to write");
  write_exports(qnet::read(options.network), print, options);
}

}  // namespace shiftsim::quantizer
