// COMPUTE's stage F: takes a command with its tokens, then issues one step a cycle: addresses for the
// memories and control for the stages behind. Also keeps the contexts (commands) of the steps in flight and
// the control registers of D and E, because the one global stall concerns all three.
module shiftsim_ex_sequencer #(
  parameter int unsigned Pixels   = 4,
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes    = 4,
  parameter int unsigned CmdDepth = 4,
  parameter int unsigned ActivationTables = 0,
  localparam int unsigned AddrW   = shiftsim_pkg::AddrW
) (
  input  logic                                clk_i,
  input  logic                                rst_ni,
  input  logic                                cmd_valid_i,
  // lint: without tables the command's last fields stay outside
  /* verilator lint_off UNUSEDSIGNAL */
  input  shiftsim_cmd_pkg::compute_command_t  cmd_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic                                cmd_ready_o,
  output logic                                idle_o,
  // tokens
  input  logic [shiftsim_cmd_pkg::TgtOut-1:0] ready_i,         // ACT, WGT, TAB, RES
  input  logic                                credit_out_i,
  output logic [shiftsim_cmd_pkg::TgtOut-1:0] ready_take_o,
  output logic                                credit_out_take_o,
  output logic                                credit_act_give_o,
  output logic                                credit_wgt_give_o,
  // slots
  input  logic [Pixels-1:0]                   slot_we_i,
  input  logic                                slot_half_i,
  input  shiftsim_pkg::slot_t                 slot_i,
  // memories
  output logic                                act_half_o,
  output logic [Pixels-1:0]                   act_re_o,
  output logic [Pixels*AddrW-1:0]             act_addr_o,
  output logic                                wgt_half_o,
  output logic                                wgt_pair_re_o,
  output logic                                wgt_carry_re_o,
  output logic [AddrW-1:0]                    wgt_addr_o,
  // stage D: en takes the operands into E
  output logic                                d_en_o,
  output shiftsim_pkg::d_control_t            d_ctl_o,
  output logic [Pixels-1:0]                   d_active_o,
  // stage E: en accumulates
  output logic                                e_en_o,
  output shiftsim_pkg::e_control_t            e_ctl_o,
  output logic [Pixels-1:0]                   e_active_o,
  output shiftsim_cmd_pkg::compute_command_t  e_ctx_o,
  input  logic                                ppu_ready_i
);
  localparam int unsigned CmdW =
      shiftsim_cmd_pkg::ComputeCommandW - ((ActivationTables != 0) ? 0 : shiftsim_pkg::LutComputeW);
  localparam int unsigned Subs = (Channels + Lanes - 1) / Lanes;

  // ------------------------------------------------------------------------------------- commands
  logic                               full, empty, setup;
  logic [CmdW-1:0]                    head_bits;
  // lint: the fields of the PPU go into the contexts as they are
  /* verilator lint_off UNUSEDSIGNAL */
  shiftsim_cmd_pkg::compute_command_t head;
  /* verilator lint_on UNUSEDSIGNAL */

  assign cmd_ready_o = !full;
  assign head        = shiftsim_cmd_pkg::ComputeCommandW'(head_bits);

  shiftsim_cmd_fifo #(.Width(CmdW), .Depth(CmdDepth)) u_fifo (
    .clk_i, .rst_ni, .push_i(cmd_valid_i && !full), .data_i(cmd_i[CmdW-1:0]), .full_o(full),
    .empty_o(empty), .head_o(head_bits), .pop_i(setup));

  typedef enum logic {StIdle, StRun} run_state_e;
  run_state_e state_q;

  // Two contexts suffice: SETUP waits while E stalls, so the step of the command before the last leaves E (and the
  // PPU copies its context) no later than at the edge at which this one's is written.
  logic                               id_q;  // of the command that F works on; toggled by SETUP
  logic [CmdW-1:0]                    ctx0_q, ctx1_q;
  // lint: F needs only the fields of the addresses
  /* verilator lint_off UNUSEDSIGNAL */
  shiftsim_cmd_pkg::compute_command_t ctx0, ctx1, ctx;
  /* verilator lint_on UNUSEDSIGNAL */
  assign ctx0 = shiftsim_cmd_pkg::ComputeCommandW'(ctx0_q);
  assign ctx1 = shiftsim_cmd_pkg::ComputeCommandW'(ctx1_q);
  assign ctx  = id_q ? ctx1 : ctx0;

  always_ff @(posedge clk_i) begin
    if (setup && id_q)  ctx0_q <= head_bits;
    if (setup && !id_q) ctx1_q <= head_bits;
  end

  logic conv, max_mode;
  assign conv     = (ctx.mode == shiftsim_cmd_pkg::ModeConv);
  assign max_mode = (ctx.mode == shiftsim_cmd_pkg::ModeMax);

  // ---------------------------------------------------------------------------------------- state
  logic                        stall, run, issue, step_end;
  shiftsim_cmd_pkg::ex_state_e state;  // observed by shiftsim_monitor

  assign run   = (state_q == StRun);
  assign issue = run && !stall;
  assign setup = (state == shiftsim_cmd_pkg::ExSetup);

  always_comb begin
    if (stall)                                                             state = shiftsim_cmd_pkg::ExPpuStall;
    else if (run)                                                          state = shiftsim_cmd_pkg::ExRun;
    else if (empty)                                                        state = shiftsim_cmd_pkg::ExNoCommand;
    else if (head.acq_act && !ready_i[shiftsim_cmd_pkg::TgtAct])           state = shiftsim_cmd_pkg::ExWaitAct;
    else if (head.acq_wgt && !ready_i[shiftsim_cmd_pkg::TgtWgt])           state = shiftsim_cmd_pkg::ExWaitWgt;
    else if (head.acq_tab && !ready_i[shiftsim_cmd_pkg::TgtTab])           state = shiftsim_cmd_pkg::ExWaitTab;
    else if (head.acq_res && !ready_i[shiftsim_cmd_pkg::TgtRes])           state = shiftsim_cmd_pkg::ExWaitRes;
    else if (head.acq_out && !credit_out_i)                                state = shiftsim_cmd_pkg::ExWaitOut;
    else                                                                   state = shiftsim_cmd_pkg::ExSetup;
  end

  assign ready_take_o      = {head.acq_res, head.acq_tab, head.acq_wgt, head.acq_act} & {4{setup}};
  assign credit_out_take_o = setup && head.acq_out;

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
  // The counters' last values, so that no subtraction stands before a comparison.
  typedef struct packed {
    logic [7:0]       sub;   // of the last channel word
    logic [15:0]      cw;
    logic [7:0]       kx;
    logic [7:0]       ky;
    logic [2:0]       plane;
    logic [15:0]      j;
    logic [AddrW-1:0] x;
  } lasts_t;

  lasts_t           last_q;
  logic [7:0]       sub_q, kx_q, ky_q;
  logic [15:0]      cw_q, j_q;
  logic [2:0]       plane_q;
  logic [AddrW-1:0] tap_q, wgt_q;  // addresses; tap_q begins at act_base
  logic             cw_last, sub_end, cw_end, kx_end, ky_end, plane_end, plane_last;

  assign cw_last    = (cw_q == last_q.cw);
  assign sub_end    = !conv || (cw_last ? (sub_q == last_q.sub) : (sub_q == 8'(Subs - 1)));
  assign cw_end     = sub_end && cw_last;
  assign kx_end     = cw_end && (kx_q == last_q.kx);
  assign ky_end     = kx_end && (ky_q == last_q.ky);
  assign plane_last = (plane_q == last_q.plane);
  assign plane_end  = ky_end && plane_last;  // the pixel is done
  assign step_end   = plane_end && (j_q == last_q.j);

  // The additions run beside the comparisons; only the choice comes behind them.
  logic [AddrW-1:0] tap_next, tap_word, tap_kx, tap_ky;
  assign tap_word = tap_q + 1'b1;
  assign tap_kx   = tap_q + ctx.inc_kx;
  assign tap_ky   = tap_q + ctx.inc_ky;
  assign tap_next = ky_end ? ctx.act_base : kx_end ? tap_ky : cw_end ? tap_kx : tap_word;

  always_ff @(posedge clk_i) begin
    if (setup) begin
      last_q.sub   <= head.sub_last - 8'd1;
      last_q.cw    <= head.cw_n - 16'd1;
      last_q.kx    <= head.kx_n - 8'd1;
      last_q.ky    <= head.ky_n - 8'd1;
      last_q.plane <= head.planes - 3'd1;
      last_q.j     <= head.seg - 16'd1;
      last_q.x     <= head.tw - 1'b1;
      sub_q        <= '0;
      cw_q         <= '0;
      kx_q         <= '0;
      ky_q         <= '0;
      plane_q      <= '0;
      j_q          <= '0;
      tap_q        <= head.act_base;
      wgt_q        <= head.wgt_base;
    end else if (issue) begin
      sub_q <= sub_end ? '0 : sub_q + 8'd1;
      wgt_q <= plane_end ? ctx.wgt_base : wgt_q + 1'b1;
      if (sub_end) begin
        cw_q  <= cw_end ? '0 : cw_q + 16'd1;
        tap_q <= tap_next;
      end
      if (cw_end)    kx_q    <= kx_end ? '0 : kx_q + 8'd1;
      if (kx_end)    ky_q    <= ky_end ? '0 : ky_q + 8'd1;
      if (ky_end)    plane_q <= plane_end ? '0 : plane_q + 3'd1;
      if (plane_end) j_q     <= j_q + 16'd1;
    end
  end

  // ---------------------------------------------------------------------------------------- slots
  logic [Pixels-1:0] active;

  for (genvar p = 0; p < Pixels; p++) begin : gen_slot
    logic [AddrW-1:0] xa;

    shiftsim_slot_agu u_agu (
      .clk_i, .slot_we_i(slot_we_i[p]), .slot_half_i, .slot_i, .setup_i(setup), .half_i(head.act_half),
      .pixel_i(issue && plane_end), .x_last_i(last_q.x), .x_inc_i(ctx.x_inc), .row_inc_i(ctx.row_inc),
      .active_o(active[p]), .xa_o(xa));

    assign act_addr_o[p*AddrW +: AddrW] = tap_q + xa;
  end

  // ---------------------------------------------------------------------------- what a step asks for
  logic                     plane0, start;
  shiftsim_pkg::d_control_t f_d_ctl;
  shiftsim_pkg::e_control_t f_e_ctl;

  assign plane0 = ctx.plane0_last && plane_last;
  assign start  = (sub_q == '0) && (cw_q == '0) && (kx_q == '0) && (ky_q == '0);

  assign act_half_o     = ctx.act_half;
  assign act_re_o       = active & {Pixels{issue && (sub_q == '0)}};
  assign wgt_half_o     = ctx.wgt_half;
  assign wgt_addr_o     = wgt_q;
  assign wgt_pair_re_o  = issue && !max_mode;
  assign wgt_carry_re_o = issue && !max_mode && !plane0;

  always_comb begin
    f_d_ctl.conv       = conv;
    f_d_ctl.weights    = !max_mode;
    f_d_ctl.act_signed = ctx.act_signed;
    f_d_ctl.plane0     = plane0;
    f_d_ctl.sub        = sub_q;

    f_e_ctl.conv      = conv;
    f_e_ctl.depthwise = (ctx.mode == shiftsim_cmd_pkg::ModeDepthwise);
    f_e_ctl.max       = max_mode;
    f_e_ctl.clear     = start && (plane_q == '0) && ctx.first;
    f_e_ctl.shift     = start && ((plane_q != '0) || (!ctx.first && ctx.shift_first));
    f_e_ctl.s_add     = plane0 && conv && ctx.has_offset;
    f_e_ctl.s_start   = start && ((plane_q != '0) || ctx.first || ctx.shift_first);
    f_e_ctl.capture   = plane_end && ctx.drain;
    f_e_ctl.capture_s = plane_end && ctx.drain && ctx.has_offset;
    f_e_ctl.last      = step_end;
    f_e_ctl.rel_act   = ctx.rel_act;
    f_e_ctl.rel_wgt   = ctx.rel_wgt;
    f_e_ctl.id        = id_q;
    f_e_ctl.j         = j_q;
  end

  // ------------------------------------------------------------------------ control registers, D and E
  logic                     d_valid_q, e_valid_q;
  shiftsim_pkg::d_control_t d_ctl_q;
  shiftsim_pkg::e_control_t d_e_ctl_q, e_ctl_q;
  logic [Pixels-1:0]        d_active_q, e_active_q;

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
      d_ctl_q    <= f_d_ctl;
      d_e_ctl_q  <= f_e_ctl;
      d_active_q <= active;
    end
    if (d_en_o) begin
      e_ctl_q    <= d_e_ctl_q;
      e_active_q <= d_active_q;
    end
  end

  assign d_en_o     = d_valid_q && !stall;
  assign d_ctl_o    = d_ctl_q;
  assign d_active_o = d_active_q;

  assign e_en_o     = e_valid_q && !stall;
  assign e_ctl_o    = e_ctl_q;
  assign e_active_o = e_active_q;
  assign e_ctx_o    = e_ctl_q.id ? ctx1 : ctx0;

  assign stall = e_valid_q && e_ctl_q.capture && !ppu_ready_i;

  assign credit_act_give_o = e_en_o && e_ctl_q.last && e_ctl_q.rel_act;
  assign credit_wgt_give_o = e_en_o && e_ctl_q.last && e_ctl_q.rel_wgt;

  assign idle_o = empty && !run && !d_valid_q && !e_valid_q;
endmodule
