// Stage D of the weights: N x L recoders and the registers of their digits. A depthwise step uses lane 0
// alone, so that lane can be clocked without the others.
module shiftsim_digit_stage #(
  parameter int unsigned Channels = 16,
  parameter int unsigned Lanes    = 4,
  localparam int unsigned Digits  = Channels * Lanes
) (
  input  logic              clk_i,
  input  logic              en_first_i,  // lane 0
  input  logic              en_other_i,  // all lanes
  input  logic              plane0_i,    // the least significant plane: no carry
  input  logic [Digits-1:0] high_i,      // the upper bits of the pairs
  input  logic [Digits-1:0] low_i,       // the lower ones
  input  logic [Digits-1:0] carry_i,
  output logic [Digits-1:0] neg_o,
  output logic [Digits-1:0] one_o,
  output logic [Digits-1:0] two_o
);
  logic [Digits-1:0] neg, one, two;

  shiftsim_recoder #(.Digits(Digits)) u_recoder (
    .high_i, .low_i, .carry_i(carry_i & {Digits{!plane0_i}}), .neg_o(neg), .one_o(one), .two_o(two));

  always_ff @(posedge clk_i) begin
    if (en_other_i) begin
      neg_o <= neg;
      one_o <= one;
      two_o <= two;
    end else if (en_first_i) begin
      for (int n = 0; n < Channels; n++) begin
        neg_o[n*Lanes] <= neg[n*Lanes];
        one_o[n*Lanes] <= one[n*Lanes];
        two_o[n*Lanes] <= two[n*Lanes];
      end
    end
  end
endmodule
