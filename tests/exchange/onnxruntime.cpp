#include "tests/exchange/onnxruntime.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/process.h"
#include "tests/cli/command.h"

namespace shiftsim::test {

namespace fs = std::filesystem;

namespace {

constexpr int kUnavailable = 77;
const std::string kHere = SHIFTSIM_SOURCE_DIR "/tests/exchange";
const std::string kInstalled = SHIFTSIM_BINARY_DIR "/onnxruntime";

onnx::ModelProto parse(const std::string& bytes) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(bytes));
  return model;
}

/// Adds nodes to a function's body.
class Body {
public:
  explicit Body(onnx::FunctionProto& function) : function_(function) {}

  std::string node(const std::string& type, const std::vector<std::string>& inputs, const std::string& output) {
    last_ = function_.add_node();
    last_->set_op_type(type);
    for (const std::string& input : inputs) last_->add_input(input);
    last_->add_output(output);
    return output;
  }
  std::string constant(const std::string& output, float value) {
    node("Constant", {}, output);
    auto& attribute = *last_->add_attribute();
    attribute.set_name("value_float");
    attribute.set_type(onnx::AttributeProto::FLOAT);
    attribute.set_f(value);
    return output;
  }
  /// An integer attribute of the calling node, as a float.
  std::string attribute(const std::string& name) {
    node("Constant", {}, name + "_int");
    auto& value = *last_->add_attribute();
    value.set_name("value_int");
    value.set_type(onnx::AttributeProto::INT);
    value.set_ref_attr_name(name);
    node("Cast", {name + "_int"}, name);
    auto& to = *last_->add_attribute();
    to.set_name("to");
    to.set_type(onnx::AttributeProto::INT);
    to.set_i(onnx::TensorProto::FLOAT);
    return name;
  }

private:
  onnx::FunctionProto& function_;
  onnx::NodeProto* last_ = nullptr;
};

}  // namespace

bool onnxruntime_required() {
  const char* value = std::getenv("SHIFTSIM_REQUIRE_ONNXRUNTIME");
  return value != nullptr && std::string(value) == "1";
}

std::string onnxruntime_missing() {
  fs::create_directories(kInstalled);
  const fs::path log = kInstalled + "/install." + std::to_string(getpid()) + ".log";
  const int status = run_process({kHere + "/install_onnxruntime", kInstalled}, log);
  const std::string said = read_text(log);
  fs::remove(log);
  EXPECT_TRUE(status == 0 || status == kUnavailable) << said;
  return status == 0 ? "" : said;
}

std::vector<std::vector<OnnxValues>> run_onnx(const fs::path& folder, const std::vector<OnnxTask>& tasks) {
  const auto write = [&](const std::string& name, const std::string& content) {
    std::ofstream(folder / name, std::ios::binary) << content;
    return (folder / name).string();
  };
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    const OnnxTask& task = tasks[t];
    const std::string pixels = write(fmt::format("images{}.bin", t), {task.images.begin(), task.images.end()});
    for (const OnnxJob& job : task.jobs) {
      const std::string prefix = fmt::format("job{}", list.size());
      nlohmann::json outputs;
      for (std::size_t o = 0; o < job.outputs.size(); ++o)
        outputs[job.outputs[o]] = (folder / fmt::format("{}_{}", prefix, o)).string();
      list.push_back({{"model", write(prefix + ".onnx", job.model)},
                      {"images", pixels},
                      {"shape", {task.image.channels, task.image.height, task.image.width}},
                      {"optimization", job.optimization},
                      {"zero", job.zero},
                      {"scale", job.scale},
                      {"outputs", outputs}});
    }
  }
  const std::string jobs_file = write("jobs.json", list.dump());
  const int status = run_process({"node", kHere + "/run_onnx.mjs", kInstalled, jobs_file}, folder / "node.log");
  EXPECT_EQ(status, 0) << read_text(folder / "node.log");
  std::vector<std::vector<OnnxValues>> values(tasks.size());
  std::size_t next = 0;
  for (std::size_t t = 0; t < tasks.size(); ++t)
    for (std::size_t j = 0; j < tasks[t].jobs.size(); ++j) {
      OnnxValues& found = values[t].emplace_back();
      for (const auto& [name, file] : list[next++]["outputs"].items()) {
        const std::string bytes = read_text(file.get<std::string>());
        std::vector<float>& floats = found[name];
        floats.resize(bytes.size() / sizeof(float));
        std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
      }
    }
  return values;
}

std::vector<OnnxValues> run_onnx(const fs::path& folder, const qnet::Network& network,
                                 const std::vector<std::uint8_t>& images, const std::vector<OnnxJob>& jobs) {
  return run_onnx(folder, {OnnxTask{network.input(), images, jobs}})[0];
}

std::string with_outputs(const std::string& bytes, const std::vector<std::string>& names) {
  onnx::ModelProto model = parse(bytes);
  for (const std::string& name : names) {
    auto* output = model.mutable_graph()->add_output();
    output->set_name(name);
    output->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  }
  return model.SerializeAsString();
}

std::string with_quant_function(const std::string& bytes) {
  onnx::ModelProto model = parse(bytes);
  model.set_ir_version(8);  // the first with functions
  const std::string domain = "qonnx.custom_op.general";
  auto& quant = *model.add_functions();
  quant.set_name("Quant");
  quant.set_domain(domain);
  for (const char* input : {"x", "scale", "zero", "bits"}) quant.add_input(input);
  quant.add_output("result");
  for (const char* attribute : {"signed", "narrow", "rounding_mode"}) quant.add_attribute(attribute);
  auto* opset = quant.add_opset_import();
  opset->set_version(13);

  Body body(quant);
  body.attribute("signed");
  body.attribute("narrow");
  body.constant("two", 2);
  body.constant("one", 1);
  body.node("Sub", {"bits", "signed"}, "magnitude_bits");
  body.node("Pow", {"two", "magnitude_bits"}, "count");
  body.node("Sub", {"count", "one"}, "largest");
  body.node("Sub", {"count", "narrow"}, "magnitude");
  body.node("Mul", {"magnitude", "signed"}, "negative");
  body.node("Neg", {"negative"}, "smallest");
  body.node("Div", {"x", "scale"}, "steps");
  body.node("Add", {"steps", "zero"}, "shifted");
  body.node("Max", {"shifted", "smallest"}, "above");
  body.node("Min", {"above", "largest"}, "below");
  body.node("Round", {"below"}, "code");
  body.node("Sub", {"code", "zero"}, "centred");
  body.node("Mul", {"centred", "scale"}, "result");
  return model.SerializeAsString();
}

}  // namespace shiftsim::test
