// What the simulation sees of the core beside its ports: the states of its units, the drain registers, and counters of
// the events that cost energy. Bound to shiftsim_core (shiftsim_bind.sv); no part of the product.
//
// An event is counted by the enable of the register or memory that it clocks, at the edge at which docs/hardware.md
// says that it happens; registers between D and E are counted with the step in E. Names are those of
// sim/counters/events.h.
module shiftsim_monitor #(
  parameter int unsigned Pixels   = 4,
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes    = 4,
  parameter int unsigned PpuLanes = 8,
  parameter int unsigned AccW     = 24,
  localparam int unsigned OpW       = shiftsim_pkg::OpW,
  localparam int unsigned NumTokens = 2 * shiftsim_cmd_pkg::TgtCount + 1
) (
  input logic                            clk_i,
  input logic                            rst_ni,
  // observed as they are
  input shiftsim_cmd_pkg::ex_state_e     ex_state_i /* verilator public_flat_rd */,
  input shiftsim_cmd_pkg::ld_state_e     ld_state_i /* verilator public_flat_rd */,
  input logic [Pixels*Channels*AccW-1:0] drain_acc_i /* verilator public_flat_rd */,
  input logic [Pixels*AccW-1:0]          drain_s_i /* verilator public_flat_rd */,
  // D
  input logic                            d_en_i,
  input logic [Pixels-1:0]               op_lanes_en_i,
  input logic [Pixels-1:0]               op_rest_en_i,
  input logic                            digit_first_en_i,
  input logic                            digit_other_en_i,
  // E
  input logic                            e_en_i,
  // lint: the monitor has no use for all of it
  /* verilator lint_off UNUSEDSIGNAL */
  input shiftsim_pkg::e_control_t        e_ctl_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input logic [Pixels-1:0]               e_active_i,
  input logic [Pixels*Channels*OpW-1:0]  op_i,
  input logic [Channels*Lanes-1:0]       one_i,
  input logic [Channels*Lanes-1:0]       two_i,
  input logic [Pixels-1:0]               acc_en_i,
  input logic [Pixels-1:0]               s_en_i,
  input logic                            capture_acc_i,
  input logic                            capture_s_i,
  // PPU
  input logic [PpuLanes-1:0]             ppu_lane_en_i,
  input logic                            ppu_has_offset_i,
  input logic                            ppu_has_res_i,
  // scratchpads
  input logic [Pixels-1:0]               act_re_i,
  input logic [Pixels-1:0]               act_we_i,
  input logic                            wgt_pair_re_i,
  input logic                            wgt_carry_re_i,
  input logic                            wgt_we_i,
  input logic                            tab_re_i,
  input logic                            tab_we_i,
  input logic [PpuLanes-1:0]             lut_re_i,
  input logic                            lut_we_i,
  input logic                            res_re_i,
  input logic                            res_we_i,
  input logic                            out_re_i,
  input logic [Channels-1:0]             out_be_i,
  // control
  input logic                            ld_push_i,
  input logic                            ex_push_i,
  input logic                            st_push_i,
  input logic                            load_word_i,
  input logic [Pixels-1:0]               slot_we_i,
  input logic                            setup_i,
  input logic                            pixel_i,
  input logic [NumTokens-1:0]            token_take_i,
  input logic [NumTokens-1:0]            token_give_i
);
  localparam int unsigned Digits   = Channels * Lanes;
  localparam int unsigned LaneBits = OpW * Lanes;
  localparam int unsigned RestBits = OpW * (Channels - Lanes);

  // -------------------------------------------------------------------------------------- drain registers
  logic              drain_valid /* verilator public_flat_rd */;   // in the cycle after a capture
  logic [Pixels-1:0] drain_active /* verilator public_flat_rd */;  // slots whose sums mean something
  logic              drain_has_s /* verilator public_flat_rd */;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      drain_valid <= 1'b0;
    end else begin
      drain_valid <= capture_acc_i;
      if (capture_acc_i) begin
        drain_active <= e_active_i;
        drain_has_s  <= capture_s_i;
      end
    end
  end

  // --------------------------------------------------------------------------------------------- counters
  logic [63:0] mac_digit_adds_active /* verilator public_flat_rd */;
  logic [63:0] mac_digit_adds_gated /* verilator public_flat_rd */;
  logic [63:0] accumulator_updates /* verilator public_flat_rd */;
  logic [63:0] max_compares /* verilator public_flat_rd */;
  logic [63:0] offset_column_adds /* verilator public_flat_rd */;
  logic [63:0] offset_column_updates /* verilator public_flat_rd */;
  logic [63:0] operand_register_bits /* verilator public_flat_rd */;
  logic [63:0] digit_register_bits /* verilator public_flat_rd */;
  logic [63:0] drain_captures /* verilator public_flat_rd */;
  logic [63:0] ppu_ops /* verilator public_flat_rd */;
  logic [63:0] ppu_offset_ops /* verilator public_flat_rd */;
  logic [63:0] ppu_residual_ops /* verilator public_flat_rd */;
  logic [63:0] act_read_words /* verilator public_flat_rd */;
  logic [63:0] act_write_words /* verilator public_flat_rd */;
  logic [63:0] weight_pair_read_words /* verilator public_flat_rd */;
  logic [63:0] weight_carry_read_words /* verilator public_flat_rd */;
  logic [63:0] weight_write_words /* verilator public_flat_rd */;
  logic [63:0] table_read_words /* verilator public_flat_rd */;
  logic [63:0] table_write_words /* verilator public_flat_rd */;
  logic [63:0] lut_read_words /* verilator public_flat_rd */;
  logic [63:0] lut_write_words /* verilator public_flat_rd */;
  logic [63:0] res_read_words /* verilator public_flat_rd */;
  logic [63:0] res_write_words /* verilator public_flat_rd */;
  logic [63:0] out_read_words /* verilator public_flat_rd */;
  logic [63:0] out_write_bytes /* verilator public_flat_rd */;
  logic [63:0] array_idle_cycles /* verilator public_flat_rd */;
  logic [63:0] array_steps /* verilator public_flat_rd */;
  logic [63:0] load_commands /* verilator public_flat_rd */;
  logic [63:0] compute_commands /* verilator public_flat_rd */;
  logic [63:0] store_commands /* verilator public_flat_rd */;
  logic [63:0] load_words /* verilator public_flat_rd */;
  logic [63:0] slot_table_writes /* verilator public_flat_rd */;
  logic [63:0] slot_place_updates /* verilator public_flat_rd */;
  logic [63:0] token_moves /* verilator public_flat_rd */;
  logic [63:0] drains /* verilator public_flat_rd */;

  // Digits that are not zero, of lane l: bits l, L+l, 2L+l ...
  logic [Digits-1:0] digits, first_lane;
  assign digits = one_i | two_i;
  for (genvar i = 0; i < Digits; i++) begin : gen_first_lane
    assign first_lane[i] = (i % Lanes == 0);
  end

  // Products of a step of which no factor is zero, and operands of the S column that are not zero.
  logic [31:0] lane_ops, products, s_adds;
  always_comb begin
    lane_ops = '0;
    products = '0;
    s_adds   = '0;
    if (e_en_i && e_ctl_i.conv) begin
      for (int l = 0; l < Lanes; l++) begin
        lane_ops = '0;
        for (int p = 0; p < Pixels; p++) begin
          if (e_active_i[p] && (op_i[(p*Channels + l)*OpW +: OpW] != '0)) lane_ops = lane_ops + 32'd1;
        end
        s_adds   = s_adds + lane_ops;
        products = products + lane_ops * 32'($countones(digits & (first_lane << l)));
      end
    end else if (e_en_i && e_ctl_i.depthwise) begin
      for (int n = 0; n < Channels; n++) begin
        for (int p = 0; p < Pixels; p++) begin
          if (digits[n*Lanes] && e_active_i[p] && (op_i[(p*Channels + n)*OpW +: OpW] != '0)) begin
            products = products + 32'd1;
          end
        end
      end
    end
  end

  // Bits clocked between D and E, for the step that is then in E.
  logic [63:0] step_operand_bits, step_digit_bits;
  always_ff @(posedge clk_i) begin
    if (d_en_i) begin
      step_operand_bits <= 64'(LaneBits) * 64'($countones(op_lanes_en_i)) +
                           64'(RestBits) * 64'($countones(op_rest_en_i));
      step_digit_bits   <= digit_other_en_i ? 64'(3 * Digits) : digit_first_en_i ? 64'(3 * Channels) : 64'd0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      mac_digit_adds_active   <= '0;
      mac_digit_adds_gated    <= '0;
      accumulator_updates     <= '0;
      max_compares            <= '0;
      offset_column_adds      <= '0;
      offset_column_updates   <= '0;
      operand_register_bits   <= '0;
      digit_register_bits     <= '0;
      drain_captures          <= '0;
      ppu_ops                 <= '0;
      ppu_offset_ops          <= '0;
      ppu_residual_ops        <= '0;
      act_read_words          <= '0;
      act_write_words         <= '0;
      weight_pair_read_words  <= '0;
      weight_carry_read_words <= '0;
      weight_write_words      <= '0;
      table_read_words        <= '0;
      table_write_words       <= '0;
      lut_read_words          <= '0;
      lut_write_words         <= '0;
      res_read_words          <= '0;
      res_write_words         <= '0;
      out_read_words          <= '0;
      out_write_bytes         <= '0;
      array_idle_cycles       <= '0;
      array_steps             <= '0;
      load_commands           <= '0;
      compute_commands        <= '0;
      store_commands          <= '0;
      load_words              <= '0;
      slot_table_writes       <= '0;
      slot_place_updates      <= '0;
      token_moves             <= '0;
      drains                  <= '0;
    end else begin
      if (e_en_i) begin
        array_steps           <= array_steps + 64'd1;
        operand_register_bits <= operand_register_bits + step_operand_bits;
        digit_register_bits   <= digit_register_bits + step_digit_bits;
        if (!e_ctl_i.max) begin
          mac_digit_adds_active <= mac_digit_adds_active + 64'(products);
          mac_digit_adds_gated  <= mac_digit_adds_gated + 64'(Pixels * Digits) - 64'(products);
        end
      end else begin
        array_idle_cycles <= array_idle_cycles + 64'd1;
      end
      if (|acc_en_i) begin
        accumulator_updates <= accumulator_updates + Channels * 64'($countones(acc_en_i));
        if (e_ctl_i.max) max_compares <= max_compares + Channels * 64'($countones(acc_en_i));
      end
      if (|s_en_i) begin
        offset_column_adds    <= offset_column_adds + 64'(s_adds);
        offset_column_updates <= offset_column_updates + 64'($countones(s_en_i));
      end
      if (capture_acc_i || capture_s_i) begin
        drain_captures <= drain_captures + (capture_acc_i ? 64'(Pixels * Channels) : '0) +
                          (capture_s_i ? 64'(Pixels) : '0);
      end
      if (capture_acc_i) drains <= drains + 64'd1;
      if (|ppu_lane_en_i) begin
        ppu_ops <= ppu_ops + 64'($countones(ppu_lane_en_i));
        if (ppu_has_offset_i) ppu_offset_ops <= ppu_offset_ops + 64'($countones(ppu_lane_en_i));
        if (ppu_has_res_i) ppu_residual_ops <= ppu_residual_ops + 64'($countones(ppu_lane_en_i));
      end
      if (|act_re_i)      act_read_words          <= act_read_words + 64'($countones(act_re_i));
      if (|act_we_i)      act_write_words         <= act_write_words + 64'($countones(act_we_i));
      if (wgt_pair_re_i)  weight_pair_read_words  <= weight_pair_read_words + 64'd1;
      if (wgt_carry_re_i) weight_carry_read_words <= weight_carry_read_words + 64'd1;
      if (wgt_we_i)       weight_write_words      <= weight_write_words + 64'd1;
      if (tab_re_i)       table_read_words        <= table_read_words + 64'd1;
      if (tab_we_i)       table_write_words       <= table_write_words + 64'd1;
      if (|lut_re_i)      lut_read_words          <= lut_read_words + 64'($countones(lut_re_i));
      if (lut_we_i)       lut_write_words         <= lut_write_words + 64'd1;
      if (res_re_i)       res_read_words          <= res_read_words + 64'd1;
      if (res_we_i)       res_write_words         <= res_write_words + 64'd1;
      if (out_re_i)       out_read_words          <= out_read_words + 64'd1;
      if (|out_be_i)      out_write_bytes         <= out_write_bytes + 64'($countones(out_be_i));
      if (ld_push_i)      load_commands           <= load_commands + 64'd1;
      if (ex_push_i)      compute_commands        <= compute_commands + 64'd1;
      if (st_push_i)      store_commands          <= store_commands + 64'd1;
      if (load_word_i)    load_words              <= load_words + 64'd1;
      if (|slot_we_i)     slot_table_writes       <= slot_table_writes + 64'($countones(slot_we_i));
      if (setup_i || pixel_i) slot_place_updates  <= slot_place_updates + 64'(Pixels);
      // A token given and taken in the same cycle moves nothing.
      if (token_take_i != token_give_i) token_moves <= token_moves + 64'($countones(token_take_i ^ token_give_i));
    end
  end
endmodule
