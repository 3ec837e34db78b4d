// The PPU is started when it is ready.
`include "shiftsim_assert.svh"

module shiftsim_ppu_sva (
  input logic clk_i,
  input logic rst_ni,
  input logic start_i,
  input logic ready_o
);
  `SHIFTSIM_ASSERT(StartWhenReady, start_i |-> ready_o)
endmodule

bind shiftsim_ppu shiftsim_ppu_sva u_sva (.*);
