// One pixel's sum of activations S, for the weights' offsets: a column whose weights are all 1.
module s_column #(
  parameter int L    = 4,
  parameter int AccW = 24,
  localparam int OpW = shiftsim_pkg::OpW
) (
  input  logic             clk_i,
  input  logic             en_i,
  input  logic             clear_i,
  input  logic             add_i,
  input  logic [L*OpW-1:0] op_i,
  output logic [AccW-1:0]  s_o       // the value the register takes
);
  localparam int SumW = OpW + $clog2(L);

  logic [AccW-1:0] s_q;
  logic signed [SumW-1:0] sum;

  always_comb begin
    sum = '0;
    for (int l = 0; l < L; l++) sum = sum + SumW'($signed(op_i[l*OpW +: OpW]));
  end

  assign s_o = (clear_i ? '0 : s_q) + (AccW'(sum) & {AccW{add_i}});

  always_ff @(posedge clk_i) begin
    if (en_i) s_q <= s_o;
  end
endmodule
