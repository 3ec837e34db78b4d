// A byte goes on as it is, or its entry of the table does.
`include "shiftsim_assert.svh"

module shiftsim_lut_lane_sva (
  input logic                              clk_i,
  input logic                              use_lut_i,
  input logic [shiftsim_pkg::LutWordW-1:0] word_i,
  input logic [7:0]                        byte_q,
  input logic [7:0]                        byte_o
);
  // The lane has no reset, and this holds without.
  logic rst_ni;
  assign rst_ni = 1'b1;

  `SHIFTSIM_ASSERT(ByteOrItsEntry, byte_o == (use_lut_i ? word_i[8*byte_q[1:0] +: 8] : byte_q))
endmodule

bind shiftsim_lut_lane shiftsim_lut_lane_sva u_sva (.*);
