// What a token counter asks of the units.
`include "shiftsim_assert.svh"

module shiftsim_token_counter_sva (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       take_i,
  input logic       give_i,
  input logic [7:0] count_q
);
  `SHIFTSIM_ASSERT(NoTakeAtZero, take_i |-> count_q != 8'd0)
  `SHIFTSIM_ASSERT(NoGiveAtTheTop, give_i && !take_i |-> count_q != 8'd255)
endmodule

bind shiftsim_token_counter shiftsim_token_counter_sva u_sva (.*);
