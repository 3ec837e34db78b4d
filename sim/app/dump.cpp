#include "sim/app/dump.h"

#include <cctype>
#include <fstream>
#include <optional>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "common/atomic_file.h"
#include "common/error.h"
#include "common/locations.h"
#include "common/log.h"
#include "common/suggestion.h"
#include "qnet/golden.h"
#include "sim/app/bench_header.h"
#include "sim/engine/mapped_program.h"
#include "sim/trace/command_stamps.h"

namespace shiftsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReadme = R"(# Golden vectors

Network {network}. One folder per layer, in the order of execution. Every .hex file is read by $readmemh: comment lines,
then one element a line, two's complement, as many hexadecimal digits as its width needs.

| file | element | order |
|---|---|---|
| ifmap.hex | input code, 8 bits (sign-extended, or zero-extended where unsigned) | (y*W + x)*C + c |
| residual.hex | residual input code, 8 bits; only with a residual | (y*W + x)*C + k |
| weights.hex | weight q, 8 bits, sign-extended | ((k*KH + ky)*KW + kx)*(C/groups) + c |
| offsets.hex | c[k], half steps, 8 bits; all 0 where the layer has none | k |
| bias.hex | bias[k], 32 bits, without the rounding half | k |
| shifts.hex | n[k], 8 bits | k |
| residual_shifts.hex | residual shift rs[k], 8 bits; only with a residual | k |
| hi.hex | upper clamp, 8 bits; not for logits | k |
| pad.hex | value outside the map, 8 bits; only where it is not 0 | c |
| table.hex | output code, 8 bits; only with activation table | clamped code, its 8 bits as an unsigned number |
| ofmap.hex | expected output code, 8 bits; logits 32 bits | (y*W + x)*K + k |

layer.txt in each folder gives sizes, strides, pads, ranges and exponents; layer.vh gives them to bench.sv.

bench.sv checks a module layer_unit against the vectors of one layer. The one in layer_unit.sv is the contract as plain
behaviour: put yours in its place. bench.sv applies activation tables itself. In the layer's folder, with Icarus or
Verilator:

    iverilog -g2012 -I . -o bench ../bench.sv ../layer_unit.sv && ./bench
    verilator --binary --timing -Wno-fatal -I. --top-module bench ../bench.sv ../layer_unit.sv && obj_dir/Vbench

commands.csv has the LOAD, COMPUTE and STORE commands of the layer on {accelerator}, with the cycles of the first image at
which their units work on them. docs/hardware.md explains their fields.

The arithmetic, to the last bit:

    A    = sum over the window of ifmap * q             S = sum over the same window of ifmap
    acc  = A, or 2*A + c[k]*S where layer.txt says "offsets: yes"
    x    = acc + bias[k] + rs(residual, rs[k])          rs(r, s) = s >= 0 ? r << s : (r + (1 << (-s-1))) >>> -s
    y    = n > 0 ? (x + (1 << (n-1))) >>> n : x << -n
    ofmap = min(max(y, lo), hi[k])                      (logits: y itself)
    ofmap = table[ofmap & 255]                          where layer.txt says "activation: table"

max_pool takes the largest code of the window (padding never wins); sum_pool is A with all weights 1, and bias 0.
)";

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) fail("{}: cannot be written", file.string());
}

template <typename T>
void write_hex(const fs::path& file, std::span<const T> values, int digits, const std::string& comment) {
  const std::uint32_t mask = digits >= 8 ? 0xffffffffu : (1u << (4 * digits)) - 1;
  std::string text = fmt::format("// {}: {} elements\n", comment, values.size());
  for (const T value : values) {
    fmt::format_to(std::back_inserter(text), "{:0{}x}\n", static_cast<std::uint32_t>(value) & mask, digits);
  }
  write_text(file, text);
}

std::string tensor_text(const qnet::Tensor& t) {
  std::string exponents;
  for (const int e : t.exponents) exponents += fmt::format(" {}", e);
  return fmt::format("{} x {} x {}, {} bits {}, exponent{}", t.height, t.width, t.channels, t.bits,
                     t.is_signed ? "signed" : "unsigned", exponents);
}

