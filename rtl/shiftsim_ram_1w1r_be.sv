// As shiftsim_ram_1w1r, with a write enable for each byte: the place for an SRAM macro of that kind.
module shiftsim_ram_1w1r_be #(
  parameter int unsigned Bytes = 1,
  parameter int unsigned Words = 16,
  localparam int unsigned AddrW = $clog2(Words)
) (
  input  logic               clk_i,
  input  logic [Bytes-1:0]   wr_be_i,
  input  logic [AddrW-1:0]   wr_addr_i,
  input  logic [8*Bytes-1:0] wr_data_i,
  input  logic               rd_en_i,
  input  logic [AddrW-1:0]   rd_addr_i,
  output logic [8*Bytes-1:0] rd_data_o
);
  logic [8*Bytes-1:0] mem_q [Words];

  always_ff @(posedge clk_i) begin
    for (int b = 0; b < Bytes; b++) begin
      if (wr_be_i[b]) mem_q[wr_addr_i][8*b +: 8] <= wr_data_i[8*b +: 8];
    end
    if (rd_en_i) rd_data_o <= mem_q[rd_addr_i];
  end
endmodule
