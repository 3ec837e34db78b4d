// One PPU lane: stage B1 (offset, bias, residual) up to a register, stage B2 (shift, clamp) behind it.
module ppu_lane #(
  parameter int AccW = 24
) (
  input  logic                          clk_i,
  // B1
  input  logic                          en_i,
  input  logic                          has_offset_i,
  input  logic                          has_res_i,
  input  logic                          res_signed_i,
  input  logic [AccW-1:0]               acc_i,
  input  logic [AccW-1:0]               s_i,
  input  logic [shiftsim_pkg::TabW-1:0] tab_i,
  input  logic [7:0]                    res_i,
  // B2
  input  logic                          wide_i,
  input  logic [1:0]                    pass_i,
  input  logic [7:0]                    lo_i,
  output logic [7:0]                    byte_o
);
  logic signed [31:0] acc, s, c_s, base, r, r_shifted, v_d, v_q, y;
  wire  [31:0]        bias = tab_i[31:0];
  wire  [5:0]         n    = tab_i[37:32];
  wire  [3:0]         c    = tab_i[41:38];
  wire  [5:0]         rs   = tab_i[47:42];
  logic [5:0]         n_q, n_neg;
  logic [7:0]         hi_q;

  assign acc = 32'($signed(acc_i));
  assign s   = 32'($signed(s_i));

  // c*S: c is two radix-4 Booth digits, the second with the first one's top bit as carry.
  logic        neg0, one0, two0, neg1, one1, two1;
  logic [31:0] part0, part1;
  recoder u_digit0 (.pair_i(c[1:0]), .carry_i(1'b0), .neg_o(neg0), .one_o(one0), .two_o(two0));
  recoder u_digit1 (.pair_i(c[3:2]), .carry_i(c[1]), .neg_o(neg1), .one_o(one1), .two_o(two1));
  assign part0 = ((s & {32{one0}}) | ((s <<< 1) & {32{two0}})) ^ {32{neg0}};
  assign part1 = ((s & {32{one1}}) | ((s <<< 1) & {32{two1}})) ^ {32{neg1}};
  assign c_s   = part0 + 32'(neg0) + ((part1 + 32'(neg1)) << 2);

  assign base = has_offset_i ? (acc <<< 1) + c_s : acc;

  // A right shift by -rs with rounding; -rs - 1 is ~rs in two's complement, and the last bit is shifted
  // after the sum, so the amount never leaves 0..31. `r` stays a signed variable: in an expression with
  // an unsigned concatenation the arithmetic shift would become a logical one.
  logic signed [31:0] r_half;
  wire  [4:0]         rs_less = ~rs[4:0];
  assign r         = {{24{res_signed_i & res_i[7]}}, res_i};
  assign r_half    = r + (32'sd1 <<< rs_less);
  assign r_shifted = rs[5] ? ((r_half >>> rs_less) >>> 1) : (r <<< rs[4:0]);

  assign v_d = base + $signed(bias) + (has_res_i ? r_shifted : 32'sd0);

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      v_q  <= v_d;
      n_q  <= n;
      hi_q <= tab_i[55:48];
    end
  end

  // n = -32 would be a shift by 32, which gives 0 as it should.
  logic signed [31:0] lo, hi;
  assign n_neg = -n_q;
  assign y     = n_q[5] ? (v_q <<< n_neg) : (v_q >>> n_q[4:0]);
  assign lo    = 32'($signed(lo_i));
  assign hi    = {24'd0, hi_q};

  logic signed [31:0] y_min;
  logic        [7:0]  y_clamped;
  assign y_min     = (y < hi) ? y : hi;
  assign y_clamped = (y_min > lo) ? y_min[7:0] : lo_i;

  always_comb begin
    unique case ({wide_i, pass_i})
      3'b100:  byte_o = y[7:0];
      3'b101:  byte_o = y[15:8];
      3'b110:  byte_o = y[23:16];
      3'b111:  byte_o = y[31:24];
      default: byte_o = y_clamped;
    endcase
  end
endmodule
