// A memory with one write port of whole words and one registered read port: the place for an SRAM macro. The read
// word is there in the cycle after rd_en_i and stays until the next one. A read of the word being written gives the
// old one. Nothing is read that was not written before.
module shiftsim_ram_1w1r #(
  parameter int unsigned Width = 8,
  parameter int unsigned Words = 16,
  localparam int unsigned AddrW = $clog2(Words)
) (
  input  logic             clk_i,
  input  logic             wr_en_i,
  input  logic [AddrW-1:0] wr_addr_i,
  input  logic [Width-1:0] wr_data_i,
  input  logic             rd_en_i,
  input  logic [AddrW-1:0] rd_addr_i,
  output logic [Width-1:0] rd_data_o
);
  logic [Width-1:0] mem_q [Words];

  always_ff @(posedge clk_i) begin
    if (wr_en_i) mem_q[wr_addr_i] <= wr_data_i;
    if (rd_en_i) rd_data_o <= mem_q[rd_addr_i];
  end
endmodule
