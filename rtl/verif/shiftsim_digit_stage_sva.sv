// A digit is one of -2, -1, 0, 1, 2: at most one select, and no sign without one.
`include "shiftsim_assert.svh"

module shiftsim_digit_stage_sva #(
  parameter int unsigned Digits = 64
) (
  input logic              clk_i,
  input logic              en_first_i,
  input logic [Digits-1:0] neg,
  input logic [Digits-1:0] one,
  input logic [Digits-1:0] two
);
  // Digits have no reset; their enables are quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  `SHIFTSIM_ASSERT(OneSelect, en_first_i |-> (one & two) == '0)
  `SHIFTSIM_ASSERT(SignNeedsSelect, en_first_i |-> (neg & ~(one | two)) == '0)
endmodule

bind shiftsim_digit_stage shiftsim_digit_stage_sva #(.Digits(Digits)) u_sva (.*);
