// A scratchpad has two halves: no more of them are free and filled together.
`include "shiftsim_assert.svh"

module shiftsim_tokens_sva (
  input logic                                  clk_i,
  input logic                                  rst_ni,
  input logic [shiftsim_cmd_pkg::TgtCount-1:0] credit_take_i,
  input logic [shiftsim_cmd_pkg::TgtCount-1:0] credit_give_i,
  input logic [shiftsim_cmd_pkg::TgtCount-1:0] ready_take_i,
  input logic [shiftsim_cmd_pkg::TgtCount-1:0] ready_give_i
);
  for (genvar t = 0; t < shiftsim_cmd_pkg::TgtCount; t++) begin : gen_target
    int halves_q;  // nobody works on

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        halves_q <= 2;
      end else if (credit_take_i[t] || credit_give_i[t] || ready_take_i[t] || ready_give_i[t]) begin
        halves_q <= halves_q + (credit_give_i[t] ? 1 : 0) + (ready_give_i[t] ? 1 : 0) - (credit_take_i[t] ? 1 : 0) -
                    (ready_take_i[t] ? 1 : 0);
      end
    end

    `SHIFTSIM_ASSERT(TwoHalves, halves_q <= 2)
  end
endmodule

bind shiftsim_tokens shiftsim_tokens_sva u_sva (.*);
