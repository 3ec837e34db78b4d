// LOAD: asks the DMA for words (issue), and writes the words that come back (receive). Two requests may
// wait for their data, so that the DMA always knows the next transfer before it ends the last one.
module load_unit #(
  parameter int P        = 4,
  parameter int CmdDepth = 4
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  logic                            cmd_valid_i,
  input  logic [shiftsim_pkg::LdCmdW-1:0] cmd_i,
  output logic                            cmd_ready_o,
  output logic [2:0]                      state_o,
  output logic                            idle_o,
  // tokens
  input  logic [3:0]                      credit_i,
  input  logic                            barrier_i,
  output logic [3:0]                      credit_take_o,
  output logic                            barrier_take_o,
  output logic [3:0]                      ready_give_o,
  // DMA
  output logic                            rd_req_valid_o,
  output logic [1:0]                      rd_req_target_o,
  output logic [23:0]                     rd_req_count_o,
  output logic [31:0]                     rd_req_id_o,
  input  logic                            rd_req_ready_i,
  input  logic                            rd_data_valid_i,
  output logic                            rd_data_ready_o,
  // a slot's start, for the sequencer
  output logic [P-1:0]                    slot_we_o,
  output logic                            slot_half_o,
  output logic [shiftsim_pkg::AddrW-1:0]  slot_x_o,
  output logic [shiftsim_pkg::AddrW-1:0]  slot_xa_o,
  output logic [shiftsim_pkg::RemW-1:0]   slot_rem_o,
  // word writes; the word itself goes from the port to the scratchpads
  output logic                            wr_half_o,
  output logic [P-1:0]                    act_we_o,
  output logic [P*shiftsim_pkg::AddrW-1:0] act_addr_o,
  output logic                            wgt_we_o,
  output logic                            carry_we_o,
  output logic [shiftsim_pkg::AddrW-1:0]  carry_addr_o,
  output logic                            tab_we_o,
  output logic                            res_we_o,
  output logic [shiftsim_pkg::AddrW-1:0]  wr_addr_o
);
  localparam int AddrW = shiftsim_pkg::AddrW;
  localparam int OffW  = shiftsim_pkg::OffW;
  localparam int RemW  = shiftsim_pkg::RemW;
  localparam int CmdW  = shiftsim_pkg::LdCmdW;
  localparam int SlotW = (P > 1) ? $clog2(P) : 1;

  // ------------------------------------------------------------------------------------------ issue
  logic            full, empty, issue;
  logic            pend_full, pend_empty, pend_pop;
  logic [CmdW-1:0] head;

  assign cmd_ready_o = !full;

  cmd_fifo #(.Width(CmdW), .Depth(CmdDepth)) u_fifo (
    .clk_i, .rst_ni, .push_i(cmd_valid_i && !full), .data_i(cmd_i), .full_o(full), .empty_o(empty),
    .head_o(head), .pop_i(issue));

  wire [1:0] head_target = head[shiftsim_pkg::LdTargetLsb +: shiftsim_pkg::LdTargetW];

  always_comb begin
    if (empty)                                                    state_o = 3'd0;
    else if (head[shiftsim_pkg::LdBarrierLsb] && !barrier_i)      state_o = 3'd2;
    else if (head[shiftsim_pkg::LdAcquireLsb] && !credit_i[head_target]) state_o = 3'd1;
    else if (pend_full)                                           state_o = 3'd3;
    else                                                          state_o = 3'd4;
  end

  assign rd_req_valid_o  = (state_o == 3'd4);
  assign rd_req_target_o = head_target;
  assign rd_req_count_o  = head[shiftsim_pkg::LdCountLsb +: shiftsim_pkg::LdCountW];
  assign rd_req_id_o     = head[shiftsim_pkg::LdDmaIdLsb +: shiftsim_pkg::LdDmaIdW];
  assign issue           = rd_req_valid_o && rd_req_ready_i;
  assign barrier_take_o  = issue && head[shiftsim_pkg::LdBarrierLsb];

  always_comb begin
    credit_take_o = 4'd0;
    credit_take_o[head_target] = issue && head[shiftsim_pkg::LdAcquireLsb];
  end

  // ---------------------------------------------------------------------------------------- receive
  typedef enum logic [1:0] {RxIdle, RxInit, RxData} rx_state_e;
  rx_state_e rx_q, rx_d;

  // lint: the receive side has no use for the issue side's fields (acquire, barrier, dma_id)
  /* verilator lint_off UNUSEDSIGNAL */
  logic [CmdW-1:0] pend_head, cur_q;
  /* verilator lint_on UNUSEDSIGNAL */

  cmd_fifo #(.Width(CmdW), .Depth(2)) u_pending (
    .clk_i, .rst_ni, .push_i(issue), .data_i(head), .full_o(pend_full), .empty_o(pend_empty),
    .head_o(pend_head), .pop_i(pend_pop));

  wire [1:0]       target  = cur_q[shiftsim_pkg::LdTargetLsb +: shiftsim_pkg::LdTargetW];
  wire             half    = cur_q[shiftsim_pkg::LdHalfLsb];
  wire [AddrW-1:0] base    = cur_q[shiftsim_pkg::LdBaseLsb +: shiftsim_pkg::LdBaseW];
  wire [OffW-1:0]  count   = cur_q[shiftsim_pkg::LdCountLsb +: shiftsim_pkg::LdCountW];
  wire [AddrW-1:0] seg     = cur_q[shiftsim_pkg::LdSegLsb +: shiftsim_pkg::LdSegW];
  wire [AddrW-1:0] tw      = cur_q[shiftsim_pkg::LdTwLsb +: shiftsim_pkg::LdTwW];
  wire [AddrW-1:0] seg_x   = cur_q[shiftsim_pkg::LdSegXLsb +: shiftsim_pkg::LdSegXW];
  wire [AddrW-1:0] seg_xa  = cur_q[shiftsim_pkg::LdSegXaLsb +: shiftsim_pkg::LdSegXaW];
  wire [AddrW-1:0] tw_xa   = cur_q[shiftsim_pkg::LdTwXaLsb +: shiftsim_pkg::LdTwXaW];
  wire [OffW-1:0]  seg_off = cur_q[shiftsim_pkg::LdSegOffLsb +: shiftsim_pkg::LdSegOffW];
  wire [OffW-1:0]  row_off = cur_q[shiftsim_pkg::LdRowOffLsb +: shiftsim_pkg::LdRowOffW];
  wire [AddrW-1:0] win_len = cur_q[shiftsim_pkg::LdWinLenLsb +: shiftsim_pkg::LdWinLenW];

  wire [AddrW-1:0] stride  = cur_q[shiftsim_pkg::LdCarryStrideLsb +: shiftsim_pkg::LdCarryStrideW];

  logic [SlotW-1:0] slot_q;
  logic [AddrW-1:0] x_q, xa_q;
  logic [OffW-1:0]  off_q, g_q, g_next;
  logic [RemW-1:0]  rem_q;
  logic             word, last;

  assign rd_data_ready_o = (rx_q == RxData);
  assign word            = rd_data_ready_o && rd_data_valid_i;
  assign g_next          = g_q + 1'b1;
  assign last            = (g_next == count);
  assign pend_pop        = (rx_q == RxIdle) && !pend_empty;
  assign idle_o          = empty && pend_empty && (rx_q == RxIdle);

  wire pend_act = (pend_head[shiftsim_pkg::LdTargetLsb +: shiftsim_pkg::LdTargetW] ==
                   2'(shiftsim_pkg::TgtAct));

  always_comb begin
    rx_d = rx_q;
    unique case (rx_q)
      RxIdle: begin
        if (pend_pop && pend_act)  rx_d = RxInit;
        if (pend_pop && !pend_act) rx_d = RxData;
      end
      RxInit:  if (slot_q == SlotW'(P - 1)) rx_d = RxData;
      default: if (word && last) rx_d = RxIdle;
    endcase
  end

  // The walk over the slots: one segment further, and back by a row's length where it leaves the row.
  logic             wrap;
  logic [AddrW-1:0] x_sum;
  assign x_sum = x_q + seg_x;
  assign wrap  = (x_sum >= tw);

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
      cur_q <= pend_head;
      x_q   <= '0;
      xa_q  <= '0;
      off_q <= '0;
      rem_q <= RemW'(pend_head[shiftsim_pkg::LdMTileLsb +: shiftsim_pkg::LdMTileW]);
    end else if (rx_q == RxInit) begin
      x_q   <= x_sum - (wrap ? tw : '0);
      xa_q  <= xa_q + seg_xa - (wrap ? tw_xa : '0);
      off_q <= off_q + seg_off + (wrap ? row_off : '0);
      rem_q <= rem_q - RemW'(seg);
    end
  end

  assign slot_half_o = half;
  assign slot_x_o    = x_q;
  assign slot_xa_o   = xa_q;
  assign slot_rem_o  = rem_q;

  wire act_word = word && (target == 2'(shiftsim_pkg::TgtAct));

  for (genvar p = 0; p < P; p++) begin : gen_bank
    assign slot_we_o[p] = (rx_q == RxInit) && (slot_q == SlotW'(p));

    bank_window u_window (
      .clk_i, .set_i(slot_we_o[p]), .off_i(off_q), .word_i(act_word), .g_i(g_q), .win_len_i(win_len),
      .base_i(base), .we_o(act_we_o[p]), .addr_o(act_addr_o[p*AddrW +: AddrW]));
  end

  assign wr_half_o = half;
  assign wr_addr_o = base + g_q[AddrW-1:0];
  assign wgt_we_o  = word && (target == 2'(shiftsim_pkg::TgtWgt));
  assign tab_we_o  = word && (target == 2'(shiftsim_pkg::TgtTab));
  assign res_we_o  = word && (target == 2'(shiftsim_pkg::TgtRes));

  // A word's top bits are the Booth carries of the word one digit plane before it.
  assign carry_we_o   = wgt_we_o && (g_q >= OffW'(stride));
  assign carry_addr_o = wr_addr_o - stride;

  always_comb begin
    ready_give_o = 4'd0;
    ready_give_o[target] = word && last && cur_q[shiftsim_pkg::LdSignalLsb];
  end
endmodule
