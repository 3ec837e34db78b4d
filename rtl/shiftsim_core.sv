// The accelerator's core; docs/hardware.md is its specification. Everything outside (DRAM, DMA, host) drives
// these ports. All outputs are functions of registers only.
module shiftsim_core #(
  parameter int unsigned Pixels   = 4,   // output pixels computed at a time
  parameter int unsigned Channels = 16,  // output channels
  parameter int unsigned Lanes    = 4,   // input channels a PE adds in a cycle
  parameter int unsigned PpuLanes = 8,
  parameter int unsigned AccW     = 24,
  parameter int unsigned ActDepth = 1024,
  parameter int unsigned WgtDepth = 1024,
  parameter int unsigned TabDepth = 64,
  parameter int unsigned ResDepth = 1024,
  parameter int unsigned OutDepth = 1024,
  parameter int unsigned CmdDepth = 4,
  parameter int unsigned ActivationTables = 0,  // 1: the PPU has a fourth stage with a table a lane
  // rd_data carries a word of any scratchpad: the widest decides
  localparam int unsigned ActW    = 8 * Channels,
  localparam int unsigned PairW   = 2 * Channels * Lanes,
  localparam int unsigned TabW    = shiftsim_cmd_pkg::TableEntryW * PpuLanes,
  localparam int unsigned ActWgtW = (PairW > ActW) ? PairW : ActW,
  localparam int unsigned DataW   = (TabW > ActWgtW) ? TabW : ActWgtW,
  localparam int unsigned CmdW    = shiftsim_cmd_pkg::PortCmdW
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      ld_cmd_valid_i,
  input  logic                      ex_cmd_valid_i,
  input  logic                      st_cmd_valid_i,
  // lint: no unit uses all 320 bits
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [CmdW-1:0]           ld_cmd_i,
  input  logic [CmdW-1:0]           ex_cmd_i,
  input  logic [CmdW-1:0]           st_cmd_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic                      ld_cmd_ready_o,
  output logic                      ex_cmd_ready_o,
  output logic                      st_cmd_ready_o,

  output logic                      rd_req_valid_o,
  output shiftsim_cmd_pkg::target_e rd_req_target_o,
  output logic [23:0]               rd_req_count_o,
  output logic [31:0]               rd_req_id_o,
  input  logic                      rd_req_ready_i,
  input  logic                      rd_data_valid_i,
  input  logic [DataW-1:0]          rd_data_i,
  output logic                      rd_data_ready_o,

  output logic                      wr_req_valid_o,
  output logic [15:0]               wr_req_count_o,
  output logic [31:0]               wr_req_id_o,
  input  logic                      wr_req_ready_i,
  output logic                      wr_data_valid_o,
  output logic [ActW-1:0]           wr_data_o,
  input  logic                      wr_data_ready_i,

  output logic                      idle_o
);
  localparam int unsigned AddrW    = shiftsim_pkg::AddrW;
  localparam int unsigned OpW      = shiftsim_pkg::OpW;
  localparam int unsigned CarryW   = Channels * Lanes;
  localparam int unsigned TgtOut   = shiftsim_cmd_pkg::TgtOut;
  localparam int unsigned TgtCount = shiftsim_cmd_pkg::TgtCount;

  // ------------------------------------------------------------------------------------ parameters
  if (Pixels < 1 || Pixels > 64) begin : gen_bad_pixels
    $error("Pixels is not in 1..64");
  end
  if (Channels < 1 || Channels > 64) begin : gen_bad_channels
    $error("Channels is not in 1..64");
  end
  if (Lanes < 1 || Lanes > Channels) begin : gen_bad_lanes
    $error("Lanes is not in 1..Channels");
  end
  if (PpuLanes < 1 || PpuLanes > Channels) begin : gen_bad_ppu_lanes
    $error("PpuLanes is not in 1..Channels");
  end
  if (AccW < 16 || AccW > 32) begin : gen_bad_acc_w
    $error("AccW is not in 16..32");
  end
  if (CmdDepth < 1 || CmdDepth > 16) begin : gen_bad_cmd_depth
    $error("CmdDepth is not in 1..16");
  end
  if (ActivationTables > 1) begin : gen_bad_activation_tables
    $error("ActivationTables is not in 0..1");
  end
  if (ActDepth < 1 || ActDepth > 65536 || WgtDepth < 1 || WgtDepth > 65536 || TabDepth < 1 || TabDepth > 65536 ||
      ResDepth < 1 || ResDepth > 65536 || OutDepth < 1 || OutDepth > 65536) begin : gen_bad_depth
    $error("the depth of a scratchpad is not in 1..65536");
  end

  // ---------------------------------------------------------------------------------------- tokens
  logic [TgtCount-1:0] credit, ready, credit_take, credit_give, ready_take, ready_give;
  logic                barrier, barrier_take, barrier_give;
  logic                act_free, wgt_free, tab_free, res_free, out_free;

  assign credit_give = {out_free, res_free, tab_free, wgt_free, act_free};

  shiftsim_tokens u_tokens (
    .clk_i, .rst_ni, .credit_take_i(credit_take), .credit_give_i(credit_give), .ready_take_i(ready_take),
    .ready_give_i(ready_give), .barrier_take_i(barrier_take), .barrier_give_i(barrier_give),
    .credit_o(credit), .ready_o(ready), .barrier_o(barrier));

  // ------------------------------------------------------------------------------------------ LOAD
  logic                    ld_idle;
  logic [Pixels-1:0]       slot_we, act_we;
  logic                    slot_half, wr_half, wgt_we, carry_we, tab_we, res_we;
  // lint: nobody writes tables that there are not
  /* verilator lint_off UNUSEDSIGNAL */
  logic                    lut_we;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [AddrW-1:0]        wr_addr, carry_addr;
  logic [Pixels*AddrW-1:0] act_wr_addr;
  shiftsim_pkg::slot_t     slot;

  shiftsim_load_unit #(.Pixels(Pixels), .CmdDepth(CmdDepth), .ActivationTables(ActivationTables)) u_load (
    .clk_i, .rst_ni, .cmd_valid_i(ld_cmd_valid_i), .cmd_i(ld_cmd_i[shiftsim_cmd_pkg::LoadCommandW-1:0]),
    .cmd_ready_o(ld_cmd_ready_o), .idle_o(ld_idle),
    .credit_i(credit[TgtOut-1:0]), .barrier_i(barrier), .credit_take_o(credit_take[TgtOut-1:0]),
    .barrier_take_o(barrier_take), .ready_give_o(ready_give[TgtOut-1:0]),
    .rd_req_valid_o, .rd_req_target_o, .rd_req_count_o, .rd_req_id_o, .rd_req_ready_i, .rd_data_valid_i,
    .rd_data_ready_o,
    .slot_we_o(slot_we), .slot_half_o(slot_half), .slot_o(slot),
    .wr_half_o(wr_half), .act_we_o(act_we), .act_addr_o(act_wr_addr), .wgt_we_o(wgt_we),
    .carry_we_o(carry_we), .carry_addr_o(carry_addr), .tab_we_o(tab_we), .lut_we_o(lut_we),
    .res_we_o(res_we), .wr_addr_o(wr_addr));

  // ------------------------------------------------------------------------------------- COMPUTE, F
  logic                               ex_idle, act_half, wgt_half, wgt_pair_re, wgt_carry_re;
  logic [Pixels-1:0]                  act_re, d_active, e_active;
  logic [Pixels*AddrW-1:0]            act_rd_addr;
  logic [AddrW-1:0]                   wgt_addr;
  logic                               d_en, e_en, ppu_ready;
  shiftsim_pkg::d_control_t           d_ctl;
  shiftsim_pkg::e_control_t           e_ctl;
  shiftsim_cmd_pkg::compute_command_t e_ctx;

  shiftsim_ex_sequencer #(
    .Pixels(Pixels), .Channels(Channels), .Lanes(Lanes), .CmdDepth(CmdDepth), .ActivationTables(ActivationTables)
  ) u_sequencer (
    .clk_i, .rst_ni, .cmd_valid_i(ex_cmd_valid_i), .cmd_i(ex_cmd_i[shiftsim_cmd_pkg::ComputeCommandW-1:0]),
    .cmd_ready_o(ex_cmd_ready_o), .idle_o(ex_idle),
    .ready_i(ready[TgtOut-1:0]), .credit_out_i(credit[TgtOut]), .ready_take_o(ready_take[TgtOut-1:0]),
    .credit_out_take_o(credit_take[TgtOut]), .credit_act_give_o(act_free),
    .credit_wgt_give_o(wgt_free),
    .slot_we_i(slot_we), .slot_half_i(slot_half), .slot_i(slot),
    .act_half_o(act_half), .act_re_o(act_re), .act_addr_o(act_rd_addr), .wgt_half_o(wgt_half),
    .wgt_pair_re_o(wgt_pair_re), .wgt_carry_re_o(wgt_carry_re), .wgt_addr_o(wgt_addr),
    .d_en_o(d_en), .d_ctl_o(d_ctl), .d_active_o(d_active),
    .e_en_o(e_en), .e_ctl_o(e_ctl), .e_active_o(e_active), .e_ctx_o(e_ctx), .ppu_ready_i(ppu_ready));

  // ------------------------------------------------------------------- memories and D: operands, digits
  logic [Pixels*Channels*OpW-1:0] op;
  logic [Pixels-1:0]              op_lanes_en, op_rest_en;
  logic                           digit_first_en, digit_other_en;
  logic [CarryW-1:0]              wr_high, wr_low, wgt_high, wgt_low, wgt_carry, neg, one, two;

  assign op_lanes_en    = d_active & {Pixels{d_en}};
  assign op_rest_en     = d_active & {Pixels{d_en && !d_ctl.conv}};
  assign digit_first_en = d_en && d_ctl.weights;
  assign digit_other_en = d_en && d_ctl.conv;

  for (genvar p = 0; p < Pixels; p++) begin : gen_slot
    logic [ActW-1:0] word;

    shiftsim_scratchpad #(.Width(ActW), .Depth(ActDepth)) u_act (
      .clk_i, .wr_be_i(act_we[p]), .wr_half_i(wr_half), .wr_addr_i(act_wr_addr[p*AddrW +: AddrW]),
      .wr_data_i(rd_data_i[ActW-1:0]), .rd_en_i(act_re[p]), .rd_half_i(act_half),
      .rd_addr_i(act_rd_addr[p*AddrW +: AddrW]), .rd_data_o(word));

    shiftsim_operand_select #(.Channels(Channels), .Lanes(Lanes)) u_select (
      .clk_i, .en_lanes_i(op_lanes_en[p]), .en_rest_i(op_rest_en[p]), .conv_i(d_ctl.conv),
      .signed_i(d_ctl.act_signed), .sub_i(d_ctl.sub), .word_i(word),
      .op_o(op[p*Channels*OpW +: Channels*OpW]));
  end

  // The pairs are kept with their upper bits together, and their lower bits together.
  for (genvar i = 0; i < CarryW; i++) begin : gen_pair
    assign wr_high[i] = rd_data_i[2*i + 1];
    assign wr_low[i]  = rd_data_i[2*i];
  end

  shiftsim_scratchpad #(.Width(PairW), .Depth(WgtDepth)) u_wgt_pair (
    .clk_i, .wr_be_i(wgt_we), .wr_half_i(wr_half), .wr_addr_i(wr_addr), .wr_data_i({wr_high, wr_low}),
    .rd_en_i(wgt_pair_re), .rd_half_i(wgt_half), .rd_addr_i(wgt_addr), .rd_data_o({wgt_high, wgt_low}));

  shiftsim_scratchpad #(.Width(CarryW), .Depth(WgtDepth)) u_wgt_carry (
    .clk_i, .wr_be_i(carry_we), .wr_half_i(wr_half), .wr_addr_i(carry_addr), .wr_data_i(wr_high),
    .rd_en_i(wgt_carry_re), .rd_half_i(wgt_half), .rd_addr_i(wgt_addr), .rd_data_o(wgt_carry));

  shiftsim_digit_stage #(.Channels(Channels), .Lanes(Lanes)) u_digits (
    .clk_i, .en_first_i(digit_first_en), .en_other_i(digit_other_en), .plane0_i(d_ctl.plane0), .high_i(wgt_high),
    .low_i(wgt_low), .carry_i(wgt_carry), .neg_o(neg), .one_o(one), .two_o(two));

  // -------------------------------------------------------------------------------------------- E
  logic [Pixels*Channels*AccW-1:0] drain_acc;
  logic [Pixels*AccW-1:0]          drain_s;

  shiftsim_pe_array #(.Pixels(Pixels), .Channels(Channels), .Lanes(Lanes), .AccW(AccW)) u_array (
    .clk_i, .en_i(e_en), .ctl_i(e_ctl), .active_i(e_active), .op_i(op), .neg_i(neg), .one_i(one), .two_i(two),
    .drain_acc_o(drain_acc), .drain_s_o(drain_s));

  // ------------------------------------------------------------------------------------------- PPU
  logic                ppu_idle, tab_re, tab_half, res_re, res_half, out_wr_half;
  logic [AddrW-1:0]    tab_addr, res_addr, out_wr_addr;
  logic [TabW-1:0]     tab_data;
  logic [ActW-1:0]     res_data, out_wr_data;
  logic [Channels-1:0] out_be;
  localparam int unsigned LutAddrW = shiftsim_pkg::LutAddrW;
  localparam int unsigned LutWordW = shiftsim_pkg::LutWordW;
  // lint: nobody reads tables that there are not
  /* verilator lint_off UNUSEDSIGNAL */
  logic [PpuLanes-1:0]          lut_re;
  logic                         lut_half;
  logic [PpuLanes*LutAddrW-1:0] lut_addr;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [PpuLanes*LutWordW-1:0] lut_data;

  shiftsim_ppu #(
    .Pixels(Pixels), .Channels(Channels), .PpuLanes(PpuLanes), .AccW(AccW), .ActivationTables(ActivationTables)
  ) u_ppu (
    .clk_i, .rst_ni, .start_i(e_en && e_ctl.capture), .end_i(e_ctl.last), .j_i(e_ctl.j), .ctx_i(e_ctx),
    .ready_o(ppu_ready), .drain_acc_i(drain_acc), .drain_s_i(drain_s),
    .tab_re_o(tab_re), .tab_half_o(tab_half), .tab_addr_o(tab_addr), .tab_data_i(tab_data),
    .res_re_o(res_re), .res_half_o(res_half), .res_addr_o(res_addr), .res_data_i(res_data),
    .lut_re_o(lut_re), .lut_half_o(lut_half), .lut_addr_o(lut_addr), .lut_data_i(lut_data),
    .out_be_o(out_be), .out_half_o(out_wr_half), .out_addr_o(out_wr_addr), .out_data_o(out_wr_data),
    .credit_tab_give_o(tab_free), .credit_res_give_o(res_free),
    .ready_out_give_o(ready_give[TgtOut]), .idle_o(ppu_idle));

  shiftsim_scratchpad #(.Width(TabW), .Depth(TabDepth)) u_tab (
    .clk_i, .wr_be_i(tab_we), .wr_half_i(wr_half), .wr_addr_i(wr_addr), .wr_data_i(rd_data_i[TabW-1:0]),
    .rd_en_i(tab_re), .rd_half_i(tab_half), .rd_addr_i(tab_addr), .rd_data_o(tab_data));

  shiftsim_scratchpad #(.Width(ActW), .Depth(ResDepth)) u_res (
    .clk_i, .wr_be_i(res_we), .wr_half_i(wr_half), .wr_addr_i(wr_addr), .wr_data_i(rd_data_i[ActW-1:0]),
    .rd_en_i(res_re), .rd_half_i(res_half), .rd_addr_i(res_addr), .rd_data_o(res_data));

  // The same table in a memory for each lane: each lane looks up another entry.
  if (ActivationTables != 0) begin : gen_luts
    for (genvar i = 0; i < PpuLanes; i++) begin : gen_lane
      shiftsim_scratchpad #(.Width(LutWordW), .Depth(shiftsim_pkg::LutDepth)) u_lut (
        .clk_i, .wr_be_i(lut_we), .wr_half_i(wr_half), .wr_addr_i(wr_addr), .wr_data_i(rd_data_i[LutWordW-1:0]),
        .rd_en_i(lut_re[i]), .rd_half_i(lut_half), .rd_addr_i(AddrW'(lut_addr[i*LutAddrW +: LutAddrW])),
        .rd_data_o(lut_data[i*LutWordW +: LutWordW]));
    end
  end else begin : gen_no_luts
    assign lut_data = '0;
  end

  // ----------------------------------------------------------------------------------------- STORE
  logic             st_idle, out_re, out_rd_half;
  logic [AddrW-1:0] out_rd_addr;

  shiftsim_scratchpad #(.Width(ActW), .Depth(OutDepth), .ByteWrites(1)) u_out (
    .clk_i, .wr_be_i(out_be), .wr_half_i(out_wr_half), .wr_addr_i(out_wr_addr), .wr_data_i(out_wr_data),
    .rd_en_i(out_re), .rd_half_i(out_rd_half), .rd_addr_i(out_rd_addr), .rd_data_o(wr_data_o));

  shiftsim_store_unit #(.CmdDepth(CmdDepth)) u_store (
    .clk_i, .rst_ni, .cmd_valid_i(st_cmd_valid_i), .cmd_i(st_cmd_i[shiftsim_cmd_pkg::StoreCommandW-1:0]),
    .cmd_ready_o(st_cmd_ready_o), .idle_o(st_idle),
    .ready_out_i(ready[TgtOut]), .ready_out_take_o(ready_take[TgtOut]),
    .credit_out_give_o(out_free), .barrier_give_o(barrier_give),
    .wr_req_valid_o, .wr_req_count_o, .wr_req_id_o, .wr_req_ready_i, .wr_data_valid_o, .wr_data_ready_i,
    .out_re_o(out_re), .out_half_o(out_rd_half), .out_addr_o(out_rd_addr));

  assign idle_o = ld_idle && ex_idle && ppu_idle && st_idle;
endmodule
