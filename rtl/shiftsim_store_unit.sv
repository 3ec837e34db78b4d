// STORE: reads finished words out of OUT and hands them to the DMA, one a cycle.
module shiftsim_store_unit #(
  parameter int unsigned CmdDepth = 4,
  localparam int unsigned AddrW   = shiftsim_pkg::AddrW
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic                             cmd_valid_i,
  input  shiftsim_cmd_pkg::store_command_t cmd_i,
  output logic                             cmd_ready_o,
  output logic                             idle_o,
  // tokens
  input  logic                             ready_out_i,
  output logic                             ready_out_take_o,
  output logic                             credit_out_give_o,
  output logic                             barrier_give_o,
  // DMA
  output logic                             wr_req_valid_o,
  output logic [15:0]                      wr_req_count_o,
  output logic [31:0]                      wr_req_id_o,
  input  logic                             wr_req_ready_i,
  output logic                             wr_data_valid_o,
  input  logic                             wr_data_ready_i,
  // OUT memory
  output logic                             out_re_o,
  output logic                             out_half_o,
  output logic [AddrW-1:0]                 out_addr_o
);
  typedef enum logic [1:0] {StIdle, StRead, StSend} state_e;
  state_e state_q, state_d;

  logic             full, empty, start, sent, last;
  shiftsim_cmd_pkg::store_command_t head;
  logic             half_q, rel_out_q, sig_layer_q;
  logic [AddrW-1:0] addr_q;
  logic [15:0]      left_q;  // words not yet sent

  assign cmd_ready_o = !full;

  shiftsim_cmd_fifo #(.Width(shiftsim_cmd_pkg::StoreCommandW), .Depth(CmdDepth)) u_fifo (
    .clk_i, .rst_ni, .push_i(cmd_valid_i && !full), .data_i(cmd_i), .full_o(full), .empty_o(empty),
    .head_o(head), .pop_i(start));

  assign wr_req_valid_o   = (state_q == StIdle) && !empty && (!head.acquire || ready_out_i);
  assign wr_req_count_o   = head.count;
  assign wr_req_id_o      = head.dma_id;
  assign start            = wr_req_valid_o && wr_req_ready_i;
  assign ready_out_take_o = start && head.acquire;

  assign wr_data_valid_o = (state_q == StSend);
  assign sent            = wr_data_valid_o && wr_data_ready_i;
  assign last            = (left_q == 16'd1);

  assign out_re_o   = (state_q == StRead) || (sent && !last);
  assign out_half_o = half_q;
  assign out_addr_o = addr_q;

  assign credit_out_give_o = sent && last && rel_out_q;
  assign barrier_give_o    = sent && last && sig_layer_q;

  assign idle_o = empty && (state_q == StIdle);

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StIdle:  if (start) state_d = StRead;
      StRead:  state_d = StSend;
      default: if (sent && last) state_d = StIdle;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) state_q <= StIdle;
    else         state_q <= state_d;
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      half_q      <= head.half;
      rel_out_q   <= head.rel_out;
      sig_layer_q <= head.sig_layer;
      addr_q      <= head.base;
      left_q      <= head.count;
    end else begin
      if (out_re_o) addr_q <= addr_q + 1'b1;
      if (sent)     left_q <= left_q - 16'd1;
    end
  end
endmodule
