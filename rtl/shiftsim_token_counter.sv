// One kind of token. 8 bits: the compiler never lets more than a few be outstanding.
module shiftsim_token_counter #(
  parameter int unsigned Initial = 0
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic take_i,   // only while avail_o
  input  logic give_i,
  output logic avail_o
);
  logic [7:0] count_q;

  assign avail_o = (count_q != 8'd0);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)                count_q <= 8'(Initial);
    else if (give_i && !take_i) count_q <= count_q + 8'd1;
    else if (take_i && !give_i) count_q <= count_q - 8'd1;
  end
endmodule
