// The sub-block is one of the word, and an operand is a signed or an unsigned byte: shiftsim_pe's sums rely on it.
`include "shiftsim_assert.svh"

module shiftsim_operand_select_sva #(
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes    = 4,
  localparam int unsigned OpW     = shiftsim_pkg::OpW
) (
  input logic                    clk_i,
  input logic                    en_lanes_i,
  input logic                    en_rest_i,
  input logic                    conv_i,
  input logic [7:0]              sub_i,
  input logic [Channels*OpW-1:0] op_o
);
  localparam int unsigned Subs = (Channels + Lanes - 1) / Lanes;

  // Operands have no reset; their enables are quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  logic lanes_q, rest_q;  // what was just registered
  logic wrong_q;          // an operand's top bit without the byte's own

  always_ff @(posedge clk_i) begin
    lanes_q <= en_lanes_i;
    rest_q  <= en_rest_i;
    if (lanes_q) begin
      for (int unsigned l = 0; l < Lanes; l++) begin
        if (op_o[l*OpW + 8] && !op_o[l*OpW + 7]) wrong_q <= 1'b1;
      end
    end
    if (rest_q) begin
      for (int unsigned n = Lanes; n < Channels; n++) begin
        if (op_o[n*OpW + 8] && !op_o[n*OpW + 7]) wrong_q <= 1'b1;
      end
    end
  end

  initial begin
    lanes_q = 1'b0;
    rest_q  = 1'b0;
    wrong_q = 1'b0;
  end

  `SHIFTSIM_ASSERT(SubBlockIsThere, en_lanes_i && conv_i |-> 32'(sub_i) < Subs)
  `SHIFTSIM_ASSERT(OperandIsAByte, !wrong_q)
endmodule

bind shiftsim_operand_select shiftsim_operand_select_sva #(.Channels(Channels), .Lanes(Lanes)) u_sva (.*);
