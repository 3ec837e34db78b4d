// One radix-4 Booth digit, -2*b1 + b0 + carry, as the controls of a digit select. One recoder a
// (channel, lane), shared by all pixels. neg implies that the digit is not 0.
module shiftsim_recoder (
  input  logic [1:0] pair_i,
  input  logic       carry_i,
  output logic       neg_o,
  output logic       one_o,
  output logic       two_o
);
  assign one_o = pair_i[0] ^ carry_i;
  assign two_o = (pair_i[1] ^ pair_i[0]) & ~one_o;
  assign neg_o = pair_i[1] & ~(pair_i[0] & carry_i);
endmodule
