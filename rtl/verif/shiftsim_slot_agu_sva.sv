// A slot starts where LOAD said, and walks over the pixels of its tile.
`include "shiftsim_assert.svh"

module shiftsim_slot_agu_sva (
  input logic                           clk_i,
  input logic                           slot_we_i,
  input logic                           slot_half_i,
  input logic                           setup_i,
  input logic                           half_i,
  input logic                           pixel_i,
  input logic [shiftsim_pkg::AddrW-1:0] x_last_i,
  input shiftsim_pkg::slot_t            current_q,
  input logic                           active_o
);
  localparam int unsigned RemW = shiftsim_pkg::RemW;

  // A slot has no reset; its enables are quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  logic [1:0] loaded_q;  // halves that LOAD has computed a start for

  always_ff @(posedge clk_i) begin
    if (slot_we_i) loaded_q[slot_half_i] <= 1'b1;
  end

  initial loaded_q = '0;

  `SHIFTSIM_ASSERT(StartIsLoaded, setup_i |-> loaded_q[half_i])
  `SHIFTSIM_ASSERT(StartIsNotBeingLoaded, setup_i && slot_we_i |-> slot_half_i != half_i)
  `SHIFTSIM_ASSERT(SetupOrPixel, !(setup_i && pixel_i))
  `SHIFTSIM_ASSERT(ColumnOfTheTile, pixel_i && active_o |-> current_q.x <= x_last_i)
  `SHIFTSIM_ASSERT(RemainderHolds, pixel_i |-> current_q.rem != {1'b1, {(RemW - 1) {1'b0}}})
endmodule

bind shiftsim_slot_agu shiftsim_slot_agu_sva u_sva (.*);
