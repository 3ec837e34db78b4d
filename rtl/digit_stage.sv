// Stage D of the weights: N x L recoders and the registers of their digits.
module digit_stage #(
  parameter int N = 16,
  parameter int L = 4
) (
  input  logic             clk_i,
  input  logic             en_i,
  input  logic             plane0_i,  // the least significant plane: no carry
  input  logic [2*N*L-1:0] pair_i,
  input  logic [N*L-1:0]   carry_i,
  output logic [N*L-1:0]   neg_o,
  output logic [N*L-1:0]   one_o,
  output logic [N*L-1:0]   two_o
);
  logic [N*L-1:0] neg, one, two;

  for (genvar i = 0; i < N*L; i++) begin : gen_digit
    recoder u_recoder (
      .pair_i(pair_i[2*i +: 2]), .carry_i(carry_i[i] && !plane0_i), .neg_o(neg[i]), .one_o(one[i]),
      .two_o(two[i]));
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      neg_o <= neg;
      one_o <= one;
      two_o <= two;
    end
  end
endmodule
