// As shiftsim_ram_1w1r_sva, byte by byte: all bytes of a word that is read were written before.
`include "shiftsim_assert.svh"

module shiftsim_ram_1w1r_be_sva #(
  parameter int unsigned Bytes = 1,
  parameter int unsigned Words = 16,
  localparam int unsigned AddrW = $clog2(Words)
) (
  input logic               clk_i,
  input logic [Bytes-1:0]   wr_be_i,
  input logic [AddrW-1:0]   wr_addr_i,
  input logic               rd_en_i,
  input logic [AddrW-1:0]   rd_addr_i,
  input logic [8*Bytes-1:0] rd_data_o
);
  // A memory has no reset; its enables are quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  // A byte stands for the word, and what is asked is registered, as in shiftsim_ram_1w1r_sva.
  logic [7:0]       seen;
  logic [Bytes-1:0] written_q [Words];
  logic             rd_q, unwritten_q, collision_q;

  assign seen = rd_data_o[7:0];

  always_ff @(posedge clk_i) begin
    rd_q        <= rd_en_i;
    unwritten_q <= rd_en_i && (written_q[rd_addr_i] != '1);
    collision_q <= rd_en_i && (wr_be_i != '0) && (rd_addr_i == wr_addr_i);
    if (wr_be_i != '0) written_q[wr_addr_i] <= written_q[wr_addr_i] | wr_be_i;
  end

  initial begin
    for (int unsigned i = 0; i < Words; i++) written_q[i] = '0;
    rd_q        = 1'b1;
    unwritten_q = 1'b0;
    collision_q = 1'b0;
  end

  `SHIFTSIM_ASSERT(NoByteReadUnwritten, !unwritten_q)
  `SHIFTSIM_ASSERT(ReadBytesStay, rd_q || $stable(seen))
  `SHIFTSIM_ASSERT(NoReadOfTheBytesBeingWritten, !collision_q)
endmodule

bind shiftsim_ram_1w1r_be shiftsim_ram_1w1r_be_sva #(.Bytes(Bytes), .Words(Words)) u_sva (.*);
