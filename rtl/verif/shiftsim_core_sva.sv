// What is offered stays as it is until it is taken. The array reads operands of its own step only: those that are not
// clocked keep their value, and nobody reads them.
`include "shiftsim_assert.svh"

module shiftsim_core_sva #(
  parameter int unsigned ActW   = 128,
  parameter int unsigned Pixels = 4
) (
  input logic                      clk_i,
  input logic                      rst_ni,
  input logic                      rd_req_valid_o,
  input logic                      rd_req_ready_i,
  input shiftsim_cmd_pkg::target_e rd_req_target_o,
  input logic [23:0]               rd_req_count_o,
  input logic [31:0]               rd_req_id_o,
  input logic                      wr_req_valid_o,
  input logic                      wr_req_ready_i,
  input logic [15:0]               wr_req_count_o,
  input logic [31:0]               wr_req_id_o,
  input logic                      wr_data_valid_o,
  input logic                      wr_data_ready_i,
  input logic [ActW-1:0]           wr_data_o,
  input logic                      d_en,
  input logic [Pixels-1:0]         op_lanes_en,
  input logic [Pixels-1:0]         op_rest_en,
  input logic                      e_en,
  input shiftsim_pkg::e_control_t  e_ctl,
  input logic [Pixels-1:0]         e_active
);
  `SHIFTSIM_ASSERT(ReadRequestIsStable, rd_req_valid_o && !rd_req_ready_i |=>
                   rd_req_valid_o && $stable({rd_req_target_o, rd_req_count_o, rd_req_id_o}))
  `SHIFTSIM_ASSERT(WriteRequestIsStable, wr_req_valid_o && !wr_req_ready_i |=>
                   wr_req_valid_o && $stable({wr_req_count_o, wr_req_id_o}))
  `SHIFTSIM_ASSERT(WriteDataIsStable, wr_data_valid_o && !wr_data_ready_i |=> wr_data_valid_o && $stable(wr_data_o))

  logic [Pixels-1:0] lanes_q, rest_q;  // slots whose operands are those of the step in E

  always_ff @(posedge clk_i) begin
    if (d_en) begin
      lanes_q <= op_lanes_en;
      rest_q  <= op_rest_en;
    end
  end

  `SHIFTSIM_ASSERT(OperandsAreOfTheStep, e_en |-> (e_active & ~lanes_q) == '0)
  `SHIFTSIM_ASSERT(OtherOperandsAreOfTheStep, e_en && !e_ctl.conv |-> (e_active & ~rest_q) == '0)
endmodule

bind shiftsim_core shiftsim_core_sva #(.ActW(ActW), .Pixels(Pixels)) u_sva (.*);
