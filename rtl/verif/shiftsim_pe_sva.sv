// The accumulator holds the sum in every step: the compiler has refused a layer whose sums could overflow. It was
// cleared (shiftsim_pe_array_sva), so it holds the exact sum as long as no step overflows.
`include "shiftsim_assert.svh"

module shiftsim_pe_sva #(
  parameter int unsigned AccW = 24,
  parameter int unsigned SumW = 12
) (
  input logic            clk_i,
  input logic            en_i,
  input logic            clear_i,
  input logic            shift_i,
  input logic            max_i,
  input logic [AccW-1:0] acc_q,
  input logic [SumW-1:0] sum_i
);
  // A PE has no reset; its enable is quiet under the core's.
  logic rst_ni;
  assign rst_ni = 1'b1;

  logic signed [AccW+1:0] acc, exact;  // two bits more, for the shift
  logic                   holds;

  assign acc   = (AccW+2)'($signed(acc_q));
  assign exact = (clear_i ? '0 : shift_i ? (acc <<< 2) : acc) + (AccW+2)'($signed(sum_i));
  assign holds = !en_i || max_i || (exact[AccW+1:AccW-1] == '0) || (exact[AccW+1:AccW-1] == '1);

  `SHIFTSIM_ASSERT(AccumulatorHoldsTheSum, holds)
endmodule

bind shiftsim_pe shiftsim_pe_sva #(.AccW(AccW), .SumW(SumW)) u_sva (.*, .sum_i(node[SumW-1:0]));
