#include "quantizer/app/quantize_model.h"

#include <algorithm>
#include <chrono>

#include "common/content_key.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/thread_pool.h"
#include "common/version.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "quantizer/app/network_images.h"
#include "quantizer/app/quantize.h"
#include "quantizer/app/time_budget.h"
#include "quantizer/evaluate/fake_quantized.h"
#include "quantizer/export/activation_table.h"
#include "quantizer/export/integer_export.h"
#include "quantizer/float/float_engine.h"
#include "quantizer/recipe/image_roles.h"

namespace shiftsim::quantizer {
namespace {

/// Of all that decides what is learned: the chosen images, whatever file or folder they came from.
std::string fingerprint(const std::string& recipe, const std::string& model_hash, const QuantizeInputs& inputs) {
  ContentKey key;
  key.add(recipe).add(model_hash);
  const ImageSet& images = inputs.calibration;
  for (const std::size_t image : inputs.chosen)
    key.add({reinterpret_cast<const char*>(images.image(image)), images.image_size()});
  return key.text();
}

qnet::Network integers(const QuantizedNetwork& quantized, const QuantizeInputs& inputs, const QuantizeRequest& request,
                       const std::string& model_hash) {
  qnet::Network network = to_integers(quantized);
  qnet::Provenance& provenance = network.provenance;
  provenance.tool = std::string("quantrun ") + version();
  provenance.recipe = label_of(request.recipe);
  provenance.recipe_hash = sha256(to_yaml(inputs.recipe));
  provenance.model = request.model.filename().string();
  provenance.model_hash = model_hash;
  provenance.calibration = request.calibration.path.filename().string();
  provenance.seed = inputs.recipe.calibration_seed;
  provenance.calibration_images = static_cast<int>(inputs.chosen.size());
  provenance.method = inputs.recipe.method;
  return network;
}

std::vector<int> classes_of_integers(const qnet::Network& network, const ImageSet& test, int threads) {
  Progress progress("integer network", test.count, "images");
  const qnet::Golden golden(network);
  return qnet::argmax(golden.run(test.image(0), test.count, threads, [&](std::size_t done) { progress.update(done); }),
                      network.output().size());
}

std::vector<int> classes_of_fake(const QuantizedNetwork& quantized, const ImageSet& test, int threads,
                                 std::size_t classes) {
  Progress progress("fake-quantized network", test.count, "images");
  return argmax_float(
      run_fake_quantized(quantized, test, test.count, threads, [&](std::size_t done) { progress.update(done); }),
      classes);
}

/// Both networks on the test images, paired.
PairedAccuracy measure(const Quantization& found, const QuantizeInputs& inputs) {
  const ImageSet& test = inputs.test;
  const auto classes = static_cast<std::size_t>(inputs.graph.output().shape.channels);
  Progress progress("float network", test.count, "images");
  const FloatEngine engine(inputs.graph, inputs.recipe.input, inputs.threads);
  const auto logits = engine.run(test, 0, test.count, [&](std::size_t done) { progress.update(done); });
  const std::vector<int> quantized = found.network ? classes_of_integers(*found.network, test, inputs.threads)
                                                   : classes_of_fake(found.quantized, test, inputs.threads, classes);
  return compare(argmax_float(logits, classes), quantized, test.labels);
}

void add_accuracy(Quantization& found, const QuantizeInputs& inputs, const QuantizeRequest& request) {
  if (found.network) qnet::validate(*found.network, request.output.value_or(request.model).string());
  found.result.accuracy = measure(found, inputs);
  if (!found.network) return;
  found.network->provenance.float_accuracy = found.result.accuracy->before;
  found.network->provenance.float_accuracy_images = static_cast<int>(found.result.accuracy->images);
}

/// What the effort or the budget decided.
std::string learning_text(const Recipe& recipe) {
  const Reconstruction& r = recipe.reconstruction;
  std::string text = fmt::format("{} iterations a unit, rates {:.3g} of rounding and {:.3g} of activations",
                                 r.iterations, r.rounding_rate, r.activation_rate);
  if (recipe.network.iterations > 0)
    text += fmt::format("; then {} iterations of the whole network", recipe.network.iterations);
  return text;
}

/// The recipe with as many iterations as the budget allows.
void fit_budget(QuantizeInputs& inputs, const QuantizeRequest& request, const std::string& model_hash) {
  const double minutes = *request.budget_minutes;
  const std::string key =
      fingerprint(fmt::format("{} minutes\n{}", minutes, to_yaml(inputs.recipe)), model_hash, inputs);
  const auto file = request.checkpoint ? std::optional(*request.checkpoint / "budget") : std::nullopt;
  RecipeSources sources = request.recipe;
  sources.iterations = iterations_within(minutes, inputs.plan, inputs.recipe, inputs.threads, file, key);
  inputs.recipe = load_recipe(sources);
}

}  // namespace

qnet::Network Quantization::written() const {
  return merge_tables(*network);
}

QuantizeInputs read_inputs(const QuantizeRequest& request) {
  QuantizeInputs inputs;
  RecipeSources sources = request.recipe;
  if (request.budget_minutes) sources.iterations = 1;  // until they are known
  inputs.recipe = load_recipe(sources);
  inputs.threads = thread_count(request.threads);
  const auto first_image_size = [&](int channels) {
    if (request.input_shape) return *request.input_shape;
    const ImageSet first = request.calibration.read(static_cast<std::size_t>(channels), 1);
    return ImageSize{static_cast<int>(first.height), static_cast<int>(first.width)};
  };
  inputs.graph = import_onnx(request.model, first_image_size, request.output_tensor);
  inputs.plan = make_plan(inputs.graph, inputs.recipe, request.model.string());
  if (request.test) inputs.test = load_test_images(*request.test, inputs.graph);
  inputs.calibration = load_images(request.calibration, inputs.graph.input().shape);
  const Recipe& recipe = inputs.recipe;
  const auto wanted = static_cast<std::size_t>(
      holds_out(recipe) ? std::max(recipe.calibration_images, recipe.network.images) : recipe.calibration_images);
  inputs.chosen = choose_images(inputs.calibration.count, wanted, recipe.calibration_seed);
  spdlog::info("{}: {} layers; {}", request.model.string(), inputs.plan.layers.size(),
               ImageRoles(inputs.chosen, recipe).text());
  return inputs;
}

Quantization quantize_model(QuantizeInputs& inputs, const QuantizeRequest& request) {
  const bool free_scales = inputs.recipe.scales == Scales::kFree;
  const std::string model_hash = sha256_file(request.model);
  if (request.budget_minutes) fit_budget(inputs, request, model_hash);
  if (learns(inputs.recipe)) spdlog::info("learning: {}", learning_text(inputs.recipe));
  Timeline timeline;
  LearningRecord record;
  QuantizeOptions how;
  how.threads = inputs.threads;
  how.checkpoint = request.checkpoint;
  how.fingerprint = fingerprint(to_yaml(inputs.recipe), model_hash, inputs);
  how.timeline = &timeline;
  how.record = &record;
  const auto start = std::chrono::steady_clock::now();
  Quantization found{
      quantize(std::move(inputs.plan), inputs.recipe, inputs.calibration, inputs.chosen, how), {}, {}, {}};
  found.result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!free_scales) {
    const StageScope stage(&timeline, "export");
    found.network = integers(found.quantized, inputs, request, model_hash);
  }
  if (request.diagnose) {
    const StageScope stage(&timeline, "diagnosis");
    found.diagnosis =
        diagnose(found.quantized, found.network, inputs.recipe, inputs.calibration, inputs.chosen, inputs.threads);
  }
  inputs.calibration = {};
  if (!inputs.test.labels.empty()) {
    const StageScope stage(&timeline, "accuracy");
    add_accuracy(found, inputs, request);
  }
  if (found.network && request.output) {
    const StageScope stage(&timeline, "export");
    qnet::write(found.written(), *request.output);
  }
  found.result.stages = timeline.stages();
  found.result.learning = record;
  return found;
}

}  // namespace shiftsim::quantizer
