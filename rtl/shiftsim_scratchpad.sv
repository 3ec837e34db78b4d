// A scratchpad: two halves of Depth words, one write port with enables for words or bytes, one registered read port.
// The halves lie interleaved, word a of half h at 2*a + h: so no depth needs an addition. The memories themselves are
// in shiftsim_ram_1w1r and shiftsim_ram_1w1r_be.
module shiftsim_scratchpad #(
  parameter int unsigned Width      = 8,
  parameter int unsigned Depth      = 16,
  parameter int unsigned ByteWrites = 0,  // 1: an enable for each byte
  localparam int unsigned NumBe     = (ByteWrites != 0) ? Width / 8 : 1,
  localparam int unsigned AddrW     = shiftsim_pkg::AddrW
) (
  input  logic             clk_i,
  input  logic [NumBe-1:0] wr_be_i,
  input  logic             wr_half_i,
  // lint: a shallow scratchpad does not need all address bits
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [AddrW-1:0] wr_addr_i,
  input  logic [AddrW-1:0] rd_addr_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [Width-1:0] wr_data_i,
  input  logic             rd_en_i,
  input  logic             rd_half_i,
  output logic [Width-1:0] rd_data_o
);
  localparam int unsigned Words = 2 * Depth;
  localparam int unsigned PhysW = $clog2(Words);

  if (Width < 1) begin : gen_bad_width
    $error("Width is not at least 1");
  end
  if (Depth < 1 || Depth > 65536) begin : gen_bad_depth
    $error("Depth is not in 1..65536");
  end
  if (ByteWrites > 1) begin : gen_bad_byte_writes
    $error("ByteWrites is not in 0..1");
  end
  if (ByteWrites != 0 && 8 * NumBe != Width) begin : gen_bad_bytes
    $error("Width is not a number of bytes");
  end

  logic [PhysW-1:0] wr_phys, rd_phys;
  assign wr_phys = PhysW'({wr_addr_i, wr_half_i});
  assign rd_phys = PhysW'({rd_addr_i, rd_half_i});

  if (ByteWrites != 0) begin : gen_bytes
    shiftsim_ram_1w1r_be #(.Bytes(NumBe), .Words(Words)) u_ram (
      .clk_i, .wr_be_i, .wr_addr_i(wr_phys), .wr_data_i, .rd_en_i, .rd_addr_i(rd_phys), .rd_data_o);
  end else begin : gen_words
    shiftsim_ram_1w1r #(.Width(Width), .Words(Words)) u_ram (
      .clk_i, .wr_en_i(wr_be_i), .wr_addr_i(wr_phys), .wr_data_i, .rd_en_i, .rd_addr_i(rd_phys), .rd_data_o);
  end
endmodule
