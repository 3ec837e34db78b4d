// What a memory asks of its users, and what they may rely on.
`include "shiftsim_assert.svh"

module shiftsim_ram_1w1r_sva #(
  parameter int unsigned Width = 8,
  parameter int unsigned Words = 16,
  localparam int unsigned AddrW = $clog2(Words)
) (
  input logic             clk_i,
  input logic             wr_en_i,
  input logic [AddrW-1:0] wr_addr_i,
  input logic             rd_en_i,
  input logic [AddrW-1:0] rd_addr_i,
  input logic [Width-1:0] rd_data_o
);
  // A memory has no reset; its enables are quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  // A word's first byte stands for it in $stable, which copies what it looks at in every cycle.
  localparam int unsigned SeenW = (Width < 8) ? Width : 8;
  logic [SeenW-1:0] seen;
  assign seen = rd_data_o[SeenW-1:0];

  // What is asked is registered: an enable may follow an input of the core, which changes together with the clock, and
  // assertions do not sample that as registers do.
  logic written_q [Words];
  logic rd_q, unwritten_q, collision_q;

  always_ff @(posedge clk_i) begin
    rd_q        <= rd_en_i;
    unwritten_q <= rd_en_i && !written_q[rd_addr_i];
    collision_q <= rd_en_i && wr_en_i && (rd_addr_i == wr_addr_i);
    if (wr_en_i) written_q[wr_addr_i] <= 1'b1;
  end

  initial begin
    for (int unsigned i = 0; i < Words; i++) written_q[i] = 1'b0;
    rd_q        = 1'b1;
    unwritten_q = 1'b0;
    collision_q = 1'b0;
  end

  `SHIFTSIM_ASSERT(NothingReadUnwritten, !unwritten_q)
  `SHIFTSIM_ASSERT(ReadWordStays, rd_q || $stable(seen))
  `SHIFTSIM_ASSERT(NoReadOfTheWordBeingWritten, !collision_q)
endmodule

bind shiftsim_ram_1w1r shiftsim_ram_1w1r_sva #(.Width(Width), .Words(Words)) u_sva (.*);
