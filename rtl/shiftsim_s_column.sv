// One pixel's sum of activations S, for the weights' offsets: a column whose weights are all 1.
module shiftsim_s_column #(
  parameter int unsigned Lanes = 4,
  parameter int unsigned AccW  = 24,
  localparam int unsigned OpW  = shiftsim_pkg::OpW
) (
  input  logic                 clk_i,
  input  logic                 en_i,
  input  logic                 start_i,    // from zero
  input  logic [Lanes*OpW-1:0] op_i,
  output logic [AccW-1:0]      s_o        // the value the register takes
);
  localparam int unsigned SumW = OpW + $clog2(Lanes);

  if (Lanes < 1 || Lanes > 64) begin : gen_bad_lanes
    $error("Lanes is not in 1..64");
  end
  if (AccW < 16 || AccW > 32) begin : gen_bad_acc_w
    $error("AccW is not in 16..32");
  end

  // A tree, as in shiftsim_pe.
  logic [(2*Lanes - 1)*SumW-1:0] node /* verilator split_var */;
  for (genvar k = 0; k < Lanes - 1; k++) begin : gen_node
    assign node[k*SumW +: SumW] = node[(2*k + 1)*SumW +: SumW] + node[(2*k + 2)*SumW +: SumW];
  end
  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    assign node[(Lanes - 1 + l)*SumW +: SumW] = SumW'($signed(op_i[l*OpW +: OpW]));
  end

  logic [AccW-1:0] s_q;
  assign s_o = (start_i ? '0 : s_q) + AccW'($signed(node[SumW-1:0]));

  always_ff @(posedge clk_i) begin
    if (en_i) s_q <= s_o;
  end
endmodule
