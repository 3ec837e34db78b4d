// What a FIFO asks of its users.
`include "shiftsim_assert.svh"

module shiftsim_cmd_fifo_sva (
  input logic clk_i,
  input logic rst_ni,
  input logic push_i,
  input logic full_o,
  input logic empty_o,
  input logic pop_i
);
  `SHIFTSIM_ASSERT(NoPushWhenFull, push_i |-> !full_o)
  `SHIFTSIM_ASSERT(NoPopWhenEmpty, pop_i |-> !empty_o)
endmodule

bind shiftsim_cmd_fifo shiftsim_cmd_fifo_sva u_sva (.*);
