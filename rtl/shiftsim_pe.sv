// A processing element: adds L digit products to its accumulator, or keeps the maximum.
//
// A product is 0, +-a or +-2a in 10 bits two's complement. It is summed with its top bit inverted, which is
// the product + 512 as an unsigned number, so nothing needs sign extension; and a negative one is only
// inverted. What that leaves out, (number of negative digits) - 512*L, is the same for the whole column and
// comes in as corr_i. Everything is modulo 2^SumW, which holds the true sum.
module shiftsim_pe #(
  parameter int unsigned Lanes = 4,
  parameter int unsigned AccW  = 24,
  localparam int unsigned OpW  = shiftsim_pkg::OpW,
  localparam int unsigned SumW = OpW + 1 + $clog2(Lanes)
) (
  input  logic                 clk_i,
  input  logic                 en_i,
  input  logic                 clear_i,
  input  logic                 shift_i,
  input  logic                 depthwise_i,
  input  logic                 max_i,
  input  logic [Lanes*OpW-1:0] op_i,
  input  logic [OpW-1:0]       vec_op_i,   // operand of this column in depthwise and max
  input  logic [Lanes-1:0]     neg_i,
  input  logic [Lanes-1:0]     one_i,
  input  logic [Lanes-1:0]     two_i,
  input  logic [SumW-1:0]      corr_i,
  output logic [AccW-1:0]      acc_o       // the value the accumulator takes
);
  localparam int unsigned Leaves = Lanes + 1;

  if (Lanes < 1 || Lanes > 64) begin : gen_bad_lanes
    $error("Lanes is not in 1..64");
  end
  if (AccW < 16 || AccW > 32) begin : gen_bad_acc_w
    $error("AccW is not in 16..32");
  end

  logic signed [AccW-1:0] acc_q, acc_sum, acc_max, vec_ext;

  // A tree of adders as a heap: node k adds nodes 2k+1 and 2k+2, node 0 is the sum. The leaves are the correction,
  // which is late and gets the shortest way, and the products.
  // Split: as one variable the tree would look like a loop to Verilator, and be slower.
  logic [(2*Leaves - 1)*SumW-1:0] node /* verilator split_var */;

  assign node[(Leaves - 1)*SumW +: SumW] = corr_i;

  for (genvar k = 0; k < Leaves - 1; k++) begin : gen_node
    assign node[k*SumW +: SumW] = node[(2*k + 1)*SumW +: SumW] + node[(2*k + 2)*SumW +: SumW];
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [OpW-1:0] a;
    logic [OpW:0]   product;

    if (l == 0) begin : gen_first
      assign a = depthwise_i ? vec_op_i : op_i[OpW-1:0];
    end else begin : gen_other
      assign a = op_i[l*OpW +: OpW];
    end
    assign product = (({a[OpW-1], a} & {(OpW+1) {one_i[l]}}) | ({a, 1'b0} & {(OpW+1) {two_i[l]}})) ^
                     {!neg_i[l], {OpW{neg_i[l]}}};
    assign node[(Leaves + l)*SumW +: SumW] = SumW'(product);
  end

  assign vec_ext = AccW'($signed(vec_op_i));
  assign acc_sum = (clear_i ? '0 : shift_i ? (acc_q <<< 2) : acc_q) + AccW'($signed(node[SumW-1:0]));
  assign acc_max = (clear_i || (vec_ext > acc_q)) ? vec_ext : acc_q;
  assign acc_o   = max_i ? acc_max : acc_sum;

  always_ff @(posedge clk_i) begin
    if (en_i) acc_q <= acc_o;
  end
endmodule
