// A layer_unit (golden/layer_unit.sv has the ports' meaning) made of the accelerator's own parts: a PE, a column for S and
// a PPU lane. It keeps the taps of a window, runs them once for each of the four radix-4 digits of a weight, most
// significant first, and lets the PPU lane make the output of the sum.
module layer_unit #(
  parameter int unsigned MaxTaps = 8192,
  localparam int unsigned AccW   = 32,
  localparam int unsigned OpW    = shiftsim_pkg::OpW,
  localparam int unsigned TapW   = $clog2(MaxTaps)
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,
  input  logic               valid_i,
  input  logic               finish_i,
  output logic               ready_o,
  input  logic signed [8:0]  act_i,
  input  logic signed [7:0]  weight_i,
  input  logic               max_i,
  input  logic               has_offset_i,
  input  logic signed [7:0]  offset_i,
  input  logic signed [31:0] bias_i,
  input  logic signed [7:0]  shift_i,
  input  logic               has_residual_i,
  input  logic signed [8:0]  residual_i,
  input  logic signed [7:0]  residual_shift_i,
  input  logic               wide_i,
  input  logic signed [9:0]  lo_i,
  input  logic signed [9:0]  hi_i,
  output logic               valid_o,
  output logic signed [31:0] value_o
);
  typedef enum logic [2:0] {Collect, Run, Drain, Capture, Answer} state_e;

  state_e            state_q;
  logic [OpW-1:0]    act_mem [MaxTaps];
  logic [7:0]        weight_mem [MaxTaps];
  logic [TapW-1:0]   count_q, tap_q;
  logic [1:0]        plane_q, pass_q;
  logic              first_tap, last_tap, running;

  assign ready_o   = (state_q == Collect);
  assign running   = (state_q == Run);
  assign first_tap = (tap_q == 0);
  assign last_tap  = (tap_q + 1'b1 == count_q);

  // ------------------------------------------------------------------------------- digit, PE and S
  logic [OpW-1:0]  op;
  logic [8:0]      weight_bits;  // with the carry of plane 0
  logic            neg, one, two, highest_plane;
  logic [OpW:0]    corr;
  logic [AccW-1:0] acc, acc_q, s;

  assign highest_plane = max_i || (plane_q == 2'd3);
  assign op            = act_mem[tap_q];
  assign weight_bits   = {weight_mem[tap_q], 1'b0};

  shiftsim_recoder u_recoder (
    .high_i(weight_bits[2*plane_q + 2]), .low_i(weight_bits[2*plane_q + 1]), .carry_i(weight_bits[2*plane_q]),
    .neg_o(neg), .one_o(one), .two_o(two));

  // As in shiftsim_pe_array: the +1 of a negative digit, and the 512 of the product taken back.
  assign corr = 10'(-(1 << OpW)) | 10'(neg);

  shiftsim_pe #(.Lanes(1), .AccW(AccW)) u_pe (
    .clk_i, .en_i(running), .clear_i(first_tap && highest_plane), .shift_i(first_tap && !highest_plane),
    .depthwise_i(1'b0), .max_i, .op_i(op), .vec_op_i(op), .neg_i(neg), .one_i(one), .two_i(two), .corr_i(corr),
    .acc_o(acc));

  shiftsim_s_column #(.Lanes(1), .AccW(AccW)) u_s (
    .clk_i, .en_i(running && highest_plane), .start_i(first_tap), .op_i(op), .s_o(s));

  // --------------------------------------------------------------------------------------- PPU lane
  shiftsim_cmd_pkg::table_entry_t entry;
  logic [7:0]                     answer;
  logic [AccW-1:0]                s_q;

  always_comb begin
    entry      = '0;
    entry.bias = bias_i + ((shift_i > 0) ? (32'sd1 <<< (shift_i - 1)) : 32'sd0);
    entry.n    = shift_i[5:0];
    entry.c    = offset_i[3:0];
    entry.rs   = residual_shift_i[5:0];
    entry.hi   = hi_i[7:0];
  end

  shiftsim_ppu_lane #(.AccW(AccW)) u_lane (
    .clk_i, .en_i(state_q == Drain), .has_offset_i, .has_res_i(has_residual_i), .res_signed_i(residual_i[8]),
    .acc_i(acc_q), .s_i(s_q), .tab_i(entry), .res_i(residual_i[7:0]), .lo_i(lo_i[7:0]), .wide_i, .pass_i(pass_q),
    .byte_o(answer));

  // ---------------------------------------------------------------------------------------- control
  always_ff @(posedge clk_i) begin
    valid_o <= 1'b0;
    if (running) begin
      acc_q <= acc;
      if (highest_plane) s_q <= s;
    end
    unique case (state_q)
      Collect: begin
        tap_q   <= '0;
        plane_q <= 2'd3;
        pass_q  <= '0;
        if (start_i) begin
          count_q <= '0;
        end else if (valid_i) begin
          act_mem[count_q]    <= act_i;
          weight_mem[count_q] <= weight_i;
          count_q             <= count_q + 1'b1;
        end else if (finish_i) begin
          state_q <= Run;
        end
      end
      Run: begin
        tap_q <= last_tap ? '0 : tap_q + 1'b1;
        if (last_tap) begin
          plane_q <= plane_q - 1'b1;
          if (max_i || plane_q == 0) state_q <= Drain;
        end
      end
      Drain:   state_q <= Capture;
      Capture: begin
        // Logits come byte by byte, codes at once.
        value_o[8*pass_q +: 8] <= answer;
        if (!wide_i) value_o <= {{24{lo_i[9] && answer[7]}}, answer};
        pass_q <= pass_q + 1'b1;
        if (!wide_i || pass_q == 2'd3) state_q <= Answer;
      end
      default: begin
        valid_o <= 1'b1;
        state_q <= Collect;
      end
    endcase
    if (!rst_ni) state_q <= Collect;
  end
endmodule
