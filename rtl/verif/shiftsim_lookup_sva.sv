// The table that a lane reads is not the one that is being loaded.
`include "shiftsim_assert.svh"

module shiftsim_lookup_sva #(
  parameter int unsigned PpuLanes = 8
) (
  input logic                clk_i,
  input logic                rst_ni,
  input logic [PpuLanes-1:0] lut_re,
  input logic                lut_half,
  input logic                lut_we,
  input logic                wr_half
);
  `SHIFTSIM_ASSERT(TableIsNotInUseWhileLoaded, lut_we && lut_re != '0 |-> wr_half != lut_half)
endmodule

bind shiftsim_core shiftsim_lookup_sva #(.PpuLanes(PpuLanes)) u_lookup_sva (.*);
