#include "quantizer/app/measure_float.h"

#include <fmt/format.h>

#include "common/error.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/thread_pool.h"
#include "qnet/io.h"
#include "quantizer/app/network_images.h"
#include "quantizer/evaluate/accuracy.h"
#include "quantizer/float/float_engine.h"
#include "quantizer/import/onnx_import.h"

namespace shiftsim::quantizer {

namespace fs = std::filesystem;

void measure_float(const fs::path& model, const std::string& output_tensor, const fs::path& qnet, const fs::path& test,
                   const std::optional<fs::path>& labels, int threads) {
  qnet::Network network = qnet::read(qnet);
  const Graph graph = import_onnx(
      model,
      [&](int) {
        return ImageSize{network.input().height, network.input().width};
      },
      output_tensor);
  if (network.provenance.model_hash != sha256_file(model)) {
    fail("{}: was made from another model than {}", qnet.string(), model.string());
  }
  const ImageSet images = load_test_images({test, labels}, graph);
  Progress progress("float network", images.count, "images");
  const FloatEngine engine(graph, network.input_spec, thread_count(threads));
  const auto logits = engine.run(images, 0, images.count, [&](std::size_t done) { progress.update(done); });
  const auto found = argmax_float(logits, static_cast<std::size_t>(graph.output().shape.channels));
  network.provenance.float_accuracy = compare(found, found, images.labels).before;
  network.provenance.float_accuracy_images = static_cast<int>(images.count);
  qnet::write(network, qnet);
}

}  // namespace shiftsim::quantizer
