// COMPUTE's stage F: takes a command with its tokens, then issues one step a cycle: addresses for the
// memories and control for the stages behind. Also keeps the contexts (commands) of the steps in flight and
// the control registers of D and E, because the one global stall concerns all three.
module ex_sequencer #(
  parameter int P        = 4,
  parameter int N        = 16,
  parameter int L        = 4,
  parameter int CmdDepth = 4
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,
  input  logic                              cmd_valid_i,
  input  logic [shiftsim_pkg::ExCmdW-1:0]   cmd_i,
  output logic                              cmd_ready_o,
  output logic [3:0]                        state_o,
  output logic                              idle_o,
  // tokens
  input  logic [shiftsim_pkg::NumTgt-2:0]   ready_i,         // ACT, WGT, TAB, RES
  input  logic                              credit_out_i,
  output logic [shiftsim_pkg::NumTgt-2:0]   ready_take_o,
  output logic                              credit_out_take_o,
  output logic                              credit_act_give_o,
  output logic                              credit_wgt_give_o,
  // slots
  input  logic [P-1:0]                      slot_we_i,
  input  logic                              slot_half_i,
  input  logic [shiftsim_pkg::AddrW-1:0]    slot_x_i,
  input  logic [shiftsim_pkg::AddrW-1:0]    slot_xa_i,
  input  logic [shiftsim_pkg::RemW-1:0]     slot_rem_i,
  // memories
  output logic                              act_half_o,
  output logic [P-1:0]                      act_re_o,
  output logic [P*shiftsim_pkg::AddrW-1:0]  act_addr_o,
  output logic                              wgt_half_o,
  output logic                              wgt_pair_re_o,
  output logic                              wgt_carry_re_o,
  output logic [shiftsim_pkg::AddrW-1:0]    wgt_addr_o,
  // stage D: en takes the operands into E
  output logic                              d_en_o,
  output logic                              d_conv_o,
  output logic                              d_signed_o,
  output logic [7:0]                        d_sub_o,
  output logic [P-1:0]                      d_active_o,
  output logic                              d_plane0_o,
  // stage E: en accumulates
  output logic                              e_en_o,
  output logic                              e_depthwise_o,
  output logic                              e_max_o,
  output logic                              e_clear_o,
  output logic                              e_shift_o,
  output logic                              e_s_en_o,
  output logic                              e_capture_o,    // with e_en_o: the drain registers take this sum
  output logic                              e_end_o,
  output logic [15:0]                       e_j_o,
  output logic [shiftsim_pkg::ExCmdW-1:0]   e_ctx_o,
  input  logic                              ppu_ready_i
);
  localparam int AddrW = shiftsim_pkg::AddrW;
  localparam int CmdW  = shiftsim_pkg::ExCmdW;
  localparam int Subs  = (N + L - 1) / L;
  // D's control in one register: what F knows and the later stages need
  localparam int CtlW  = 26;

  // ------------------------------------------------------------------------------------- commands
  logic            full, empty, setup;
  logic [CmdW-1:0] head;

  assign cmd_ready_o = !full;

  cmd_fifo #(.Width(CmdW), .Depth(CmdDepth)) u_fifo (
    .clk_i, .rst_ni, .push_i(cmd_valid_i && !full), .data_i(cmd_i), .full_o(full), .empty_o(empty),
    .head_o(head), .pop_i(setup));

  typedef enum logic {StIdle, StRun} state_e;
  state_e state_q;

  // Two contexts suffice: SETUP waits while E stalls, so the step of the command before the last leaves E (and the
  // PPU copies its context) no later than at the edge at which this one's is written.
  logic            id_q;  // of the command that F works on; toggled by SETUP
  logic [CmdW-1:0] ctx0_q, ctx1_q;
  // lint: F needs only the fields of the addresses
  /* verilator lint_off UNUSEDSIGNAL */
  wire [CmdW-1:0]  ctx = id_q ? ctx1_q : ctx0_q;
  /* verilator lint_on UNUSEDSIGNAL */

  always_ff @(posedge clk_i) begin
    if (setup && id_q)  ctx0_q <= head;
    if (setup && !id_q) ctx1_q <= head;
  end

  wire [1:0]       mode     = ctx[shiftsim_pkg::ExModeLsb +: shiftsim_pkg::ExModeW];
  wire [2:0]       planes   = ctx[shiftsim_pkg::ExPlanesLsb +: shiftsim_pkg::ExPlanesW];
  wire [15:0]      seg      = ctx[shiftsim_pkg::ExSegLsb +: shiftsim_pkg::ExSegW];
  wire [AddrW-1:0] tw       = ctx[shiftsim_pkg::ExTwLsb +: shiftsim_pkg::ExTwW];
  wire [AddrW-1:0] x_inc    = ctx[shiftsim_pkg::ExXIncLsb +: shiftsim_pkg::ExXIncW];
  wire [AddrW-1:0] row_inc  = ctx[shiftsim_pkg::ExRowIncLsb +: shiftsim_pkg::ExRowIncW];
  wire [7:0]       sub_last = ctx[shiftsim_pkg::ExSubLastLsb +: shiftsim_pkg::ExSubLastW];
  wire [15:0]      cw_n     = ctx[shiftsim_pkg::ExCwNLsb +: shiftsim_pkg::ExCwNW];
  wire [7:0]       kx_n     = ctx[shiftsim_pkg::ExKxNLsb +: shiftsim_pkg::ExKxNW];
  wire [7:0]       ky_n     = ctx[shiftsim_pkg::ExKyNLsb +: shiftsim_pkg::ExKyNW];
  wire [AddrW-1:0] inc_kx   = ctx[shiftsim_pkg::ExIncKxLsb +: shiftsim_pkg::ExIncKxW];
  wire [AddrW-1:0] inc_ky   = ctx[shiftsim_pkg::ExIncKyLsb +: shiftsim_pkg::ExIncKyW];
  wire [AddrW-1:0] act_base = ctx[shiftsim_pkg::ExActBaseLsb +: shiftsim_pkg::ExActBaseW];
  wire [AddrW-1:0] wgt_base = ctx[shiftsim_pkg::ExWgtBaseLsb +: shiftsim_pkg::ExWgtBaseW];

  wire conv     = (mode == 2'(shiftsim_pkg::ModeConv));
  wire max_mode = (mode == 2'(shiftsim_pkg::ModeMax));

  // ---------------------------------------------------------------------------------------- state
  logic stall, run, issue, step_end;

  assign run   = (state_q == StRun);
  assign issue = run && !stall;
  assign setup = (state_o == 4'd6);

  always_comb begin
    if (stall)      state_o = 4'd8;
    else if (run)   state_o = 4'd7;
    else if (empty) state_o = 4'd0;
    else if (head[shiftsim_pkg::ExAcqActLsb] && !ready_i[shiftsim_pkg::TgtAct]) state_o = 4'd1;
    else if (head[shiftsim_pkg::ExAcqWgtLsb] && !ready_i[shiftsim_pkg::TgtWgt]) state_o = 4'd2;
    else if (head[shiftsim_pkg::ExAcqTabLsb] && !ready_i[shiftsim_pkg::TgtTab]) state_o = 4'd3;
    else if (head[shiftsim_pkg::ExAcqResLsb] && !ready_i[shiftsim_pkg::TgtRes]) state_o = 4'd4;
    else if (head[shiftsim_pkg::ExAcqOutLsb] && !credit_out_i)                  state_o = 4'd5;
    else            state_o = 4'd6;
  end

  assign ready_take_o = {head[shiftsim_pkg::ExAcqResLsb], head[shiftsim_pkg::ExAcqTabLsb],
                         head[shiftsim_pkg::ExAcqWgtLsb], head[shiftsim_pkg::ExAcqActLsb]} & {4{setup}};
  assign credit_out_take_o = setup && head[shiftsim_pkg::ExAcqOutLsb];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      id_q    <= 1'b0;
    end else if (setup) begin
      state_q <= StRun;
      id_q    <= !id_q;
    end else if (issue && step_end) begin
      state_q <= StIdle;
    end
  end

  // ------------------------------------------------------------------------------- nested counters
  logic [7:0]       sub_q, kx_q, ky_q, subs;
  logic [15:0]      cw_q, j_q;
  logic [2:0]       plane_q;
  logic [AddrW-1:0] tap_q, wgt_q;
  logic             cw_last, sub_end, cw_end, kx_end, ky_end, plane_end, plane_last;

  assign cw_last    = (cw_q == cw_n - 16'd1);
  assign subs       = !conv ? 8'd1 : cw_last ? sub_last : 8'(Subs);
  assign sub_end    = (sub_q == subs - 8'd1);
  assign cw_end     = sub_end && cw_last;
  assign kx_end     = cw_end && (kx_q == kx_n - 8'd1);
  assign ky_end     = kx_end && (ky_q == ky_n - 8'd1);
  assign plane_last = (plane_q == planes - 3'd1);
  assign plane_end  = ky_end && plane_last;  // the pixel is done
  assign step_end   = plane_end && (j_q == seg - 16'd1);

  always_ff @(posedge clk_i) begin
    if (setup) begin
      sub_q   <= '0;
      cw_q    <= '0;
      kx_q    <= '0;
      ky_q    <= '0;
      plane_q <= '0;
      j_q     <= '0;
      tap_q   <= '0;
      wgt_q   <= head[shiftsim_pkg::ExWgtBaseLsb +: shiftsim_pkg::ExWgtBaseW];
    end else if (issue) begin
      sub_q <= sub_end ? '0 : sub_q + 8'd1;
      wgt_q <= plane_end ? wgt_base : wgt_q + 1'b1;
      if (sub_end) begin
        cw_q  <= cw_end ? '0 : cw_q + 16'd1;
        tap_q <= ky_end ? '0 : tap_q + (kx_end ? inc_ky : cw_end ? inc_kx : AddrW'(1));
      end
      if (cw_end)    kx_q    <= kx_end ? '0 : kx_q + 8'd1;
      if (kx_end)    ky_q    <= ky_end ? '0 : ky_q + 8'd1;
      if (ky_end)    plane_q <= plane_end ? '0 : plane_q + 3'd1;
      if (plane_end) j_q     <= j_q + 16'd1;
    end
  end

  // ---------------------------------------------------------------------------------------- slots
  logic [P-1:0]     active;
  logic [AddrW-1:0] act_step;

  assign act_step = act_base + tap_q;

  for (genvar p = 0; p < P; p++) begin : gen_slot
    logic [AddrW-1:0] xa;

    slot_agu u_agu (
      .clk_i, .slot_we_i(slot_we_i[p]), .slot_half_i, .slot_x_i, .slot_xa_i, .slot_rem_i,
      .setup_i(setup), .half_i(head[shiftsim_pkg::ExActHalfLsb]), .pixel_i(issue && plane_end),
      .j_i(j_q), .tw_i(tw), .x_inc_i(x_inc), .row_inc_i(row_inc), .active_o(active[p]), .xa_o(xa));

    assign act_addr_o[p*AddrW +: AddrW] = act_step + xa;
  end

  // ---------------------------------------------------------------------------- what a step asks for
  logic plane0, start, clear;

  assign plane0 = ctx[shiftsim_pkg::ExPlane0LastLsb] && plane_last;
  assign start  = (sub_q == '0) && (cw_q == '0) && (kx_q == '0) && (ky_q == '0);
  assign clear  = start && (plane_q == '0) && ctx[shiftsim_pkg::ExFirstLsb];

  assign act_half_o     = ctx[shiftsim_pkg::ExActHalfLsb];
  assign act_re_o       = active & {P{issue && (sub_q == '0)}};
  assign wgt_half_o     = ctx[shiftsim_pkg::ExWgtHalfLsb];
  assign wgt_addr_o     = wgt_q;
  assign wgt_pair_re_o  = issue && !max_mode;
  assign wgt_carry_re_o = issue && !max_mode && !plane0;

  // ------------------------------------------------------------------------ control registers, D and E
  logic            d_valid_q, e_valid_q;
  logic [CtlW-1:0] f_ctl, d_ctl_q, e_ctl_q;
  logic            d_signed_q, d_conv_q, d_plane0_q;
  logic [7:0]      d_sub_q;
  logic [P-1:0]    d_active_q;

  assign f_ctl = {ctx[shiftsim_pkg::ExRelActLsb], ctx[shiftsim_pkg::ExRelWgtLsb], id_q, j_q, step_end,
                  plane_end && ctx[shiftsim_pkg::ExDrainLsb], plane0 && conv && ctx[shiftsim_pkg::ExHasOffsetLsb],
                  start && !clear && ((plane_q != '0) || ctx[shiftsim_pkg::ExShiftFirstLsb]),
                  clear, max_mode, (mode == 2'(shiftsim_pkg::ModeDepthwise))};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      d_valid_q <= 1'b0;
      e_valid_q <= 1'b0;
    end else if (!stall) begin
      d_valid_q <= run;
      e_valid_q <= d_valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (issue) begin
      d_ctl_q    <= f_ctl;
      d_conv_q   <= conv;
      d_signed_q <= ctx[shiftsim_pkg::ExActSignedLsb];
      d_plane0_q <= plane0;
      d_sub_q    <= sub_q;
      d_active_q <= active;
    end
    if (d_en_o) e_ctl_q <= d_ctl_q;
  end

  assign d_en_o     = d_valid_q && !stall;
  assign d_conv_o   = d_conv_q;
  assign d_signed_o = d_signed_q;
  assign d_sub_o    = d_sub_q;
  assign d_active_o = d_active_q;
  assign d_plane0_o = d_plane0_q;

  logic e_id, e_rel_act, e_rel_wgt;
  assign {e_rel_act, e_rel_wgt, e_id, e_j_o, e_end_o, e_capture_o, e_s_en_o, e_shift_o, e_clear_o, e_max_o,
          e_depthwise_o} = e_ctl_q;
  assign e_en_o  = e_valid_q && !stall;
  assign e_ctx_o = e_id ? ctx1_q : ctx0_q;

  assign stall = e_valid_q && e_capture_o && !ppu_ready_i;

  assign credit_act_give_o = e_en_o && e_end_o && e_rel_act;
  assign credit_wgt_give_o = e_en_o && e_end_o && e_rel_wgt;

  assign idle_o = empty && !run && !d_valid_q && !e_valid_q;
endmodule
