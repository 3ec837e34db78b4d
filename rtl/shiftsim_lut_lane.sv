// Stage B3 of one PPU lane: the byte that B2 made goes on as it is, or its entry of the activation table does. The upper
// bits of the byte are the address of the entry's word, which is read while the byte is registered here.
module shiftsim_lut_lane (
  input  logic                              clk_i,
  // B2
  input  logic                              en_i,
  input  logic [7:0]                        byte_i,
  // B3
  input  logic                              use_lut_i,
  input  logic [shiftsim_pkg::LutWordW-1:0] word_i,   // the output of the lane's memory
  output logic [7:0]                        byte_o
);
  logic [7:0] byte_q;

  always_ff @(posedge clk_i) begin
    if (en_i) byte_q <= byte_i;
  end

  always_comb begin
    unique case ({use_lut_i, byte_q[1:0]})
      3'b100:  byte_o = word_i[7:0];
      3'b101:  byte_o = word_i[15:8];
      3'b110:  byte_o = word_i[23:16];
      3'b111:  byte_o = word_i[31:24];
      default: byte_o = byte_q;
    endcase
  end
endmodule
