// STORE: reads finished words out of OUT and hands them to the DMA, one a cycle.
module store_unit #(
  parameter int CmdDepth = 4
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  logic                            cmd_valid_i,
  input  logic [shiftsim_pkg::StCmdW-1:0] cmd_i,
  output logic                            cmd_ready_o,
  output logic                            idle_o,
  // tokens
  input  logic                            ready_out_i,
  output logic                            ready_out_take_o,
  output logic                            credit_out_give_o,
  output logic                            barrier_give_o,
  // DMA
  output logic                            wr_req_valid_o,
  output logic [15:0]                     wr_req_count_o,
  output logic [31:0]                     wr_req_id_o,
  input  logic                            wr_req_ready_i,
  output logic                            wr_data_valid_o,
  input  logic                            wr_data_ready_i,
  // OUT memory
  output logic                            out_re_o,
  output logic                            out_half_o,
  output logic [shiftsim_pkg::AddrW-1:0]  out_addr_o
);
  localparam int AddrW = shiftsim_pkg::AddrW;
  localparam int CmdW  = shiftsim_pkg::StCmdW;

  typedef enum logic [1:0] {StIdle, StRead, StSend} state_e;
  state_e state_q, state_d;

  logic             full, empty, start, sent, last;
  logic [CmdW-1:0]  head;
  logic             half_q, release_q, sig_layer_q;
  logic [AddrW-1:0] addr_q;
  logic [15:0]      left_q;  // words not yet sent

  assign cmd_ready_o = !full;

  cmd_fifo #(.Width(CmdW), .Depth(CmdDepth)) u_fifo (
    .clk_i, .rst_ni, .push_i(cmd_valid_i && !full), .data_i(cmd_i), .full_o(full), .empty_o(empty),
    .head_o(head), .pop_i(start));

  wire acquire = head[shiftsim_pkg::StAcquireLsb];

  assign wr_req_valid_o   = (state_q == StIdle) && !empty && (!acquire || ready_out_i);
  assign wr_req_count_o   = head[shiftsim_pkg::StCountLsb +: shiftsim_pkg::StCountW];
  assign wr_req_id_o      = head[shiftsim_pkg::StDmaIdLsb +: shiftsim_pkg::StDmaIdW];
  assign start            = wr_req_valid_o && wr_req_ready_i;
  assign ready_out_take_o = start && acquire;

  assign wr_data_valid_o = (state_q == StSend);
  assign sent            = wr_data_valid_o && wr_data_ready_i;
  assign last            = (left_q == 16'd1);

  assign out_re_o   = (state_q == StRead) || (sent && !last);
  assign out_half_o = half_q;
  assign out_addr_o = addr_q;

  assign credit_out_give_o = sent && last && release_q;
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
      half_q      <= head[shiftsim_pkg::StHalfLsb];
      release_q   <= head[shiftsim_pkg::StReleaseLsb];
      sig_layer_q <= head[shiftsim_pkg::StSigLayerLsb];
      addr_q      <= head[shiftsim_pkg::StBaseLsb +: shiftsim_pkg::StBaseW];
      left_q      <= wr_req_count_o;
    end else begin
      if (out_re_o) addr_q <= addr_q + 1'b1;
      if (sent)     left_q <= left_q - 16'd1;
    end
  end
endmodule
