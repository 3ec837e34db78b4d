// What is offered stays as it is until it is taken.
`include "shiftsim_assert.svh"

module shiftsim_core_sva #(
  parameter int unsigned ActW = 128
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
  input logic [ActW-1:0]           wr_data_o
);
  `SHIFTSIM_ASSERT(ReadRequestIsStable, rd_req_valid_o && !rd_req_ready_i |=>
                   rd_req_valid_o && $stable({rd_req_target_o, rd_req_count_o, rd_req_id_o}))
  `SHIFTSIM_ASSERT(WriteRequestIsStable, wr_req_valid_o && !wr_req_ready_i |=>
                   wr_req_valid_o && $stable({wr_req_count_o, wr_req_id_o}))
  `SHIFTSIM_ASSERT(WriteDataIsStable, wr_data_valid_o && !wr_data_ready_i |=> wr_data_valid_o && $stable(wr_data_o))
endmodule

bind shiftsim_core shiftsim_core_sva #(.ActW(ActW)) u_sva (.*);
