// What the array is told of a step, and that its accumulators hold the sums: the compiler has refused a layer whose sums
// could overflow.
`include "shiftsim_assert.svh"

module shiftsim_pe_array_sva #(
  parameter int unsigned Pixels   = 4,
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes    = 4,
  parameter int unsigned AccW     = 24,
  localparam int unsigned OpW     = shiftsim_pkg::OpW
) (
  input logic                           clk_i,
  input logic                           en_i,
  input shiftsim_pkg::e_control_t       ctl_i,
  input logic [Pixels-1:0]              active_i,
  input logic [Pixels*Channels*OpW-1:0] op_i,
  input logic [Channels*Lanes-1:0]      neg_i,
  input logic [Channels*Lanes-1:0]      one_i,
  input logic [Channels*Lanes-1:0]      two_i
);
  // Control counts only with en_i, which is quiet under the core's reset.
  logic rst_ni;
  assign rst_ni = 1'b1;

  `SHIFTSIM_ASSERT(OneMode, en_i |-> $onehot({ctl_i.conv, ctl_i.depthwise, ctl_i.max}))
  `SHIFTSIM_ASSERT(ClearOrShift, en_i |-> !(ctl_i.clear && ctl_i.shift))
  `SHIFTSIM_ASSERT(OffsetsInConvOnly, en_i && (ctl_i.s_add || ctl_i.capture_s) |-> ctl_i.conv && ctl_i.s_add)

  // One PE after the other is watched for one capture: its sum, computed again in 64 bits, fits the accumulator in every
  // step. All of them in every step would cost a third of the simulation's speed.
  int unsigned        p_q, n_q;
  longint             exact_q, step_sum, exact;
  logic               known_q, watched;  // known: from the clearing on
  logic signed [63:0] limit;

  assign limit   = 64'sd1 <<< (AccW - 1);
  assign watched = en_i && !ctl_i.max && active_i[p_q] && (ctl_i.clear || known_q);

  function automatic longint product(input logic [OpW-1:0] a, input logic neg, input logic one, input logic two);
    longint size;
    size = two ? 64'($signed(a)) <<< 1 : one ? 64'($signed(a)) : 0;
    return neg ? -size : size;
  endfunction

  always_comb begin
    step_sum = 0;
    exact    = 0;
    if (watched) begin
      for (int unsigned l = 0; l < Lanes; l++) begin
        if (l == 0 || !ctl_i.depthwise) begin
          step_sum = step_sum + product(op_i[(p_q*Channels + (ctl_i.depthwise ? n_q : l))*OpW +: OpW],
                                        neg_i[n_q*Lanes + l], one_i[n_q*Lanes + l], two_i[n_q*Lanes + l]);
        end
      end
      exact = (ctl_i.clear ? 0 : ctl_i.shift ? exact_q <<< 2 : exact_q) + step_sum;
    end
  end

  always_ff @(posedge clk_i) begin
    if (watched) begin
      exact_q <= exact;
      known_q <= 1'b1;
    end
    if (en_i && ctl_i.capture) begin
      known_q <= 1'b0;
      n_q     <= (n_q == Channels - 1) ? 0 : n_q + 1;
      if (n_q == Channels - 1) p_q <= (p_q == Pixels - 1) ? 0 : p_q + 1;
    end
  end

  initial begin
    p_q     = 0;
    n_q     = 0;
    known_q = 1'b0;
  end

  `SHIFTSIM_ASSERT(AccumulatorHoldsTheSum, watched |-> exact >= -limit && exact < limit)
endmodule

bind shiftsim_pe_array shiftsim_pe_array_sva #(
  .Pixels(Pixels), .Channels(Channels), .Lanes(Lanes), .AccW(AccW)
) u_sva (.*);
