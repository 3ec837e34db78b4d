// The dependency tokens: halves free to fill (credit), halves filled (ready), layers stored (barrier).
module shiftsim_tokens (
  input  logic                                  clk_i,
  input  logic                                  rst_ni,
  input  logic [shiftsim_cmd_pkg::TgtCount-1:0] credit_take_i,
  input  logic [shiftsim_cmd_pkg::TgtCount-1:0] credit_give_i,
  input  logic [shiftsim_cmd_pkg::TgtCount-1:0] ready_take_i,
  input  logic [shiftsim_cmd_pkg::TgtCount-1:0] ready_give_i,
  input  logic                                  barrier_take_i,
  input  logic                                  barrier_give_i,
  output logic [shiftsim_cmd_pkg::TgtCount-1:0] credit_o,
  output logic [shiftsim_cmd_pkg::TgtCount-1:0] ready_o,
  output logic                                  barrier_o
);
  for (genvar t = 0; t < shiftsim_cmd_pkg::TgtCount; t++) begin : gen_target
    shiftsim_token_counter #(.Initial(2)) u_credit (
      .clk_i, .rst_ni, .take_i(credit_take_i[t]), .give_i(credit_give_i[t]), .avail_o(credit_o[t]));
    shiftsim_token_counter #(.Initial(0)) u_ready (
      .clk_i, .rst_ni, .take_i(ready_take_i[t]), .give_i(ready_give_i[t]), .avail_o(ready_o[t]));
  end

  shiftsim_token_counter #(.Initial(0)) u_barrier (
    .clk_i, .rst_ni, .take_i(barrier_take_i), .give_i(barrier_give_i), .avail_o(barrier_o));
endmodule
