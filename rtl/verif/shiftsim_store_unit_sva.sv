// The STORE unit sends as many words as the command says.
`include "shiftsim_assert.svh"

module shiftsim_store_unit_sva (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        out_re_o,
  input logic        sent,
  input logic [15:0] left_q
);
  `SHIFTSIM_ASSERT(WordsLeft, out_re_o || sent |-> left_q != 16'd0)
endmodule

bind shiftsim_store_unit shiftsim_store_unit_sva u_sva (.*);
