// Shifts are -31..31.
`include "shiftsim_assert.svh"

module shiftsim_ppu_lane_sva (
  input logic                           clk_i,
  input logic                           en_i,
  input logic                           has_res_i,
  input shiftsim_cmd_pkg::table_entry_t tab_i
);
  // The lane has no reset; its enable is quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  `SHIFTSIM_ASSERT(ShiftInRange, en_i |-> tab_i.n != 6'd32)
  `SHIFTSIM_ASSERT(ResidualShiftInRange, en_i && has_res_i |-> tab_i.rs != 6'd32)
endmodule

bind shiftsim_ppu_lane shiftsim_ppu_lane_sva u_sva (.*);
