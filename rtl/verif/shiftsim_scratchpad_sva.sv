// A word's address lies inside its half.
`include "shiftsim_assert.svh"

module shiftsim_scratchpad_sva #(
  parameter int unsigned Depth = 16,
  parameter int unsigned NumBe = 1,
  localparam int unsigned AddrW = shiftsim_pkg::AddrW
) (
  input logic             clk_i,
  input logic [NumBe-1:0] wr_be_i,
  input logic [AddrW-1:0] wr_addr_i,
  input logic             rd_en_i,
  input logic [AddrW-1:0] rd_addr_i
);
  // A scratchpad has no reset; its enables are quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  `SHIFTSIM_ASSERT(WriteAddressInRange, (wr_be_i != '0) |-> 32'(wr_addr_i) < Depth)
  `SHIFTSIM_ASSERT(ReadAddressInRange, rd_en_i |-> 32'(rd_addr_i) < Depth)
endmodule

bind shiftsim_scratchpad shiftsim_scratchpad_sva #(.Depth(Depth), .NumBe(NumBe)) u_sva (.*);
