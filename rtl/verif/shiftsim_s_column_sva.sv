// S holds the sum in every step, as an accumulator does (shiftsim_pe_sva).
`include "shiftsim_assert.svh"

module shiftsim_s_column_sva #(
  parameter int unsigned AccW = 24,
  parameter int unsigned SumW = 11
) (
  input logic            clk_i,
  input logic            en_i,
  input logic            start_i,
  input logic [AccW-1:0] s_q,
  input logic [SumW-1:0] sum_i
);
  // The column has no reset; its enable is quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  logic signed [AccW:0] exact;
  assign exact = (start_i ? '0 : (AccW+1)'($signed(s_q))) + (AccW+1)'($signed(sum_i));

  `SHIFTSIM_ASSERT(SHoldsTheSum, en_i |-> exact[AccW] == exact[AccW-1])
endmodule

bind shiftsim_s_column shiftsim_s_column_sva #(.AccW(AccW), .SumW(SumW)) u_sva (.*, .sum_i(node[SumW-1:0]));
