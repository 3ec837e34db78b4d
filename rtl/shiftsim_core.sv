// The accelerator's core; docs/hardware.md is its specification. Everything outside (DRAM, DMA, host) drives
// these ports. All outputs are functions of registers only.
module shiftsim_core #(
  parameter int P        = 4,
  parameter int N        = 16,
  parameter int L        = 4,
  parameter int Q        = 8,
  parameter int AccW     = 24,
  parameter int ActDepth = 1024,
  parameter int WgtDepth = 1024,
  parameter int TabDepth = 64,
  parameter int ResDepth = 1024,
  parameter int OutDepth = 1024,
  parameter int CmdDepth = 4,
  // rd_data carries a word of any scratchpad: the widest decides
  localparam int ActWgtW = (2*N*L > 8*N) ? 2*N*L : 8*N,
  localparam int DataW   = (shiftsim_pkg::TabW*Q > ActWgtW) ? shiftsim_pkg::TabW*Q : ActWgtW
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  input  logic                          ld_cmd_valid_i,
  input  logic                          ex_cmd_valid_i,
  input  logic                          st_cmd_valid_i,
  // lint: no unit uses all 320 bits
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [shiftsim_pkg::CmdW-1:0] ld_cmd_i,
  input  logic [shiftsim_pkg::CmdW-1:0] ex_cmd_i,
  input  logic [shiftsim_pkg::CmdW-1:0] st_cmd_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic                          ld_cmd_ready_o,
  output logic                          ex_cmd_ready_o,
  output logic                          st_cmd_ready_o,

  output logic                          rd_req_valid_o,
  output logic [1:0]                    rd_req_target_o,
  output logic [23:0]                   rd_req_count_o,
  output logic [31:0]                   rd_req_id_o,
  input  logic                          rd_req_ready_i,
  input  logic                          rd_data_valid_i,
  input  logic [DataW-1:0]              rd_data_i,
  output logic                          rd_data_ready_o,

  output logic                          wr_req_valid_o,
  output logic [15:0]                   wr_req_count_o,
  output logic [31:0]                   wr_req_id_o,
  input  logic                          wr_req_ready_i,
  output logic                          wr_data_valid_o,
  output logic [8*N-1:0]                wr_data_o,
  input  logic                          wr_data_ready_i,

  output logic                          drain_valid_o,
  output logic [P*N*AccW-1:0]           drain_acc_o,
  output logic [P*AccW-1:0]             drain_s_o,
  output logic [3:0]                    ex_state_o,
  output logic [2:0]                    ld_state_o,
  output logic                          idle_o
);
  localparam int AddrW = shiftsim_pkg::AddrW;
  localparam int OpW   = shiftsim_pkg::OpW;
  localparam int TabW  = shiftsim_pkg::TabW;
  localparam int RemW  = shiftsim_pkg::RemW;

  // ---------------------------------------------------------------------------------------- tokens
  logic [shiftsim_pkg::NumTgt-1:0] credit, ready, credit_take, credit_give, ready_take, ready_give;
  logic                            barrier, barrier_take, barrier_give;

  tokens u_tokens (
    .clk_i, .rst_ni, .credit_take_i(credit_take), .credit_give_i(credit_give), .ready_take_i(ready_take),
    .ready_give_i(ready_give), .barrier_take_i(barrier_take), .barrier_give_i(barrier_give),
    .credit_o(credit), .ready_o(ready), .barrier_o(barrier));

  // ------------------------------------------------------------------------------------------ LOAD
  logic               ld_idle;
  logic [P-1:0]       slot_we, act_we;
  logic               slot_half, wr_half, wgt_we, carry_we, tab_we, res_we;
  logic [AddrW-1:0]   slot_x, slot_xa, wr_addr, carry_addr;
  logic [RemW-1:0]    slot_rem;
  logic [P*AddrW-1:0] act_wr_addr;

  load_unit #(.P(P), .CmdDepth(CmdDepth)) u_load (
    .clk_i, .rst_ni,
    .cmd_valid_i(ld_cmd_valid_i), .cmd_i(ld_cmd_i[shiftsim_pkg::LdCmdW-1:0]), .cmd_ready_o(ld_cmd_ready_o),
    .state_o(ld_state_o), .idle_o(ld_idle),
    .credit_i(credit[3:0]), .barrier_i(barrier), .credit_take_o(credit_take[3:0]),
    .barrier_take_o(barrier_take), .ready_give_o(ready_give[3:0]),
    .rd_req_valid_o, .rd_req_target_o, .rd_req_count_o, .rd_req_id_o, .rd_req_ready_i, .rd_data_valid_i,
    .rd_data_ready_o,
    .slot_we_o(slot_we), .slot_half_o(slot_half), .slot_x_o(slot_x), .slot_xa_o(slot_xa),
    .slot_rem_o(slot_rem),
    .wr_half_o(wr_half), .act_we_o(act_we), .act_addr_o(act_wr_addr), .wgt_we_o(wgt_we),
    .carry_we_o(carry_we), .carry_addr_o(carry_addr), .tab_we_o(tab_we), .res_we_o(res_we),
    .wr_addr_o(wr_addr));

  // ------------------------------------------------------------------------------------- COMPUTE, F
  logic                            ex_idle, act_half, wgt_half, wgt_pair_re, wgt_carry_re;
  logic [P-1:0]                    act_re, d_active;
  logic [P*AddrW-1:0]              act_rd_addr;
  logic [AddrW-1:0]                wgt_addr;
  logic                            d_en, d_conv, d_signed, d_plane0;
  logic [7:0]                      d_sub;
  logic                            e_en, e_depthwise, e_max, e_clear, e_shift, e_s_en, e_capture, e_end;
  logic [15:0]                     e_j;
  logic [shiftsim_pkg::ExCmdW-1:0] e_ctx;
  logic                            ppu_ready;

  ex_sequencer #(.P(P), .N(N), .L(L), .CmdDepth(CmdDepth)) u_sequencer (
    .clk_i, .rst_ni,
    .cmd_valid_i(ex_cmd_valid_i), .cmd_i(ex_cmd_i[shiftsim_pkg::ExCmdW-1:0]), .cmd_ready_o(ex_cmd_ready_o),
    .state_o(ex_state_o), .idle_o(ex_idle),
    .ready_i(ready[3:0]), .credit_out_i(credit[shiftsim_pkg::TgtOut]), .ready_take_o(ready_take[3:0]),
    .credit_out_take_o(credit_take[shiftsim_pkg::TgtOut]),
    .credit_act_give_o(credit_give[shiftsim_pkg::TgtAct]),
    .credit_wgt_give_o(credit_give[shiftsim_pkg::TgtWgt]),
    .slot_we_i(slot_we), .slot_half_i(slot_half), .slot_x_i(slot_x), .slot_xa_i(slot_xa),
    .slot_rem_i(slot_rem),
    .act_half_o(act_half), .act_re_o(act_re), .act_addr_o(act_rd_addr), .wgt_half_o(wgt_half),
    .wgt_pair_re_o(wgt_pair_re), .wgt_carry_re_o(wgt_carry_re), .wgt_addr_o(wgt_addr),
    .d_en_o(d_en), .d_conv_o(d_conv), .d_signed_o(d_signed), .d_sub_o(d_sub), .d_active_o(d_active),
    .d_plane0_o(d_plane0),
    .e_en_o(e_en), .e_depthwise_o(e_depthwise), .e_max_o(e_max), .e_clear_o(e_clear), .e_shift_o(e_shift),
    .e_s_en_o(e_s_en), .e_capture_o(e_capture), .e_end_o(e_end), .e_j_o(e_j), .e_ctx_o(e_ctx),
    .ppu_ready_i(ppu_ready));

  // ------------------------------------------------------------------- memories and D: operands, digits
  logic [P*N*OpW-1:0] op;
  logic [2*N*L-1:0]   wgt_pair;
  logic [N*L-1:0]     wgt_carry, neg, one, two;

  for (genvar p = 0; p < P; p++) begin : gen_slot
    logic [8*N-1:0] word;

    scratchpad #(.Width(8*N), .Depth(ActDepth)) u_act (
      .clk_i, .wr_be_i(act_we[p]), .wr_half_i(wr_half), .wr_addr_i(act_wr_addr[p*AddrW +: AddrW]),
      .wr_data_i(rd_data_i[8*N-1:0]), .rd_en_i(act_re[p]), .rd_half_i(act_half),
      .rd_addr_i(act_rd_addr[p*AddrW +: AddrW]), .rd_data_o(word));

    operand_select #(.N(N), .L(L)) u_select (
      .clk_i, .en_i(d_en), .conv_i(d_conv), .signed_i(d_signed), .active_i(d_active[p]), .sub_i(d_sub),
      .word_i(word), .op_o(op[p*N*OpW +: N*OpW]));
  end

  scratchpad #(.Width(2*N*L), .Depth(WgtDepth)) u_wgt_pair (
    .clk_i, .wr_be_i(wgt_we), .wr_half_i(wr_half), .wr_addr_i(wr_addr), .wr_data_i(rd_data_i[2*N*L-1:0]),
    .rd_en_i(wgt_pair_re), .rd_half_i(wgt_half), .rd_addr_i(wgt_addr), .rd_data_o(wgt_pair));

  logic [N*L-1:0] wgt_top;
  for (genvar i = 0; i < N*L; i++) begin : gen_top
    assign wgt_top[i] = rd_data_i[2*i + 1];
  end

  scratchpad #(.Width(N*L), .Depth(WgtDepth)) u_wgt_carry (
    .clk_i, .wr_be_i(carry_we), .wr_half_i(wr_half), .wr_addr_i(carry_addr), .wr_data_i(wgt_top),
    .rd_en_i(wgt_carry_re), .rd_half_i(wgt_half), .rd_addr_i(wgt_addr), .rd_data_o(wgt_carry));

  digit_stage #(.N(N), .L(L)) u_digits (
    .clk_i, .en_i(d_en), .plane0_i(d_plane0), .pair_i(wgt_pair), .carry_i(wgt_carry), .neg_o(neg),
    .one_o(one), .two_o(two));

  // -------------------------------------------------------------------------------------------- E
  pe_array #(.P(P), .N(N), .L(L), .AccW(AccW)) u_array (
    .clk_i, .rst_ni, .en_i(e_en), .depthwise_i(e_depthwise), .max_i(e_max), .clear_i(e_clear),
    .shift_i(e_shift), .s_en_i(e_s_en), .capture_i(e_capture), .op_i(op), .neg_i(neg), .one_i(one),
    .two_i(two), .drain_valid_o, .drain_acc_o, .drain_s_o);

  // ------------------------------------------------------------------------------------------- PPU
  logic              ppu_idle, tab_re, tab_half, res_re, res_half, out_wr_half;
  logic [AddrW-1:0]  tab_addr, res_addr, out_wr_addr;
  logic [TabW*Q-1:0] tab_data;
  logic [8*N-1:0]    res_data, out_wr_data;
  logic [N-1:0]      out_be;

  ppu #(.P(P), .N(N), .Q(Q), .AccW(AccW)) u_ppu (
    .clk_i, .rst_ni, .start_i(e_en && e_capture), .end_i(e_end), .j_i(e_j), .ctx_i(e_ctx),
    .ready_o(ppu_ready), .drain_acc_i(drain_acc_o), .drain_s_i(drain_s_o),
    .tab_re_o(tab_re), .tab_half_o(tab_half), .tab_addr_o(tab_addr), .tab_data_i(tab_data),
    .res_re_o(res_re), .res_half_o(res_half), .res_addr_o(res_addr), .res_data_i(res_data),
    .out_be_o(out_be), .out_half_o(out_wr_half), .out_addr_o(out_wr_addr), .out_data_o(out_wr_data),
    .credit_tab_give_o(credit_give[shiftsim_pkg::TgtTab]),
    .credit_res_give_o(credit_give[shiftsim_pkg::TgtRes]),
    .ready_out_give_o(ready_give[shiftsim_pkg::TgtOut]), .idle_o(ppu_idle));

  scratchpad #(.Width(TabW*Q), .Depth(TabDepth)) u_tab (
    .clk_i, .wr_be_i(tab_we), .wr_half_i(wr_half), .wr_addr_i(wr_addr), .wr_data_i(rd_data_i[TabW*Q-1:0]),
    .rd_en_i(tab_re), .rd_half_i(tab_half), .rd_addr_i(tab_addr), .rd_data_o(tab_data));

  scratchpad #(.Width(8*N), .Depth(ResDepth)) u_res (
    .clk_i, .wr_be_i(res_we), .wr_half_i(wr_half), .wr_addr_i(wr_addr), .wr_data_i(rd_data_i[8*N-1:0]),
    .rd_en_i(res_re), .rd_half_i(res_half), .rd_addr_i(res_addr), .rd_data_o(res_data));

  // ----------------------------------------------------------------------------------------- STORE
  logic             st_idle, out_re, out_rd_half;
  logic [AddrW-1:0] out_rd_addr;

  scratchpad #(.Width(8*N), .Depth(OutDepth), .Granule(8)) u_out (
    .clk_i, .wr_be_i(out_be), .wr_half_i(out_wr_half), .wr_addr_i(out_wr_addr), .wr_data_i(out_wr_data),
    .rd_en_i(out_re), .rd_half_i(out_rd_half), .rd_addr_i(out_rd_addr), .rd_data_o(wr_data_o));

  store_unit #(.CmdDepth(CmdDepth)) u_store (
    .clk_i, .rst_ni,
    .cmd_valid_i(st_cmd_valid_i), .cmd_i(st_cmd_i[shiftsim_pkg::StCmdW-1:0]), .cmd_ready_o(st_cmd_ready_o),
    .idle_o(st_idle),
    .ready_out_i(ready[shiftsim_pkg::TgtOut]), .ready_out_take_o(ready_take[shiftsim_pkg::TgtOut]),
    .credit_out_give_o(credit_give[shiftsim_pkg::TgtOut]), .barrier_give_o(barrier_give),
    .wr_req_valid_o, .wr_req_count_o, .wr_req_id_o, .wr_req_ready_i, .wr_data_valid_o, .wr_data_ready_i,
    .out_re_o(out_re), .out_half_o(out_rd_half), .out_addr_o(out_rd_addr));

  assign idle_o = ld_idle && ex_idle && ppu_idle && st_idle;
endmodule
