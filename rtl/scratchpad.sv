// A scratchpad: two halves of Depth words, one write port with enables per Granule bits, one registered
// read port that holds its word until the next read. Reading the word being written gives the old one.
module scratchpad #(
  parameter int Width   = 8,
  parameter int Depth   = 16,
  parameter int Granule = Width,
  localparam int NumBe  = Width / Granule
) (
  input  logic                           clk_i,
  input  logic [NumBe-1:0]               wr_be_i,
  input  logic                           wr_half_i,
  // lint: a shallow scratchpad does not need all address bits
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [shiftsim_pkg::AddrW-1:0] wr_addr_i,
  input  logic [shiftsim_pkg::AddrW-1:0] rd_addr_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [Width-1:0]               wr_data_i,
  input  logic                           rd_en_i,
  input  logic                           rd_half_i,
  output logic [Width-1:0]               rd_data_o
);
  localparam int PhysW = $clog2(2 * Depth);

  logic [Width-1:0] mem_q [2*Depth];
  logic [PhysW-1:0] wr_phys, rd_phys;

  // The halves lie behind each other whatever the depth; a select, since a product would be a multiplier.
  assign wr_phys = (wr_half_i ? PhysW'(Depth) : '0) + PhysW'(wr_addr_i);
  assign rd_phys = (rd_half_i ? PhysW'(Depth) : '0) + PhysW'(rd_addr_i);

  always_ff @(posedge clk_i) begin
    for (int b = 0; b < NumBe; b++) begin
      if (wr_be_i[b]) mem_q[wr_phys][b*Granule +: Granule] <= wr_data_i[b*Granule +: Granule];
    end
  end

  always_ff @(posedge clk_i) begin
    if (rd_en_i) rd_data_o <= mem_q[rd_phys];
  end
endmodule
