// One output of one layer at a time: the integer contract as plain behaviour. It stands for the design under test of
// bench.sv; put a module of the same name and ports in its place to check it.
//
// start_i, then a tap a cycle (valid_i) while ready_o, then finish_i; the answer comes with valid_o. The settings of the
// layer and of the output channel stand from start_i to valid_o.
module layer_unit (
  input                    clk_i,
  input                    rst_ni,
  input                    start_i,
  input                    valid_i,
  input                    finish_i,
  output                   ready_o,
  input  signed     [8:0]  act_i,             // an input code
  input  signed     [7:0]  weight_i,          // q
  input                    max_i,             // the largest code of the window, instead of the sum
  input                    has_offset_i,
  input  signed     [7:0]  offset_i,          // c, half steps
  input  signed    [31:0]  bias_i,            // without the rounding half
  input  signed     [7:0]  shift_i,           // n
  input                    has_residual_i,
  input  signed     [8:0]  residual_i,
  input  signed     [7:0]  residual_shift_i,  // rs
  input                    wide_i,            // logits: 32 bits, no clamp
  input  signed     [9:0]  lo_i,
  input  signed     [9:0]  hi_i,
  output reg               valid_o,
  output reg signed [31:0] value_o
);
  reg signed [31:0] acc, sum, largest;

  assign ready_o = 1'b1;

  // What is shifted: sums, bias and residual.
  wire signed [31:0] residual = residual_i;
  wire signed [31:0] residual_half = 32'sd1 <<< (-residual_shift_i - 1);
  wire signed [31:0] residual_left = residual <<< residual_shift_i;
  wire signed [31:0] residual_right = (residual + residual_half) >>> -residual_shift_i;
  wire signed [31:0] added = !has_residual_i ? 32'sd0 : residual_shift_i >= 0 ? residual_left : residual_right;
  wire signed [31:0] products = has_offset_i ? (acc <<< 1) + offset_i * sum : acc;
  wire signed [31:0] x = products + bias_i + added;

  // Round half up, then clamp.
  wire signed [31:0] half = 32'sd1 <<< (shift_i - 1);
  wire signed [31:0] right = (x + half) >>> shift_i;
  wire signed [31:0] left = x <<< -shift_i;
  wire signed [31:0] shifted = shift_i > 0 ? right : left;
  wire signed [31:0] y = max_i ? largest : shifted;
  wire signed [31:0] lo = lo_i;
  wire signed [31:0] hi = hi_i;

  always @(posedge clk_i) begin
    valid_o <= 1'b0;
    if (!rst_ni) begin
      acc <= 0;
    end else if (start_i) begin
      acc     <= 0;
      sum     <= 0;
      largest <= -32'sd1000;
    end else if (valid_i) begin
      acc <= acc + act_i * weight_i;
      sum <= sum + act_i;
      if (act_i > largest) largest <= act_i;
    end else if (finish_i) begin
      valid_o <= 1'b1;
      value_o <= wide_i ? y : y < lo ? lo : y > hi ? hi : y;
    end
  end
endmodule
