// What the array is told of a step, and what its PEs are told.
`include "shiftsim_assert.svh"

module shiftsim_pe_array_sva #(
  parameter int unsigned Pixels   = 4,
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes    = 4,
  localparam int unsigned OpW     = shiftsim_pkg::OpW,
  localparam int unsigned SumW    = OpW + 1 + $clog2(Lanes)
) (
  input logic                           clk_i,
  input logic                           en_i,
  input shiftsim_pkg::e_control_t       ctl_i,
  input logic [Pixels-1:0]              active_i,
  input logic [Channels*Lanes-1:0]      neg,
  input logic [Channels*SumW-1:0]       corr
);
  // Control counts only with en_i, which is quiet under the core's reset.
  logic rst_ni;
  assign rst_ni = 1'b1;

  `SHIFTSIM_ASSERT(OneMode, en_i |-> $onehot({ctl_i.conv, ctl_i.depthwise, ctl_i.max}))
  `SHIFTSIM_ASSERT(ClearOrShift, en_i |-> !(ctl_i.clear && ctl_i.shift))
  `SHIFTSIM_ASSERT(OffsetsInConvOnly, en_i && (ctl_i.s_add || ctl_i.capture_s) |-> ctl_i.conv && ctl_i.s_add)

  // Sums of a pixel begin with a cleared accumulator, and S with a cleared column: shiftsim_pe_sva counts on it.
  logic [Pixels-1:0] cleared_q, started_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      cleared_q <= ctl_i.capture ? '0 : ctl_i.clear ? active_i : cleared_q;
      if (ctl_i.s_add) started_q <= ctl_i.capture_s ? '0 : ctl_i.s_start ? active_i : started_q;
    end
  end

  initial begin
    cleared_q = '0;
    started_q = '0;
  end

  `SHIFTSIM_ASSERT(SumsBeginCleared, en_i && !ctl_i.clear |-> (active_i & ~cleared_q) == '0)
  `SHIFTSIM_ASSERT(SBeginsCleared, en_i && ctl_i.s_add && !ctl_i.s_start |-> (active_i & ~started_q) == '0)

  // One column after the other is watched at a capture: its correction is what its digits leave out.
  int unsigned n_q;
  logic        corrected_q;

  always_ff @(posedge clk_i) begin
    if (en_i && ctl_i.capture) begin
      corrected_q <= (corr[n_q*SumW +: SumW] == SumW'($countones(neg[n_q*Lanes +: Lanes])) - SumW'(Lanes << OpW));
      n_q         <= (n_q == Channels - 1) ? 0 : n_q + 1;
    end
  end

  initial begin
    n_q         = 0;
    corrected_q = 1'b1;
  end

  `SHIFTSIM_ASSERT(CorrectionOfTheColumn, corrected_q)
endmodule

bind shiftsim_pe_array shiftsim_pe_array_sva #(
  .Pixels(Pixels), .Channels(Channels), .Lanes(Lanes)
) u_sva (.*);
