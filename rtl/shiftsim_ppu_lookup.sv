// Stage B3 of the PPU, behind the clamp: where the command says so, the bytes of a beat go through the activation table.
module shiftsim_ppu_lookup #(
  parameter int unsigned PpuLanes = 8,
  parameter int unsigned BeatW    = 22,  // what a beat takes along
  localparam int unsigned LutAddrW = shiftsim_pkg::LutAddrW,
  localparam int unsigned LutWordW = shiftsim_pkg::LutWordW
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,
  // the command's context, at a capture
  input  logic                         start_i,
  input  logic                         use_lut_i,
  input  logic                         half_i,
  // beats on their way
  input  logic                         b0_valid_i,
  input  logic                         b1_valid_i,
  input  logic                         b2_valid_i,
  input  logic [BeatW-1:0]             b2_beat_i,
  input  logic [PpuLanes-1:0]          b2_lane_en_i,  // lanes of a valid output
  input  logic [8*PpuLanes-1:0]        b2_bytes_i,
  // memories, one a lane
  output logic [PpuLanes-1:0]          lut_re_o,
  output logic                         lut_half_o,
  output logic [PpuLanes*LutAddrW-1:0] lut_addr_o,
  input  logic [PpuLanes*LutWordW-1:0] lut_words_i,
  // B3
  output logic                         b3_valid_o,
  output logic [BeatW-1:0]             b3_beat_o,
  output logic [8*PpuLanes-1:0]        b3_bytes_o
);
  logic             ctx_use_q, ctx_half_q, b1_use_q, b1_half_q, b2_use_q, b2_half_q, b3_use_q, b3_valid_q;
  logic [BeatW-1:0] b3_beat_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) b3_valid_q <= 1'b0;
    else         b3_valid_q <= b2_valid_i;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      ctx_use_q  <= use_lut_i;
      ctx_half_q <= half_i;
    end
    if (b0_valid_i) begin
      b1_use_q  <= ctx_use_q;
      b1_half_q <= ctx_half_q;
    end
    if (b1_valid_i) begin
      b2_use_q  <= b1_use_q;
      b2_half_q <= b1_half_q;
    end
    if (b2_valid_i) begin
      b3_use_q  <= b2_use_q;
      b3_beat_q <= b2_beat_i;
    end
  end

  assign lut_re_o   = b2_lane_en_i & {PpuLanes{b2_use_q}};
  assign lut_half_o = b2_half_q;

  for (genvar i = 0; i < PpuLanes; i++) begin : gen_lane
    assign lut_addr_o[i*LutAddrW +: LutAddrW] = b2_bytes_i[8*i + 2 +: LutAddrW];

    shiftsim_lut_lane u_lane (
      .clk_i, .en_i(b2_lane_en_i[i]), .byte_i(b2_bytes_i[8*i +: 8]), .use_lut_i(b3_use_q),
      .word_i(lut_words_i[i*LutWordW +: LutWordW]), .byte_o(b3_bytes_o[8*i +: 8]));
  end

  assign b3_valid_o = b3_valid_q;
  assign b3_beat_o  = b3_beat_q;
endmodule
