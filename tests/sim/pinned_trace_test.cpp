// What the cycle engine counted when it was last looked at: cycles, causes and events of every layer, and logits. A
// timing change that both cores share is seen by no comparison of one with the other; it is seen here.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/images.h"
#include "qnet/golden.h"
#include "qnet/io.h"
#include "sim/config/config.h"
#include "sim/engine/engine.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const fs::path kSource = SHIFTSIM_SOURCE_DIR;
const fs::path kData = SHIFTSIM_PINNED_NETWORKS;  // tests/data/pinned_networks.tar.xz, unpacked by CMake
const fs::path kPinned = kSource / "tests/sim/pinned_trace.json";

const std::vector<std::string> kNetworks = {"resnet_w4a4", "resnet_w2a4", "mobilenet_w4a4", "mobilenet_w2a4"};
const std::vector<std::string> kAccelerators = {"pe8x8", "pe16x16", "pe15x11"};

/// pe15x11 has no side that is a power of two: 5 pixels x 3 lanes x 11 channels, 4 PPU lanes.
AcceleratorConfig accelerator(const std::string& name) {
  if (name == "pe15x11") return make_accelerator(15, 11, 3, 4);
  return load_config(kSource / "configs" / (name + ".yaml"), {}).accelerator;
}

template <typename Counts, typename Name>
Json counts(const Counts& values, const Name& name) {
  Json json = Json::object();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != 0) json[name(i)] = values[i];
  return json;
}

/// Counters that are 0 are left out.
Json layer_trace(const LayerResult& layer) {
  Json json;
  json["layer"] = layer.name;
  json["cycles"] = layer.cycles;
  json["causes"] = counts(layer.causes, [](std::size_t i) { return kCauseNames[i]; });
  std::vector<std::int64_t> events;
  for (const EventField& field : kEventFields) events.push_back(layer.events.*field.member);
  json["events"] = counts(events, [](std::size_t i) { return kEventFields[i].name; });
  return json;
}

Json run_trace(const qnet::Network& network, const ImageSet& images, const std::string& accelerator_name,
               Fidelity fidelity) {
  RunConfig config;
  config.technology = SHIFTSIM_SOURCE_DIR "/configs/technologies/45nm_horowitz.yaml";
  config.accelerator = accelerator(accelerator_name);
  config.fidelity = fidelity;
  const RunResult result = make_engine({config, network, {}})->run(images);
  EXPECT_EQ(result.values.mismatches, 0) << result.values.first_mismatch;
  Json json;
  json["cycles"] = result.cycles;
  json["layers"] = Json::array();
  for (const LayerResult& layer : result.layers) json["layers"].push_back(layer_trace(layer));
  return json;
}

Json logits(const qnet::Network& network, const ImageSet& images) {
  const qnet::Golden golden(network);
  const std::vector<std::int32_t> values = golden.run(images.pixels.data(), images.count, 1);
  const std::size_t classes = network.output().size();
  Json json = Json::array();
  for (std::size_t i = 0; i < images.count; ++i)
    json.push_back(std::vector<std::int32_t>(values.begin() + static_cast<std::ptrdiff_t>(i * classes),
                                             values.begin() + static_cast<std::ptrdiff_t>((i + 1) * classes)));
  return json;
}

/// Everything that this file pins, freshly computed.
Json whole_trace(Fidelity fidelity) {
  const ImageSet images = read_images(kData / "images.npy", std::nullopt, 1);
  EXPECT_EQ(images.count, 16u);
  Json json;
  for (const std::string& name : kNetworks) {
    const qnet::Network network = qnet::read(kData / (name + ".qnet"));
    json[name]["logits"] = logits(network, images);
    for (const std::string& accelerator_name : kAccelerators)
      json[name][accelerator_name] = run_trace(network, images, accelerator_name, fidelity);
  }
  return json;
}

/// One layer a line, so that a difference of two versions reads well.
std::string to_text(const Json& trace) {
  std::string text = "{\n";
  for (const auto& [name, network] : trace.items()) {
    text += fmt::format("\"{}\": {{\n  \"logits\": {}", name, network["logits"].dump());
    for (const std::string& accelerator_name : kAccelerators) {
      const Json& run = network[accelerator_name];
      text += fmt::format(",\n  \"{}\": {{\"cycles\": {}, \"layers\": [", accelerator_name, run["cycles"].dump());
      const char* separator = "\n    ";
      for (const Json& layer : run["layers"]) {
        text += separator + layer.dump();
        separator = ",\n    ";
      }
      text += "]}";
    }
    text += name == kNetworks.back() ? "}\n" : "},\n";
  }
  return text + "}\n";
}

Json pinned_trace() {
  std::ifstream file(kPinned);
  return Json::parse(file);
}

/// Returns whether they are the same.
bool compare(const Json& expected, const Json& actual) {
  const Json differences = Json::diff(expected, actual);
  for (std::size_t i = 0; i < std::min<std::size_t>(differences.size(), 10); ++i) {
    const Json& difference = differences[i];
    const Json::json_pointer place(difference["path"].get<std::string>());
    ADD_FAILURE() << difference["path"] << ": pinned "
                  << (expected.contains(place) ? expected.at(place).dump() : "nothing") << ", found "
                  << (difference.contains("value") ? difference["value"].dump() : "nothing") << " ("
                  << differences.size() << " differences in all)";
  }
  return differences.empty();
}

TEST(PinnedTrace, CyclesCausesEventsAndLogits) {
  const Json actual = whole_trace(Fidelity::kCycle);
  if (compare(pinned_trace(), actual)) return;
  const fs::path fresh = fs::path(SHIFTSIM_BINARY_DIR) / "pinned_trace.json";
  std::ofstream(fresh) << to_text(actual);
  FAIL() << "Where the change is meant, copy " << fresh << " over " << kPinned << " in a commit that says why.";
}

TEST(PinnedTrace, TransactionsCountTheSame) {
  EXPECT_TRUE(compare(pinned_trace(), whole_trace(Fidelity::kTransaction)));
}

}  // namespace
}  // namespace shiftsim::sim
