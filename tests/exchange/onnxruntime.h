// ONNX Runtime as the judge of exported networks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "qnet/network.h"
#include "tests/qnet/random_network.h"

namespace shiftsim::test {

/// Why ONNX Runtime cannot be used here; empty: it can. Installs it into the build folder where it is not there yet.
std::string onnxruntime_missing();

/// Where scripts/test runs the tests, this is true: then a test that has no ONNX Runtime fails.
bool onnxruntime_required();

/// Random networks of which single precision holds the sums. int8 holds the weights of every second one.
inline qnet::RandomNetworkOptions exportable(std::uint64_t seed) {
  qnet::RandomNetworkOptions options;
  options.acc_bits = 18;
  if (seed % 2 == 1) options.weight_bits = {2, 4};
  return options;
}

/// Those that come back from an export as the same layers: a view comes back as one node after another.
inline qnet::RandomNetworkOptions returning(std::uint64_t seed) {
  qnet::RandomNetworkOptions options = exportable(seed);
  options.views = false;
  return options;
}

/// A model to run on the images of a network. 'outputs': tensors of the network.
struct OnnxJob {
  std::string model;  ///< the file's content
  std::string optimization;
  std::vector<std::string> outputs;
  float zero = 0, scale = 1;  ///< its input is (pixel - zero) * scale
};

/// Values by the tensor's name, of all images: floats as ONNX orders them.
using OnnxValues = std::map<std::string, std::vector<float>>;

/// Models, and the images that all of them run on (uint8 NHWC).
struct OnnxTask {
  qnet::Tensor image;
  std::vector<std::uint8_t> images;
  std::vector<OnnxJob> jobs;
};

/// Runs the jobs of all tasks in one process; files are made in 'folder'. Values by task and job. A failure is a
/// GoogleTest failure.
std::vector<std::vector<OnnxValues>> run_onnx(const std::filesystem::path& folder, const std::vector<OnnxTask>& tasks);

/// Of one task.
std::vector<OnnxValues> run_onnx(const std::filesystem::path& folder, const qnet::Network& network,
                                 const std::vector<std::uint8_t>& images, const std::vector<OnnxJob>& jobs);

/// The model with more tensors among its outputs.
std::string with_outputs(const std::string& model, const std::vector<std::string>& names);

/// A QONNX model whose Quant nodes carry their meaning, as a function of ONNX's own operators.
std::string with_quant_function(const std::string& model);

}  // namespace shiftsim::test

/// At the start of a test that needs ONNX Runtime.
#define SHIFTSIM_NEEDS_ONNXRUNTIME()                                                 \
  if (const std::string why = shiftsim::test::onnxruntime_missing(); !why.empty()) { \
    ASSERT_FALSE(shiftsim::test::onnxruntime_required()) << why;                     \
    GTEST_SKIP() << why;                                                             \
  }
