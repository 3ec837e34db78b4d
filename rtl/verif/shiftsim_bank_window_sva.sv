// A bank keeps the words of its window and no others, and the window stands still while words pass.
`include "shiftsim_assert.svh"

module shiftsim_bank_window_sva (
  input logic                           clk_i,
  input logic                           set_i,
  input logic                           word_i,
  input logic [shiftsim_pkg::OffW-1:0]  g_i,
  input logic [shiftsim_pkg::OffW-1:0]  off_q,
  input logic [shiftsim_pkg::AddrW-1:0] win_len_i,
  input logic                           we_o
);
  // A window has no reset; its enables are quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  logic in_window;
  assign in_window = (g_i >= off_q) && (32'(g_i) < 32'(off_q) + 32'(win_len_i));

  `SHIFTSIM_ASSERT(WindowStandsStill, word_i |-> !set_i)
  `SHIFTSIM_ASSERT(KeepsItsWindow, we_o == (word_i && in_window))
endmodule

bind shiftsim_bank_window shiftsim_bank_window_sva u_sva (.*);