std::string layer_text(const qnet::Network& network, const qnet::Layer& layer) {
  std::string text =
      fmt::format("name: {}\nkind: {}\ninput: {}\n", layer.name, to_string(layer.kind), tensor_text(network.in(layer)));
  if (layer.residual >= 0) {
    text += fmt::format("residual: {}\n", tensor_text(network.tensors[static_cast<std::size_t>(layer.residual)]));
  }
  text += fmt::format("output: {}\n", tensor_text(network.out(layer)));
  text += fmt::format("kernel: {} x {}\nstride: {} x {}\ndilation: {} x {}\n", layer.kernel_h, layer.kernel_w,
                      layer.stride_h, layer.stride_w, layer.dilation_h, layer.dilation_w);
  text += fmt::format("pad: top {}, left {}, bottom {}, right {}\ngroups: {}\n", layer.pad_top, layer.pad_left,
                      layer.pad_bottom, layer.pad_right, layer.groups);
  if (layer.kind == qnet::LayerKind::kConv) {
    text += fmt::format("weight bits: {}\noffsets: {}\n", layer.weight_bits, layer.has_offset() ? "yes" : "no");
  }
  text += fmt::format("activation: {}\nlo: {}\n", to_string(layer.activation), layer.lo);
  if (layer.has_table()) text += fmt::format("table exponent: {}\n", layer.table_exponent);
  return text;
}

void dump_layer(const qnet::Network& network, const qnet::Layer& layer, const qnet::ImageTrace& trace,
                const fs::path& folder) {
  fs::create_directories(folder);
  const auto codes = [&](int tensor) { return std::span<const std::int32_t>(trace[static_cast<std::size_t>(tensor)]); };
  const auto array = [&](const char* name, const auto& values, int digits) {
    if (values.empty()) return;
    using T = typename std::decay_t<decltype(values)>::value_type;
    write_hex(folder / fmt::format("{}.hex", name), std::span<const T>(values), digits,
              fmt::format("{} of {}", name, layer.name));
  };
  write_hex(folder / "ifmap.hex", codes(layer.input), 2,
            fmt::format("input of {}, {}", layer.name, tensor_text(network.in(layer))));
  if (layer.residual >= 0) {
    write_hex(folder / "residual.hex", codes(layer.residual), 2, fmt::format("residual input of {}", layer.name));
  }
  const qnet::Tensor& output = network.out(layer);
  write_hex(folder / "ofmap.hex", codes(layer.output), output.bits > 8 ? 8 : 2,
            fmt::format("output of {}, {}", layer.name, tensor_text(output)));
  array("weights", layer.weights, 2);
  array("offsets", layer.offsets, 2);
  array("bias", layer.bias, 8);
  array("shifts", layer.shifts, 2);
  array("residual_shifts", layer.residual_shifts, 2);
  array("hi", layer.hi, 2);
  array("pad", layer.pad_values, 2);
  array("table", layer.table, 2);
  write_text(folder / "layer.txt", layer_text(network, layer));
  write_text(folder / "layer.vh", bench_header(network, layer));
}

/// The commands of all layers, where the network fits the accelerator.
class Commands {
public:
  Commands(const qnet::Network& network, const RunConfig& config) {
    try {
      program_ = mapped_program(network, config, Contents::kTimingOnly);
      stamps_ = stamp_commands(network, *program_, config.accelerator.dram);
    } catch (const UserError& error) {
      spdlog::warn("no commands.csv: {}", error.what());
    }
  }
  void write(int layer, const fs::path& folder) const {
    if (program_) write_text(folder / "commands.csv", commands_csv(*program_, stamps_, layer));
  }

private:
  std::optional<Program> program_;
  CommandStamps stamps_;
};

std::string folder_name(std::size_t index, const std::string& layer) {
  std::string name = fmt::format("{:02}_{}", index, layer);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '-') c = '_';
  }
  return name;
}

}  // namespace

void dump_golden(const qnet::Network& network, const RunConfig& config, const std::uint8_t* image,
                 const std::string& layer, const fs::path& folder) {
  if (fs::exists(folder)) fail("{}: exists already; golden vectors are written to a new folder", folder.string());
  std::vector<std::string> names;
  bool found = layer.empty();
  for (const qnet::Layer& candidate : network.layers) {
    if (candidate.is_view()) continue;
    names.push_back(candidate.name);
    found = found || candidate.name == layer;
  }
  if (!found) {
    fail("--layer {}: network {} has no layer of this name{}", layer, network.name, suggestion(layer, names));
  }

  const qnet::Golden golden(network);
  const qnet::ImageTrace trace = golden.trace(image);
  const Commands commands(network, config);
  AtomicFolder target(folder);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    if (!layer.empty() && network.layers[i].name != layer) continue;
    if (network.layers[i].is_view()) continue;  // the layers that read it have its values
    const fs::path place = target.temporary() / folder_name(i, network.layers[i].name);
    dump_layer(network, network.layers[i], trace, place);
    commands.write(static_cast<int>(i), place);
  }
  for (const char* file : {"bench.sv", "layer_unit.sv"})
    fs::copy_file(home_folder() / "golden" / file, target.temporary() / file);
  write_file_atomically(
      target.temporary() / "README.md",
      fmt::format(kReadme, fmt::arg("network", network.name), fmt::arg("accelerator", config.accelerator.name)));
  target.commit();
}

}  // namespace shiftsim::sim
