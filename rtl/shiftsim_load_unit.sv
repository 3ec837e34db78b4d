// LOAD: asks the DMA for words (issue), and writes the words that come back (receive). Two requests may
// wait for their data, so that the DMA always knows the next transfer before it ends the last one.
module shiftsim_load_unit #(
  parameter int unsigned Pixels   = 4,
  parameter int unsigned CmdDepth = 4,
  parameter int unsigned ActivationTables = 0,
  localparam int unsigned AddrW   = shiftsim_pkg::AddrW,
  localparam int unsigned NumTgt  = shiftsim_cmd_pkg::TgtOut
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  logic                            cmd_valid_i,
  // lint: without tables the command's last field stays outside
  /* verilator lint_off UNUSEDSIGNAL */
  input  shiftsim_cmd_pkg::load_command_t cmd_i,
  /* verilator lint_on UNUSEDSIGNAL */
  output logic                            cmd_ready_o,
  output logic                            idle_o,
  // tokens
  input  logic [NumTgt-1:0]               credit_i,
  input  logic                            barrier_i,
  output logic [NumTgt-1:0]               credit_take_o,
  output logic                            barrier_take_o,
  output logic [NumTgt-1:0]               ready_give_o,
  // DMA
  output logic                            rd_req_valid_o,
  output shiftsim_cmd_pkg::target_e       rd_req_target_o,
  output logic [23:0]                     rd_req_count_o,
  output logic [31:0]                     rd_req_id_o,
  input  logic                            rd_req_ready_i,
  input  logic                            rd_data_valid_i,
  output logic                            rd_data_ready_o,
  // a slot's start, for the sequencer
  output logic [Pixels-1:0]               slot_we_o,
  output logic                            slot_half_o,
  output shiftsim_pkg::slot_t             slot_o,
  // word writes; the word itself goes from the port to the scratchpads
  output logic                            wr_half_o,
  output logic [Pixels-1:0]               act_we_o,
  output logic [Pixels*AddrW-1:0]         act_addr_o,
  output logic                            wgt_we_o,
  output logic                            carry_we_o,
  output logic [AddrW-1:0]                carry_addr_o,
  output logic                            tab_we_o,
  output logic                            lut_we_o,
  output logic                            res_we_o,
  output logic [AddrW-1:0]                wr_addr_o
);
  localparam int unsigned OffW  = shiftsim_pkg::OffW;
  localparam int unsigned RemW  = shiftsim_pkg::RemW;
  localparam int unsigned CmdW  =
      shiftsim_cmd_pkg::LoadCommandW - ((ActivationTables != 0) ? 0 : shiftsim_pkg::LutLoadW);
  localparam int unsigned SlotW = (Pixels > 1) ? $clog2(Pixels) : 1;

  // ------------------------------------------------------------------------------------------ issue
  logic            full, empty, issue;
  logic            pend_full, pend_empty, pend_pop;
  logic [CmdW-1:0] head_bits;
  // lint: the receive side's fields go on as they are
  /* verilator lint_off UNUSEDSIGNAL */
  shiftsim_cmd_pkg::load_command_t head;
  /* verilator lint_on UNUSEDSIGNAL */

  assign cmd_ready_o = !full;
  assign head        = shiftsim_cmd_pkg::LoadCommandW'(head_bits);

  shiftsim_cmd_fifo #(.Width(CmdW), .Depth(CmdDepth)) u_fifo (
    .clk_i, .rst_ni, .push_i(cmd_valid_i && !full), .data_i(cmd_i[CmdW-1:0]), .full_o(full),
    .empty_o(empty), .head_o(head_bits), .pop_i(issue));

  shiftsim_cmd_pkg::ld_state_e state;  // observed by shiftsim_monitor

  always_comb begin
    if (empty)                                       state = shiftsim_cmd_pkg::LdNoCommand;
    else if (head.barrier && !barrier_i)             state = shiftsim_cmd_pkg::LdWaitBarrier;
    else if (head.acquire && !credit_i[head.target]) state = shiftsim_cmd_pkg::LdWaitCredit;
    else if (pend_full)                              state = shiftsim_cmd_pkg::LdPendingFull;
    else                                             state = shiftsim_cmd_pkg::LdRequest;
  end

  assign rd_req_valid_o  = (state == shiftsim_cmd_pkg::LdRequest);
  assign rd_req_target_o = head.target;
  assign rd_req_count_o  = head.count;
  assign rd_req_id_o     = head.dma_id;
  assign issue           = rd_req_valid_o && rd_req_ready_i;
  assign barrier_take_o  = issue && head.barrier;

  always_comb begin
    credit_take_o = '0;
    credit_take_o[head.target] = issue && head.acquire;
  end

  // ---------------------------------------------------------------------------------------- receive
  typedef enum logic [1:0] {RxIdle, RxInit, RxData} rx_state_e;
  rx_state_e rx_q, rx_d;

  // lint: the receive side has no use for the issue side's fields (acquire, barrier, dma_id)
  /* verilator lint_off UNUSEDSIGNAL */
  shiftsim_cmd_pkg::load_command_t pend_head, cur;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [CmdW-1:0] pend_bits, cur_q;
  assign pend_head = shiftsim_cmd_pkg::LoadCommandW'(pend_bits);
  assign cur       = shiftsim_cmd_pkg::LoadCommandW'(cur_q);

  shiftsim_cmd_fifo #(.Width(CmdW), .Depth(2)) u_pending (
    .clk_i, .rst_ni, .push_i(issue), .data_i(head_bits), .full_o(pend_full), .empty_o(pend_empty),
    .head_o(pend_bits), .pop_i(pend_pop));

  logic [SlotW-1:0] slot_q;
  logic [AddrW-1:0] x_q, xa_q;
  logic [OffW-1:0]  off_q, g_q, g_next;
  logic [RemW-1:0]  rem_q;
  logic             word, last;

  assign rd_data_ready_o = (rx_q == RxData);
  assign word            = rd_data_ready_o && rd_data_valid_i;
  assign g_next          = g_q + 1'b1;
  assign last            = (g_next == cur.count);
  assign pend_pop        = (rx_q == RxIdle) && !pend_empty;
  assign idle_o          = empty && pend_empty && (rx_q == RxIdle);

  logic pend_act;
  assign pend_act = (pend_head.target == shiftsim_cmd_pkg::TgtAct);

  always_comb begin
    rx_d = rx_q;
    unique case (rx_q)
      RxIdle: begin
        if (pend_pop && pend_act)  rx_d = RxInit;
        if (pend_pop && !pend_act) rx_d = RxData;
      end
      RxInit:  if (slot_q == SlotW'(Pixels - 1)) rx_d = RxData;
      default: if (word && last) rx_d = RxIdle;
    endcase
  end

  // The walk over the slots: one segment further, and back by a row's length where it leaves the row.
  logic             wrap;
  logic [AddrW-1:0] x_sum;
  assign x_sum = x_q + cur.seg_x;
  assign wrap  = (x_sum >= cur.tw);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      rx_q   <= RxIdle;
      slot_q <= '0;
      g_q    <= '0;
    end else begin
      rx_q <= rx_d;
      if (pend_pop) begin
        slot_q <= '0;
        g_q    <= '0;
      end else begin
        if (rx_q == RxInit) slot_q <= slot_q + 1'b1;
        if (word) g_q <= g_next;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (pend_pop) begin
      cur_q <= pend_bits;
      x_q   <= '0;
      xa_q  <= '0;
      off_q <= '0;
      rem_q <= RemW'(pend_head.m_tile);
    end else if (rx_q == RxInit) begin
      x_q   <= x_sum - (wrap ? cur.tw : '0);
      xa_q  <= xa_q + cur.seg_xa - (wrap ? cur.tw_xa : '0);
      off_q <= off_q + cur.seg_off + (wrap ? cur.row_off : '0);
      rem_q <= rem_q - RemW'(cur.seg);
    end
  end

  assign slot_half_o = cur.half;
  assign slot_o      = {x_q, xa_q, rem_q};

  logic act_word;
  assign act_word = word && (cur.target == shiftsim_cmd_pkg::TgtAct);

  for (genvar p = 0; p < Pixels; p++) begin : gen_bank
    assign slot_we_o[p] = (rx_q == RxInit) && (slot_q == SlotW'(p));

    shiftsim_bank_window u_window (
      .clk_i, .set_i(slot_we_o[p]), .off_i(off_q), .word_i(act_word), .g_i(g_q), .win_len_i(cur.win_len),
      .base_i(cur.base), .we_o(act_we_o[p]), .addr_o(act_addr_o[p*AddrW +: AddrW]));
  end

  assign wr_half_o = cur.half;
  assign wr_addr_o = cur.base + g_q[AddrW-1:0];
  assign wgt_we_o  = word && (cur.target == shiftsim_cmd_pkg::TgtWgt);
  assign tab_we_o  = word && (cur.target == shiftsim_cmd_pkg::TgtTab) && !cur.lut;
  assign lut_we_o  = word && (cur.target == shiftsim_cmd_pkg::TgtTab) && cur.lut;
  assign res_we_o  = word && (cur.target == shiftsim_cmd_pkg::TgtRes);

  // A word's top bits are the Booth carries of the word one digit plane before it.
  assign carry_we_o   = wgt_we_o && (g_q >= OffW'(cur.carry_stride));
  assign carry_addr_o = wr_addr_o - cur.carry_stride;

  always_comb begin
    ready_give_o = '0;
    ready_give_o[cur.target] = word && last && cur.signal;
  end
endmodule
