// One PPU lane: stage B1 (offset, bias, residual) up to a register, stage B2 (shift, clamp) behind it.
module shiftsim_ppu_lane #(
  parameter int unsigned AccW = 24
) (
  input  logic                         clk_i,
  // B1
  input  logic                         en_i,
  input  logic                         has_offset_i,
  input  logic                         has_res_i,
  input  logic                         res_signed_i,
  input  logic [AccW-1:0]              acc_i,
  input  logic [AccW-1:0]              s_i,
  input  shiftsim_cmd_pkg::table_entry_t tab_i,
  input  logic [7:0]                   res_i,
  input  logic [7:0]                   lo_i,
  // B2
  input  logic                         wide_i,
  input  logic [1:0]                   pass_i,
  output logic [7:0]                   byte_o
);
  // ------------------------------------------------------------------------------------------- B1
  // c*S: c is two radix-4 Booth digits, the second with the first one's top bit as carry. A negative part is inverted
  // here and gets its one below.
  logic               neg0, one0, two0, neg1, one1, two1;
  logic [3:0]         c;
  logic signed [31:0] acc, s;
  logic [31:0]        base, part0;
  logic [29:0]        part1;  // counts four times

  assign c   = has_offset_i ? tab_i.c : 4'd0;
  assign acc = 32'($signed(acc_i));
  assign s   = 32'($signed(s_i));
  shiftsim_recoder u_digit0 (.high_i(c[1]), .low_i(c[0]), .carry_i(1'b0), .neg_o(neg0), .one_o(one0), .two_o(two0));
  shiftsim_recoder u_digit1 (.high_i(c[3]), .low_i(c[2]), .carry_i(c[1]), .neg_o(neg1), .one_o(one1), .two_o(two1));
  assign base  = has_offset_i ? {acc[30:0], 1'b0} : acc;
  assign part0 = ((s & {32{one0}}) | ({s[30:0], 1'b0} & {32{two0}})) ^ {32{neg0}};
  assign part1 = ((s[29:0] & {30{one1}}) | ({s[28:0], 1'b0} & {30{two1}})) ^ {30{neg1}};

  // The residual, shifted left by rs, or right by -rs with rounding: the last bit shifted out is added. -rs - 1 is ~rs
  // in two's complement, so that the amount never leaves 0..31.
  logic signed [8:0]  r, r_right;
  logic signed [31:0] r_left;
  logic        [31:0] residual;
  logic               round;

  assign r        = {res_signed_i & res_i[7], res_i};
  assign r_right  = r >>> ~tab_i.rs[4:0];
  assign r_left   = 32'(r) << tab_i.rs[4:0];
  assign residual = (tab_i.rs[5] ? {{24{r_right[8]}}, r_right[8:1]} : r_left) & {32{has_res_i}};
  assign round    = tab_i.rs[5] && r_right[0] && has_res_i;

  // base + part0 + 4*part1 + bias + residual by three rows of full adders and one addition with carry. The carry words'
  // bit 0 is free: there go the ones of the negative parts and of the rounding. (The two low bits of 4*part1 are
  // inverted with it.)
  logic [31:0] part1_up, sum0, sum1, sum2, carry0, carry1, carry2;

  assign part1_up = {part1, {2{neg1}}};
  assign sum0     = base ^ part0 ^ part1_up;
  assign carry0   = {(base[30:0] & part0[30:0]) | (part1_up[30:0] & (base[30:0] | part0[30:0])), neg0};
  assign sum1     = tab_i.bias ^ residual ^ sum0;
  assign carry1   = {(tab_i.bias[30:0] & residual[30:0]) | (sum0[30:0] & (tab_i.bias[30:0] | residual[30:0])), neg1};
  assign sum2     = carry0 ^ carry1 ^ sum1;
  assign carry2   = {(carry0[30:0] & carry1[30:0]) | (sum1[30:0] & (carry0[30:0] | carry1[30:0])), round};

  // What B2 needs, made ready for it: the amount of the shift, and the upper bound, which is not below the lower one.
  logic signed [31:0] v_q;
  logic               left_q;
  logic [4:0]         amount_q;
  logic signed [8:0]  hi, lo, hi_q, lo_q;

  assign hi = {1'b0, tab_i.hi};
  assign lo = {lo_i[7], lo_i};

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      v_q      <= sum2 + carry2;
      left_q   <= tab_i.n[5];
      amount_q <= tab_i.n[5] ? -tab_i.n[4:0] : tab_i.n[4:0];
      hi_q     <= (lo > hi) ? lo : hi;
      lo_q     <= lo;
    end
  end

  // ------------------------------------------------------------------------------------------- B2
  logic signed [31:0] y;
  logic        [7:0]  y_clamped;
  assign y         = left_q ? (v_q <<< amount_q) : (v_q >>> amount_q);
  assign y_clamped = (y < 32'(lo_q)) ? lo_q[7:0] : (y > 32'(hi_q)) ? hi_q[7:0] : y[7:0];

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
