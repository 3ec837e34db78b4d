#include "sim/app/bench_header.h"

#include <fmt/format.h>

namespace shiftsim::sim {

std::string bench_header(const qnet::Network& network, const qnet::Layer& layer) {
  const qnet::Tensor& in = network.in(layer);
  const qnet::Tensor& out = network.out(layer);
  const qnet::LayerKindRow& kind = row_of(layer.kind);
  const bool is_max = kind.reduction == qnet::Reduction::kMax, is_wide = out.bits > 8;
  std::string text = fmt::format("// {}, for bench.sv.\n", layer.name);
  const auto define = [&](const char* name, int value) { text += fmt::format("`define {} {}\n", name, value); };
  define("IN_H", in.height);
  define("IN_W", in.width);
  define("IN_C", in.channels);
  define("OUT_H", out.height);
  define("OUT_W", out.width);
  define("OUT_C", out.channels);
  define("KERNEL_H", layer.kernel_h);
  define("KERNEL_W", layer.kernel_w);
  define("STRIDE_H", layer.stride_h);
  define("STRIDE_W", layer.stride_w);
  define("DILATION_H", layer.dilation_h);
  define("DILATION_W", layer.dilation_w);
  define("PAD_TOP", layer.pad_top);
  define("PAD_LEFT", layer.pad_left);
  define("GROUPS", kind.has_weights ? layer.groups : in.channels);
  define("IN_SIGNED", in.is_signed);
  define("OUT_SIGNED", out.is_signed);
  define("RESIDUAL_SIGNED", layer.residual >= 0 && network.tensors[static_cast<std::size_t>(layer.residual)].is_signed);
  define("IS_MAX", is_max);
  define("IS_WIDE", is_wide);
  define("HAS_WEIGHTS", kind.has_weights);
  define("FIXED_WEIGHT", kind.fixed_weight);
  define("HAS_OFFSET", layer.has_offset());
  define("HAS_SHIFTS", !layer.shifts.empty());
  define("HAS_HI", !layer.hi.empty());
  define("HAS_TABLE", layer.has_table());
  define("HAS_PAD", !layer.pad_values.empty());
  define("HAS_RESIDUAL", layer.residual >= 0);
  define("LO", is_wide ? 0 : is_max ? out.low() : layer.lo);
  define("OUT_HIGH", is_wide ? 0 : out.high());
  return text;
}

}  // namespace shiftsim::sim
